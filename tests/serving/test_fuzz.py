from __future__ import annotations

from pathlib import Path

from goldspan.annotation.labels.schema import LabelSchema
from tests.serving.conftest import Serve
from tests.serving.documents.generated import FORMATS
from tests.serving.fuzz import try_api, try_files


def test_no_request_gets_an_unsound_answer(serve: Serve) -> None:
    """`benchmarks/masking_fuzz.py` tries 10,000."""

    async def keep(sample: object) -> str:
        return "Saved."

    assert try_api(serve(sink=keep), 400) == []


def test_no_damaged_file_is_masked_in_part(tmp_path: Path, labels: LabelSchema) -> None:
    assert try_files(tmp_path, labels, 150, formats=tuple(kind for kind in FORMATS if kind != "pdf")) == []


def test_no_damaged_pdf_is_masked_in_part(tmp_path: Path, labels: LabelSchema) -> None:
    assert try_files(tmp_path, labels, 8, formats=("pdf",)) == []
