from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from goldspan.annotation.errors import ConfigurationError, InputError, ServiceError, StateError, UnknownNameError
from goldspan.annotation.locks import try_lock
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.predictors.artifact import read_artifact, write_settings
from goldspan.predictors.registry import open_predictor
from goldspan.training.methods import registry
from goldspan.training.methods.base import FitContext, Fitted, Method, TrainingPrice
from goldspan.training.methods.fits import fit as fit_method
from goldspan.training.methods.registry import list_methods, open_method
from goldspan.training.methods.state import LOCK, find_fit, list_fits
from goldspan.training.runs import create_run
from tests.training.tiny_model import TOML, make_bundle, make_labels

LABELS = make_labels()


@dataclass(frozen=True, slots=True, kw_only=True)
class PatternSettings:
    rounds: int = 1
    strict: bool = False
    direct: bool = False


class PatternMethod(Method[PatternSettings]):
    """Writes an artifact that opens the predictor `regex`; fails as often as `failures` says."""

    name = "patterns"
    title = "For tests"
    settings = PatternSettings
    failures: ClassVar[list[BaseException]] = []

    def fit(self, bundle, settings: PatternSettings, context: FitContext) -> Fitted:
        target = context.output.resolve() if settings.direct else context.staging
        target.mkdir(parents=True, exist_ok=True)
        with (context.work / "attempts").open("a") as stream:
            stream.write("x")
        context.report("under way")
        if self.failures:
            raise self.failures.pop()
        write_settings(target, "regex", {})
        return Fitted(target, {"rounds": settings.rounds}, TrainingPrice(1.5, as_of="2026-11-26"), documents=7)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setitem(registry.BUILT_IN, "patterns", f"{__name__}:PatternMethod")
    (tmp_path / "labels.toml").write_text(TOML)
    made = Workspace(tmp_path / "data")
    make_bundle(made.bundles / "tiny", 30)
    return made


def fit(workspace: Workspace, method: str = "patterns", name: str = "", **options: object):
    labels_file = workspace.root.parent / "labels.toml"
    return fit_method(method, None, options, name=name, data=workspace.root, labels_file=labels_file)


def test_every_method_lists_typed_options_and_unknown_ones_are_refused(workspace: Workspace) -> None:
    assert {"prompting", "token-classifier", "patterns"} <= set(list_methods())
    for name in list_methods():
        assert open_method(name).settings() == open_method(name).settings()
    with pytest.raises(UnknownNameError, match="Did you mean prompting"):
        fit(workspace, "promting")
    with pytest.raises(ConfigurationError, match="no option cycles; it takes direct, rounds, strict"):
        fit(workspace, cycles="3")
    with pytest.raises(ConfigurationError, match="rounds of the method patterns is a whole number, not 'many'"):
        fit(workspace, rounds="many")
    assert not list_fits(workspace)


def test_an_artifact_opens_and_carries_the_record_of_its_fit(workspace: Workspace) -> None:
    artifact = fit(workspace, rounds="4", strict="yes")
    assert artifact.folder == workspace.root / "models" / "patterns-1"
    assert artifact.record["settings"] == {"rounds": 4, "strict": True, "direct": False}
    assert artifact.record["bundle"]["name"] == "tiny"
    assert artifact.record["training"]["price"]["total"] == 1.5
    predictor = open_predictor(artifact.folder, LABELS)
    assert predictor.name == "regex"
    assert predictor.record == artifact.record == read_artifact(artifact.folder).record
    assert find_fit(workspace).state["status"] == "done"
    assert fit(workspace).folder.name == "patterns-2"
    with pytest.raises(StateError, match="is finished"):
        fit(workspace, name="patterns-1", rounds=4, strict=True)


@pytest.mark.parametrize(
    ("failure", "status"), [(ServiceError("the provider is down"), "failed"), (KeyboardInterrupt(), "interrupted")]
)
def test_a_failed_fit_goes_on_under_its_name_and_only_with_its_settings(
    workspace: Workspace, failure: BaseException, status: str
) -> None:
    PatternMethod.failures.append(failure)
    with pytest.raises(type(failure)):
        fit(workspace, name="one", rounds=2)
    before = find_fit(workspace, "one").state
    assert before["status"] == status
    assert before["progress"] == "under way"
    assert not (workspace.root / "models").exists()
    with pytest.raises(StateError, match="another settings"):
        fit(workspace, name="one", rounds=3)
    attempts = workspace.root / "methods" / "one" / "attempts"
    assert attempts.read_text() == "x"
    artifact = fit(workspace, name="one", rounds=2)
    assert {path.name for path in attempts.parent.iterdir()} == {"state.json", ".lock"}
    assert artifact.record["training"]["seconds"] >= before["seconds"]


