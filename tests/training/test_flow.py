"""Where the files of a step are: in the run's folder, or in the artifacts of the step before."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from goldspan.annotation.errors import StateError

pytest.importorskip("metaflow")
flow = pytest.importorskip("goldspan.training.flow")


@pytest.fixture
def step(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    monkeypatch.setattr(flow, "current", SimpleNamespace(step_name="evaluate"))
    monkeypatch.setattr(flow, "unpack_inputs", lambda archive, folder: None)
    return SimpleNamespace(archive=b"", run_folder="", model_name="m", files={}, kept=False)


def enter(step: Any) -> Any:
    return flow.TrainingFlow._work(step)


def test_a_step_elsewhere_passes_its_files_on_and_they_replace_older_ones(
    step: SimpleNamespace, tmp_path: Path
) -> None:
    with enter(step) as work:
        (work.folder / "trained").mkdir(parents=True)
        (work.folder / "trained" / "config.json").write_text("new")
    assert step.files == {"trained/config.json": b"new"}
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "config.json").write_text("of an attempt that was interrupted")
    step.run_folder = str(tmp_path)
    with enter(step) as work:
        assert (work.folder / "trained" / "config.json").read_text() == "new"


def test_a_step_elsewhere_after_one_that_kept_its_files_is_refused(step: SimpleNamespace, tmp_path: Path) -> None:
    step.run_folder = str(tmp_path)
    with enter(step):
        pass
    step.run_folder = str(tmp_path / "on another machine")
    with pytest.raises(StateError, match="The step before evaluate kept its files"), enter(step):
        pass
