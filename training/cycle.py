"""From new reviews to a verified model: pull, gate, bundle, train, verify. What a served model's training runs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from goldspan.annotation.errors import GoldspanError, StateError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.labelstudio.pull.public import pull
from goldspan.annotation.tasks.workspace import Workspace, find_workspace
from goldspan.predictors.model.directory import open_directory
from goldspan.predictors.model.signing import SignaturePolicy
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.public import freeze
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.config import TrainingConfig
from goldspan.training.launch import TrainedModel, resume_training, start_training
from goldspan.training.runs import DONE, list_runs

_NAME = re.compile(r"retrain-(\d+)\Z")

Verify = Callable[[Path, LabelSchema], None]
"""Raises `StateError` with the reason if a model may not serve."""


def verify_model(folder: Path, labels: LabelSchema) -> None:
    """Check that every file of a model is the one that was signed, and that it gives labels of the schema.

    Raises:
        StateError: it may not serve.

    """
    opened = open_directory(folder, SignaturePolicy.WARN)
    given = {tag.partition("-")[2] for tag in opened.tags} - {""}
    if strange := sorted(given - labels.entity_codes):
        raise StateError(f"The model {folder.name} gives labels that the schema lacks: {', '.join(strange)}.")


def retrain(
    project: int | str | None = None,
    *,
    config: TrainingConfig | None = None,
    labels_file: str | Path | None = None,
    data: str | Path | None = None,
    url: str | None = None,
    token: str | None = None,
    verify: Verify = verify_model,
    on_stage: Callable[[str, str], None] = lambda stage, said: None,
) -> TrainedModel:
    """Pull the reviews of a project, freeze them if the gate is open, train, and verify the model.

    Run again after an interruption it goes on with the training that it finds; without new reviews it trains nothing.

    Args:
        project: id or title; None: as `goldspan.pull`.
        config: the settings of the training; None: the defaults.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        url: address of Label Studio; None: as `goldspan.pull`.
        token: its token; None: as `goldspan.pull`.
        verify: decides whether the model may serve.
        on_stage: gets the stage (`pull`, `gate`, `train`, `verify`) and a line about it.

    Raises:
        GateClosedError: the reviews do not suffice yet; nothing was written.
        StateError: nothing is new, the training failed, or the model may not serve.
        ServiceError: Label Studio could not be reached.

    """
    workspace, labels = find_workspace(data), load_labels(labels_file)
    on_stage("pull", "fetching reviews")
    report = pull(project, labels=labels, data=data, url=url, token=token)
    on_stage("pull", f"{report.added} new, {report.updated} changed, {report.total} in all")
    on_stage("gate", "judging the reviews")
    bundle = _freeze_next(workspace, labels, labels_file)
    on_stage("gate", f"open; {bundle.name} is frozen")
    runs = [run for run in list_runs(workspace) if run.name == bundle.name]
    if runs and runs[-1].read_state()["status"] == DONE:
        raise StateError(f"No review is new since {bundle.name}, which is trained already.")

    def tell(line: str) -> None:
        on_stage("train", line)

    if runs:
        model = resume_training(bundle.name, workspace=workspace, report=tell)
    else:
        model = start_training(
            bundle,
            config or TrainingConfig(),
            name=bundle.name,
            labels_file=Path(labels_file) if labels_file else None,
            workspace=workspace,
            report=tell,
        )
    on_stage("verify", "checking signature and labels")
    verify(model.folder, labels)
    return model


def _freeze_next(workspace: Workspace, labels: LabelSchema, labels_file: str | Path | None) -> Path:
    """The bundle of the reviews as they are: the newest of ours if it holds the same data, else a new one."""
    root = workspace.bundles
    numbers = [int(match[1]) for folder in root.glob("retrain-*") if (match := _NAME.match(folder.name))]
    number = max(numbers, default=0)
    settings = BundleSettings(f"retrain-{number + 1}", reviewed_only=True)
    frozen = freeze(settings, labels_file=labels_file, data=workspace.root)
    last = root / f"retrain-{number}"
    if number and _read_fingerprint(last, labels) == frozen.manifest["data"]["fingerprint"]:
        shutil.rmtree(frozen.folder)
        return last
    return frozen.folder


def _read_fingerprint(folder: Path, labels: LabelSchema) -> str:
    """The fingerprint of a bundle's data; empty if it cannot be used any more, as after a change of the labels."""
    try:
        return str(open_bundle(folder, labels).manifest["data"]["fingerprint"])
    except GoldspanError:
        return ""
