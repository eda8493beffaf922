from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
if find_spec("peft") is None:
    pytest.skip("needs peft", allow_module_level=True)

from goldspan.annotation.errors import ConfigurationError, InputError, StateError  # noqa: E402
from goldspan.annotation.files import make_private_folder  # noqa: E402
from goldspan.annotation.tasks.workspace import Workspace  # noqa: E402
from goldspan.generators.providers.tuning.values import JobState  # noqa: E402
from goldspan.predictors.artifact import write_settings  # noqa: E402
from goldspan.predictors.prompting.prompt import build_answer  # noqa: E402
from goldspan.predictors.registry import open_predictor  # noqa: E402
from goldspan.training.bundle.manifest import BundleSettings  # noqa: E402
from goldspan.training.bundle.write import write_bundle  # noqa: E402
from goldspan.training.finetuning.journal import TuningJournal  # noqa: E402
from goldspan.training.finetuning.rows import TokenCounter, build_rows  # noqa: E402
from goldspan.training.finetuning.settings import TokenCount, TuningOrder  # noqa: E402
from goldspan.training.methods import llm_lora  # noqa: E402
from goldspan.training.methods.fits import fit  # noqa: E402
from goldspan.training.methods.llm_lora import LocalEngine  # noqa: E402
from tests.training.models.causal.tiny_base import label_note  # noqa: E402
from tests.training.tiny_model import CITIES, NAMES, TOML, make_labels  # noqa: E402

LABELS = make_labels()
NOTES = [label_note(number, NAMES, CITIES) for number in (0, 1)]
OPTIONS = {
    "rank": "32",
    "alpha": "64",
    "dropout": "0",
    "batch_size": "2",
    "device": "cpu",
    "bf16": "false",
    "threads": "1",
}
Make = Callable[..., LocalEngine]


@pytest.fixture
def make_engine(causal_chat_base: Path, tmp_path: Path) -> Make:
    """Makes the engine of a run; the same name gives the same run."""

    def make(
        name: str = "run", *, epochs: int = 2, options: dict[str, str] | None = None, **values: Any
    ) -> LocalEngine:
        folder = tmp_path / name
        make_private_folder(folder)
        rows = list(build_rows(NOTES, LABELS))
        train = folder / "train.jsonl"
        train.write_bytes(b"".join(row.encode() for row in rows))
        order = TuningOrder(**{
            "run": name, "marker": name, "folder": folder, "provider": "local", "model": str(causal_chat_base),
            "address": "", "train": train, "validation": train, "epochs": epochs, "learning_rate": 1e-2, "seed": 3,
            "price": None, "options": OPTIONS | (options or {}), "counts": TokenCounter().count_rows(rows),
            "validation_counts": TokenCount(0, 0, 0), **values,
        })  # fmt: skip
        return LocalEngine(order, TuningJournal(folder, create=not (folder / "journal.db").exists()))

    return make


def finish(engine: LocalEngine) -> list[JobState]:
    states = []
    while not states or not states[-1].is_final:
        states.append(engine.advance().state)
    return states


def read_adapter(folder: Path) -> bytes:
    return (folder / "local" / "adapter" / "adapter_model.safetensors").read_bytes()


