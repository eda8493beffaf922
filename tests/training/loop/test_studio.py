"""What a server runs when Label Studio asks for training: only a promoted model comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import GateClosedError, StateError
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.cli.shared.exits import Exit
from goldspan.cli.studio.commands import app
from goldspan.training.loop.retrain import RetrainSettings
from goldspan.training.loop.studio import retrain_from_studio
from tests.training.tiny_model import TOML, make_labels, make_sample

pytest.importorskip("pycrfsuite")
SETTINGS = RetrainSettings(options={"least": 0}, least_test=10, similarity=1.0)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose pull brings 100 reviews."""
    made = Workspace(tmp_path / "data")
    (tmp_path / "labels.toml").write_text(TOML)
    monkeypatch.setenv("GOLDSPAN_LABELS", str(tmp_path / "labels.toml"))

    def pull(*_: object, **__: object) -> SimpleNamespace:
        reviews = [replace(make_sample(n), provenance={"queue": "priority" if n % 4 else "random"}) for n in range(100)]
        made.training_samples.mkdir(parents=True, exist_ok=True)
        write_samples(made.training_samples / "p.jsonl", reviews, make_labels())
        return SimpleNamespace(added=100, updated=0, total=100)

    monkeypatch.setattr("goldspan.training.loop.studio.pull", pull)
    made.root.mkdir()
    (made.root / "gate.toml").write_text("[audit]\nsettled = 0.0\n")
    return made


def test_a_promoted_model_comes_out_once(workspace: Workspace) -> None:
    told: list[str] = []
    serving = retrain_from_studio(SETTINGS, data=workspace.root, on_stage=lambda stage, _: told.append(stage))
    assert Path(serving) == (workspace.root / "models" / "loop-1-crf").resolve()
    assert list(dict.fromkeys(told)) == ["pull", "gate", "train"]
    with pytest.raises(StateError, match="20 more reviews are needed"):
        retrain_from_studio(SETTINGS, data=workspace.root)


def test_a_refused_model_is_said_and_the_old_one_serves_on(workspace: Workspace) -> None:
    with pytest.raises(StateError, match=r"refused: .*at least 1000 are needed.*regex serves on"):
        retrain_from_studio(replace(SETTINGS, least_test=1000), data=workspace.root)


def test_a_closed_gate_trains_nothing(workspace: Workspace) -> None:
    (workspace.root / "gate.toml").write_text("[audit]\nsettled = 1.0\n")
    with pytest.raises(GateClosedError, match=r"audit\.settled"):
        retrain_from_studio(SETTINGS, data=workspace.root)
    assert not workspace.bundles.exists()
    shown = CliRunner().invoke(app, ["retrain", "--data", str(workspace.root)])
    assert shown.exit_code == Exit.GATE_CLOSED
    assert "gate: closed: audit.settled" in shown.stdout
