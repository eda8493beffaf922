from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.tiny_model import TOML


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the labels of the tiny model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDSPAN_LABELS", str(tmp_path / "labels.toml"))
    monkeypatch.setenv("GOLDSPAN_ENCODERS", str(tmp_path / "encoders"))
    (tmp_path / "labels.toml").write_text(TOML)
    return tmp_path
