from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from goldspan.annotation.errors import ConfigurationError, InputError, StateError, UnknownNameError  # noqa: E402
from goldspan.annotation.tasks.workspace import Workspace  # noqa: E402
from goldspan.predictors.artifact import MethodArtifact  # noqa: E402
from goldspan.predictors.registry import open_predictor  # noqa: E402
from goldspan.training.bundle.manifest import BundleSettings  # noqa: E402
from goldspan.training.bundle.write import write_bundle  # noqa: E402
from goldspan.training.methods.fits import fit as fit_method  # noqa: E402
from tests.training.models.causal.tiny_base import label_note  # noqa: E402
from tests.training.tiny_model import CITIES, NAMES, TOML, make_labels  # noqa: E402

LABELS = make_labels()
TEXT = "Note upper vale In Oslo lives Priya; his phone is +44 1 2 3 4 5 6."


@dataclass(frozen=True)
class Made:
    """Artifacts of one bundle, by adapter."""

    workspace: Workspace
    artifacts: dict[str, MethodArtifact]


@pytest.fixture(scope="module")
def made(causal_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("llm")
    (root / "labels.toml").write_text(TOML)
    workspace = Workspace(root / "data")
    notes = [label_note(number, NAMES, CITIES) for number in range(150)]
    write_bundle(workspace.bundles / "tiny", notes, LABELS, BundleSettings("tiny", threshold=1.0, seed=1))
    adapters = ["none", "lora"] if _has_peft() else ["none"]
    return Made(workspace, {adapter: fit(workspace, causal_base, adapter=adapter) for adapter in adapters})


def fit(workspace: Workspace, base: Path, name: str = "", **options: object) -> MethodArtifact:
    given = {
        "base": str(base), "device": "cpu", "bf16": "false", "threads": 1, "window_tokens": 32, "window_overlap": 8,
        "tokens": 3_000, "learning_rate": 2e-3, **options,
    }  # fmt: skip
    return fit_method(
        "llm-token-classifier", None, given, name=name or f"llm-{options['adapter']}", data=workspace.root,
        labels_file=workspace.root.parent / "labels.toml",
    )  # fmt: skip


def _has_peft() -> bool:
    try:
        import peft  # noqa: F401
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("adapter", ["none", "lora"])
def test_the_artifact_opens_and_reads_texts_longer_than_a_window(made: Made, adapter: str) -> None:
    if adapter not in made.artifacts:
        pytest.skip("peft is not installed")
    artifact = made.artifacts[adapter]
    predictor = open_predictor(artifact.folder, LABELS, key=str(artifact.folder / "classifier.pub"), verify="require")
    assert predictor.record["details"]["base"]["attention"] == "causal"
    assert {"Priya", "Oslo"} <= {TEXT[e.start : e.end] for e in predictor.predict_sync(TEXT).entities}
    long = " ".join([TEXT] * 5)
    cities = [e.start for e in predictor.predict_sync(long).entities if long[e.start : e.end] == "Oslo"]
    assert len(cities) >= 4
    assert cities[-1] > len(long) - len(TEXT)
    assert not predictor.predict_sync("").entities
    gold = [label_note(number, NAMES, CITIES) for number in range(900, 930)]
    wanted = {(s.sample_id, e.span) for s in gold if s.best for e in s.best.entities}
    right = {(s.sample_id, e.span) for s in gold for e in predictor.predict_sync(s.text).entities} & wanted
    assert len(right) > 0.7 * len(wanted)


def test_only_head_and_adapter_are_saved(made: Made, causal_base: Path) -> None:
    for adapter, artifact in made.artifacts.items():
        folder = artifact.folder / "classifier"
        manifest = json.loads((folder / "manifest.json").read_bytes())
        weights = sorted(path.name for path in folder.glob("*.safetensors"))
        assert weights == (["adapter_model.safetensors"] if adapter == "lora" else []) + ["head.safetensors"]
        assert manifest["base"]["name"] == str(causal_base.resolve())
        assert manifest["base"]["fingerprint"] == artifact.record["details"]["base"]["fingerprint"]
        assert (manifest["training"]["adapter"] is None) == (adapter == "none")
        if adapter == "lora":
            assert json.loads((folder / "adapter_config.json").read_bytes())["base_model_name_or_path"] == str(
                causal_base.resolve()
            )


def test_a_moved_base_is_named_and_another_one_refused(made: Made, causal_base: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(made.artifacts["none"].folder, tmp_path / "model"))
    moved = Path(shutil.copytree(causal_base, tmp_path / "base"))
    assert open_predictor(folder, LABELS, base=str(moved)).predict_sync(TEXT).entities
    with (moved / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x7f")
    with pytest.raises(StateError, match="is not the base"):
        open_predictor(folder, LABELS, base=str(moved))


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def _link(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "changed head": lambda folder: _flip(folder / "head.safetensors"),
    "missing tokenizer": lambda folder: (folder / "tokenizer.json").unlink(),
    "added file": lambda folder: (folder / "more.txt").write_text("x"),
    "linked file": lambda folder: _link(folder / "calibration.json"),
    "newer format": lambda folder: (folder / "manifest.json").write_text('{"format": 2}'),
    "no JSON": lambda folder: (folder / "manifest.json").write_text("{"),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
}


@pytest.mark.parametrize("verify", ["warn", "off"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_changed_folder_is_not_loaded(made: Made, tmp_path: Path, damage: str, verify: str) -> None:
    folder = Path(shutil.copytree(made.artifacts["none"].folder, tmp_path / "model"))
    DAMAGES[damage](folder / "classifier")
    with pytest.raises((StateError, InputError)) as raised:
        open_predictor(folder, LABELS, verify=verify)
    assert "classifier" in str(raised.value)


def test_what_cannot_be_fitted_leaves_no_artifact(made: Made, causal_base: Path) -> None:
    wrong: list[dict[str, object]] = [{"attention": "both"}, {"four_bit": True}, {"window_tokens": 5_000}]
    for number, options in enumerate(wrong):
        with pytest.raises(ConfigurationError):
            fit(made.workspace, causal_base, adapter="none", name=f"wrong-{number}", **options)
        assert not (made.workspace.root / "models" / f"wrong-{number}").exists()
    with pytest.raises(UnknownNameError, match="no-such-model"):
        fit(made.workspace, Path("no-such-model"), adapter="none", name="wrong")
