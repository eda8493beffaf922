from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import Policy, load_policy
from goldspan.serving.documents.base import FileCounts, FileSettings
from goldspan.serving.documents.files import mask_file
from tests.masking.lexicon import LexiconPredictor


class FileMasker:
    """Masks files of a test folder and gives what was written."""

    def __init__(self, folder: Path, labels: LabelSchema) -> None:
        self.folder, self.labels = folder, labels
        self.counts = FileCounts()
        self.settings = FileSettings()

    def __call__(
        self,
        name: str,
        content: bytes | str,
        settings: FileSettings | None = None,
        policy: str | Policy = "pseudonymise",
    ) -> bytes:
        source, target = self.folder / name, self.folder / f"out-{name}"
        source.write_bytes(content.encode() if isinstance(content, str) else content)
        rules = policy if isinstance(policy, Policy) else load_policy(policy)
        masker = Masker(LexiconPredictor(), rules, self.labels)
        self.counts = run_sync(mask_file(source, target, masker, settings or self.settings))
        return target.read_bytes()


@pytest.fixture
def mask(tmp_path: Path, labels: LabelSchema) -> FileMasker:
    return FileMasker(tmp_path, labels)