def test_a_fit_whose_process_died_is_interrupted(workspace: Workspace) -> None:
    folder = workspace.root / "methods" / "dead"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text('{"status": "running", "started_at": ""}')
    assert find_fit(workspace, "dead").state["status"] == "interrupted"
    with pytest.raises(InputError, match=r"no fit other .* Known: dead"):
        find_fit(workspace, "other")


def test_a_prompting_artifact_holds_private_examples_of_the_training_split(workspace: Workspace) -> None:
    artifact = fit(
        workspace, "prompting", model="m", api_url="http://127.0.0.1:1", shots=2, selection="similar", pool=5
    )
    shots = artifact.folder / "shots.jsonl"
    assert stat.S_IMODE(shots.stat().st_mode) == 0o600
    train = (workspace.bundles / "tiny" / "train.jsonl").read_text()
    lines = shots.read_text().splitlines()
    assert len(lines) == artifact.record["details"]["pool"] == 5
    import json

    assert all(json.dumps(json.loads(line)["data"]["sample_id"]) in train for line in lines)
    few = fit(workspace, "prompting", model="m", shots=2, pool=0)
    assert few.record["training"]["documents"] == 3
    predictor = open_predictor(artifact.folder, LABELS, defaults={"folder": workspace.runs, "workers": 2})
    assert predictor.describe() | {"model": "m", "shots": 2, "selection": "similar", "pool": 5} == predictor.describe()
    assert predictor.describe()["prompt_digest"] == artifact.record["details"]["prompt_digest"]
    with pytest.raises(ConfigurationError, match="no model of its own"):
        fit(workspace, "prompting")


def test_an_artifact_names_no_file_outside_of_it_and_no_address_for_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    folder = tmp_path / "artifact"
    folder.mkdir()
    write_settings(folder, "llm", {"model": "m", "shots_file": Path("../secret.jsonl")})
    with pytest.raises(ConfigurationError, match="shots_file is a path outside the folder"):
        open_predictor(folder, LABELS)
    write_settings(folder, "llm", {"provider": "openai", "api_url": "https://models.example.com/v1"})
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with pytest.raises(ConfigurationError, match=r"not sent to https://models\.example\.com.* confirm it once"):
        open_predictor(folder, LABELS)
    open_predictor(folder, LABELS, api_url="https://models.example.com/v1")
    open_predictor(folder, LABELS)


@pytest.mark.parametrize("direct", [False, True])
def test_a_workspace_may_be_a_relative_path(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, direct: bool
) -> None:
    monkeypatch.chdir(workspace.root.parent)
    artifact = fit(Workspace(Path("data")), direct=direct)
    assert artifact.folder == workspace.root / "models" / "patterns-1"
    assert open_predictor(artifact.folder, LABELS).record["settings"]["direct"] is direct


def test_a_training_run_that_is_not_of_the_fit_is_not_taken_over(workspace: Workspace) -> None:
    create_run(workspace, b"", {}, "one")
    with pytest.raises(StateError, match="training run one that is not of this fit"):
        fit(workspace, "token-classifier", name="one")


def test_one_fit_runs_once_at_a_time(workspace: Workspace) -> None:
    folder = workspace.root / "methods" / "one"
    folder.mkdir(parents=True)
    lock = try_lock(folder / LOCK)
    assert lock is not None
    try:
        with pytest.raises(StateError, match="one is running already"):
            fit(workspace, name="one")
    finally:
        lock.release()
    fit(workspace, name="one")


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("crf", {"c1": "-3"}),
        ("crf", {"iterations": "0"}),
        ("crf", {"c2": "nan"}),
        ("prompting", {"model": "m", "shots": "-1"}),
        ("prompting", {"model": "m", "attempts": "0"}),
        ("prompting", {"model": "m", "mode": "later"}),
        ("llm-token-classifier", {"head_epochs": "0"}),
        ("token-classifier", {"seed": "-1"}),
        ("crf", {"keep": "CITY,FIRSTNAMES"}),
    ],
)
def test_settings_out_of_range_are_refused_before_anything_is_made(workspace, method, options) -> None:
    with pytest.raises((ConfigurationError, UnknownNameError), match=next(reversed(options))):
        fit(workspace, method, "a", **options)
    assert not (workspace.root / "models" / "a").exists()
