"""`goldspan.train`: start and resume training runs through Metaflow, and put the finished model into its place."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import StateError
from goldspan.annotation.extras import require_packages
from goldspan.annotation.files import hold_private_umask, read_json, write_atomic
from goldspan.annotation.labels.schema import find_label_file, load_labels
from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.workspace import Workspace, check_file_name, find_workspace
from goldspan.training import stages
from goldspan.training.bundle.signature import find_signing_key
from goldspan.training.bundle.withdrawal import open_for_training
from goldspan.training.config import TrainingConfig, parse_config, read_config
from goldspan.training.flow_runner import run_flow
from goldspan.training.inputs import choose_bundle, pack_inputs
from goldspan.training.release import list_external, require_open_gate
from goldspan.training.runs import (
    DONE,
    FAILED,
    STEPS,
    WITHDRAWN,
    TrainingRun,
    create_run,
    find_models_folder,
    find_run,
    find_training_folder,
    name_run,
)


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A finished run: the model directory, its manifest, and the rows of its evaluation."""

    folder: Path
    run: str
    manifest: dict[str, Any]
    rows: tuple[dict[str, Any], ...]


def train(
    bundle: str | Path | None = None,
    config: TrainingConfig | str | Path | None = None,
    *,
    name: str = "",
    labels_file: str | Path | None = None,
    data: str | Path | None = None,
    flow_options: Iterable[str] = (),
    on_line: Callable[[str], None] = lambda _: None,
) -> TrainedModel:
    """Train on a bundle, evaluate, quantise, sign, and return the finished model directory.

    `goldspan train resume` resumes an interrupted run.

    Args:
        bundle: a bundle's folder or its name in the workspace; None: what the settings say, else the newest one.
        config: settings, or a TOML file of them; None: the defaults.
        name: of the run and the model; default: the next number.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        flow_options: Metaflow's own, such as `--with=kubernetes`.
        on_line: gets a line whenever a step says something.

    Raises:
        InputError: there is no bundle, or it cannot be trained on.
        ConfigurationError: a setting is wrong, or the encoder, the device or a library is missing.
        StateError: the run failed, and the message ends with what it said; or its place is taken by something else.
        GateClosedError: the model does not reach what `gate.toml` asks of it; it is not put into its place.
    """
    if not isinstance(config, TrainingConfig):
        config = read_config(Path(config)) if config else parse_config({})
    workspace = find_workspace(data)
    labels_path = find_label_file(labels_file)
    load_labels(labels_path)
    check_libraries()
    options = list(flow_options)
    external = list_external(config, workspace)
    with tempfile.TemporaryDirectory() as folder:
        chosen = choose_bundle(Path(bundle) if bundle else None, config, workspace, labels_path, Path(folder))
        if chosen is not None:
            open_for_training(chosen, load_labels(labels_path), workspace.root)
        check_encoder(config)
        if not any(option.lstrip("-").startswith("with") for option in options):
            check_device(config)
        archive = pack_inputs(chosen, labels_path, config, external)
    name = name or name_run(workspace)
    output = find_output(config, workspace, name).resolve()
    stages.require_replaceable(output)
    key = Path(config.signing.key) if config.signing.key else find_signing_key(workspace.root)
    state = {
        "encoder": config.model.name,
        "bundle": chosen.name if chosen else "export",
        "folder": str((find_training_folder(workspace) / name).resolve()),
        "output": str(output),
        "key": str(key.resolve()),
        "flow_options": options,
    }
    return _drive(create_run(workspace, archive, state, name), workspace, resume=False, report=on_line)


train_async = run_in_thread(train)


def resume_training(
    name: str = "", *, workspace: Workspace | None = None, report: Callable[[str], None] = print
) -> TrainedModel:
    """Resume a run (default: the newest unfinished one) from its last finished step and its newest checkpoint.

    Raises:
        InputError: there is no such run.
        StateError: it is finished, or failed again.
    """
    workspace = workspace or find_workspace()
    check_libraries()
    run = find_run(workspace, name, unfinished=not name)
    if run.read_state()["status"] == WITHDRAWN:
        raise StateError(
            f"The training run {run.name} was trained on samples that were erased since; its inputs are gone. "
            "Start a new one on the successor of its bundle: goldspan train"
        )
    if run.read_state()["status"] == DONE:
        raise StateError(f"The training run {run.name} is finished; its model is {run.read_state()['output']}.")
    if not run.inputs.is_file():
        raise StateError(f"The training run {run.name} was never begun: its inputs are missing. Start another one.")
    follow_move(run)
    return _drive(run, workspace, resume=True, report=report)