def test_a_tuned_model_writes_the_tagged_text_it_was_shown(make_engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = "peft.utils.save_and_load.check_file_exists_on_hf_hub"
    monkeypatch.setattr(hub, lambda *_, **__: pytest.fail("the Hub was asked"), raising=False)
    engine = make_engine(epochs=40)
    estimate = engine.estimate()
    assert (estimate.cost, estimate.tokens_expected) == (0.0, 40 * engine.order.counts.expected)
    assert finish(engine)[-1] is JobState.SUCCEEDED
    entry = engine.describe_predictor(engine.advance())
    folder = engine.order.folder
    paths = {name: path.relative_to(folder) for name, path in entry.paths.items()}
    write_settings(folder, entry.predictor, {**entry.options, **paths})
    predictor = open_predictor(folder, LABELS, device="cpu", threads=1)
    for note in NOTES:
        found = {entity.span for entity in predictor.predict_sync(note.text).entities}
        assert found >= {e.span for e in note.best.entities if e.label != "PHONENUMBER"}
    assert not predictor.predict_sync("  \n").entities
    penalised = Path(shutil.copytree(engine.order.model, folder / "base"))
    (penalised / "generation_config.json").write_text('{"repetition_penalty": 9.0, "no_repeat_ngram_size": 1}')
    other = open_predictor(folder, LABELS, device="cpu", threads=1, base=str(penalised))
    assert other.predict_sync(NOTES[0].text) == predictor.predict_sync(NOTES[0].text)
    sizes = []
    monkeypatch.setattr(
        other, "_generate", lambda parts: sizes.append(len(parts)) or [build_answer(part, ()) for part in parts]
    )
    other.predict_sync("word " * 8_000)
    assert max(sizes) <= other.max_batch < sum(sizes)
    manifest = json.loads((folder / "local" / "adapter" / "manifest.json").read_bytes())
    losses = [one.metrics["validation_loss"] for one in engine.journal.list_checkpoints()]
    assert manifest["training"]["validation_loss"] <= losses[-1] + 1e-4
    for message in engine.journal.list_messages():
        assert all(note.text[10:30] not in message.message for note in NOTES)


def test_a_run_that_was_killed_ends_with_the_same_adapter(make_engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_engine("whole", epochs=3)
    finish(whole)
    monkeypatch.setattr(llm_lora, "_STEP_SECONDS", 0.0)
    states = []
    while not states or not states[-1].is_final:
        states.append(make_engine("cut", epochs=3).advance().state)
    assert states == [JobState.RUNNING, JobState.RUNNING, JobState.SUCCEEDED]
    cut = make_engine("cut", epochs=3)
    assert read_adapter(cut.order.folder) == read_adapter(whole.order.folder)
    assert cut.advance().trained_tokens == whole.advance().trained_tokens > 0
    assert cut.cancel().state is JobState.SUCCEEDED
    for path in (cut.order.folder / "local").rglob("checkpoint*"):
        assert stat.S_IMODE(path.stat().st_mode) in {0o600, 0o700}


def test_a_cancelled_run_stays_cancelled(make_engine: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_lora, "_STEP_SECONDS", 0.0)
    assert make_engine().advance().state is JobState.RUNNING
    assert make_engine().cancel().state is JobState.CANCELLED
    assert make_engine().advance().state is JobState.CANCELLED
    assert not list((make_engine().order.folder / "local" / "checkpoints").iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ranks": "3"}, "no option ranks; it takes alpha, batch_size"),
        ({"rank": "many"}, "rank of the provider local is a whole number"),
        ({"rank": "0"}, "at least 1"),
        ({"dropout": "1"}, "dropout is at least 0 and less than 1"),
        ({"bf16": "yes", "threads": "-1"}, "threads is at least 0, not -1; bf16 is auto, true or false"),
        ({"device": "tpu"}, "device is auto, cpu, cuda or mps"),
    ],
)
def test_a_wrong_option_is_refused_before_consent(make_engine: Make, options: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        make_engine(options=options).estimate()


def test_rows_that_are_too_long_and_checkpoints_that_are_broken_are_named(
    make_engine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"train\.jsonl: 2 of 2 rows with more than 64 tokens: line 1 \(\d+ tokens\)"):
        make_engine(options={"max_tokens": "64"}).advance()
    monkeypatch.setattr(llm_lora, "_STEP_SECONDS", 0.0)
    engine = make_engine("broken")
    engine.advance()
    for path in (engine.order.folder / "local" / "checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StateError, match="does not match its digest"):
        make_engine("broken").advance()


def test_a_run_that_diverges_is_stopped_and_leaves_no_adapter(make_engine: Make) -> None:
    engine = make_engine(learning_rate=1e30)
    with pytest.raises(ConfigurationError, match=r"diverged: its loss at step \d+ is .*a lower learning_rate"):
        finish(engine)
    assert not (engine.order.folder / "local" / "adapter").exists()
    with pytest.raises(ConfigurationError, match="seed is at least 0"):
        make_engine(seed=-1).estimate()


def test_the_method_fine_tuning_trains_here_and_its_artifact_stands_alone(
    causal_chat_base: Path, tmp_path: Path
) -> None:
    (tmp_path / "labels.toml").write_text(TOML)
    workspace = Workspace(tmp_path / "data")
    notes = [label_note(number, NAMES, CITIES) for number in range(24)]
    write_bundle(workspace.bundles / "tiny", notes, LABELS, BundleSettings("tiny", threshold=1.0, seed=1))
    given = {"provider": "local", "model": str(causal_chat_base), "epochs": 1, "seed": 3}
    options = ",".join(f"{key}={value}" for key, value in (OPTIONS | {"batch_size": "8"}).items())
    artifact = fit(
        "fine-tuning", None, {**given, "options": options}, name="tuned", data=workspace.root,
        labels_file=tmp_path / "labels.toml",
    )  # fmt: skip
    shutil.rmtree(artifact.folder)
    shutil.rmtree(workspace.root / "methods")
    with pytest.raises(StateError, match="fine-tuning run tuned on another bundle or with other options"):
        fit(
            "fine-tuning", None, {**given, "options": options, "seed": 4}, name="tuned", data=workspace.root,
            labels_file=tmp_path / "labels.toml",
        )  # fmt: skip
    shutil.rmtree(workspace.root / "methods")
    artifact = fit(
        "fine-tuning", None, {**given, "options": options}, name="tuned", data=workspace.root,
        labels_file=tmp_path / "labels.toml",
    )  # fmt: skip
    moved = Path(shutil.move(artifact.folder, tmp_path / "elsewhere"))
    shutil.rmtree(workspace.root)
    predictor = open_predictor(moved, LABELS, device="cpu", threads=1)
    assert predictor.describe()["base"] == str(causal_chat_base.resolve())
    assert predictor.record["training"]["price"] is None or predictor.record["training"]["price"]["total"] == 0
    assert predictor.record["training"]["usage"]["tokens"] > 0
    (moved / "adapter" / "adapter_config.json").write_text("{}")
    with pytest.raises(StateError, match="is not what the manifest records"):
        open_predictor(moved, LABELS)
