from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.files import mask_file
from tests.masking.lexicon import LexiconPredictor
from tests.serving.documents.generated import FORMATS, KEPT, find_left, make_document, reveal

COUNT = 6


@pytest.mark.parametrize("kind", FORMATS)
def test_no_planted_value_is_left(tmp_path: Path, labels: LabelSchema, kind: str) -> None:
    """`benchmarks/masking_files.py --count 40` does the same with more documents."""
    for number in range(COUNT):
        data, values = make_document(kind, number)
        assert sorted(find_left(kind, data, values)) == sorted(values.values()), "the readers see what was planted"
        source, target = tmp_path / f"{number}.{kind}", tmp_path / f"out-{number}.{kind}"
        source.write_bytes(data)
        masker = Masker(LexiconPredictor(labels, values), load_policy("pseudonymise"), labels)
        run_sync(mask_file(source, target, masker, FileSettings()))
        written = target.read_bytes()
        assert find_left(kind, written, values) == [], f"{kind} {number}"
        assert any(KEPT in text for text in reveal(kind, written))