def follow_move(run: TrainingRun) -> None:
    """Where the workspace was moved, let the run write into its new place: from its checkpoint, not by Metaflow."""
    state, folder = run.read_state(), run.folder.resolve()
    before = Path(state.get("folder", folder))
    if before == folder:
        return
    root, moved = before.parents[1], folder.parents[1]
    places = {name: Path(state[name]) for name in ("output", "key") if state.get(name)}
    inside = {name: str(moved / p.relative_to(root)) for name, p in places.items() if p.is_relative_to(root)}
    run.update_state({"folder": str(folder), "flow_run": "", **inside})


def find_output(config: TrainingConfig, workspace: Workspace, name: str) -> Path:
    """Where the model directory goes: `output_dir` (without a last part `trained`), else `models/<name>`."""
    if not config.paths.output_dir:
        return find_models_folder(workspace) / check_file_name(name)
    path = Path(config.paths.output_dir)
    return path.parent if path.name == "trained" else path


def check_libraries() -> None:
    """Raise unless the libraries of the extra `train` are there.

    Raises:
        ConfigurationError: one is missing.
    """
    require_packages(
        "train", "torch", "transformers", "safetensors", "onnx", "onnxruntime", "metaflow", "model_signing"
    )


def check_encoder(config: TrainingConfig) -> None:
    """Raise before a run is made unless its encoder is there.

    Raises:
        UnknownNameError: it is no name, folder or Hub id.
        ConfigurationError: it is not prepared.
    """
    from goldspan.training.models.encoders.catalogue import find_encoder

    find_encoder(config.model.name)


def check_device(config: TrainingConfig) -> None:
    """Raise before a run is made unless its device is there; `auto` and `cpu` always are.

    Raises:
        ConfigurationError: this machine has none.
    """
    if config.training.device not in ("auto", "cpu"):
        from goldspan.training.models.device import choose_device

        choose_device(config.training.device)


def _drive(run: TrainingRun, workspace: Workspace, *, resume: bool, report: Callable[[str], None]) -> TrainedModel:
    state = run.read_state()
    with run.hold(), hold_private_umask():
        run.discard_leftovers()
        trained = resume and state["step"] == STEPS[-1]
        failure = "" if trained else run_flow(run, workspace, resume=resume, report=report)
        if failure:
            run.update_state({"status": FAILED})
            raise StateError(
                f"The training run {run.name} failed at the step {run.read_state()['step']}: {failure} "
                f"`goldspan train resume {run.name}` goes on with it."
            )
        output = Path(state["output"])
        require_open_gate(run, workspace, output)
        stages.publish(run.folder, output)
        for name in ("full", "checkpoints", "model.onnx"):
            path = run.folder / name
            shutil.rmtree(path, ignore_errors=True)
            with contextlib.suppress(OSError):
                path.unlink()
        run.update_state({"status": DONE})
    return read_model(output, run.name)


def read_model(folder: Path, run: str = "") -> TrainedModel:
    """A finished model directory."""
    from goldspan.predictors.model.directory import MANIFEST, QUANTIZED

    manifest = read_json(folder / QUANTIZED / MANIFEST, "Train the model again.")
    return TrainedModel(folder, run, manifest, tuple(manifest["metrics"].get("evaluations", ())))


def pack_run(bundle: Path, config: TrainingConfig, labels_file: Path, workspace: Workspace, target: Path) -> None:
    """Write the archive that `python training/flow.py run --inputs` takes."""
    open_for_training(bundle, load_labels(labels_file), workspace.root)
    external = list_external(config, workspace)
    write_atomic(target, pack_inputs(bundle, labels_file, config, external))
