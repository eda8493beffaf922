from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from goldspan.annotation.templates import create_project, find_template


@pytest.fixture
def begin_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make a project of a template the current folder."""

    def begin(template: str) -> Path:
        for name in ("GOLDSPAN_DATA", "GOLDSPAN_LABELS", "GOLDSPAN_PROJECT_DIR"):
            monkeypatch.delenv(name, raising=False)
        create_project(tmp_path, find_template(template))
        monkeypatch.chdir(tmp_path)
        return tmp_path

    return begin
