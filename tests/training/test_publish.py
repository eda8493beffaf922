from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import StateError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.launch import find_output
from goldspan.training.methods.token_classifier import TokenClassifierSettings, _make_config
from goldspan.training.stages import publish


def test_a_folder_that_is_no_model_is_never_replaced(tmp_path: Path) -> None:
    run, target = tmp_path / "run", tmp_path / "documents"
    for name in ("trained", "quantized", "evaluation"):
        (run / name).mkdir(parents=True)
    (run / "quantized" / "manifest.json").write_text("{}")
    target.mkdir()
    publish(run, target)
    publish(run, target)
    (target / "quantized" / "manifest.json").unlink()
    with pytest.raises(StateError, match="documents is no model of a training run, and is not replaced"):
        publish(run, target)
    assert (target / "trained").is_dir()


@pytest.mark.parametrize("name", ["v1", "trained"])
def test_a_fit_of_any_name_has_a_folder_of_its_own(tmp_path: Path, name: str) -> None:
    config = _make_config(TokenClassifierSettings())
    assert find_output(config, Workspace(tmp_path), name) == tmp_path / "models" / name
