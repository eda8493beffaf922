"""A round of the loop with Label Studio: pull the reviews, ask the gate, then the guarded round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from goldspan.annotation.errors import GateClosedError, StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labelstudio.pull.public import pull
from goldspan.annotation.labelstudio.push.receipt import read_pushed
from goldspan.annotation.tasks.workspace import open_workspace
from goldspan.training.bundle.freeze import describe_verdict
from goldspan.training.gate.commands import find_commands
from goldspan.training.gate.judge import judge_workspace
from goldspan.training.loop.retrain import RetrainSettings, retrain
from goldspan.training.loop.state import locate_source


def retrain_from_studio(
    settings: RetrainSettings,
    project: int | str | None = None,
    *,
    labels_file: Path | None = None,
    data: str | Path | None = None,
    url: str | None = None,
    token: str | None = None,
    on_stage: Callable[[str, str], None] = lambda stage, said: None,
) -> str:
    """Pull the reviews of a project and do one round, if the gate is open; the source of the promoted model.

    Args:
        settings: of the round.
        project: id or title; None: as `goldspan.pull`.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        url: address of Label Studio; None: as `goldspan.pull`.
        token: its token; None: as `goldspan.pull`.
        on_stage: gets the stage (`pull`, `gate`, `train`) and a line about it.

    Raises:
        GateClosedError: the reviews do not suffice yet; nothing was written.
        InputError: there is no such workspace.
        StateError: too few reviews are new, or the new model was refused: the old one serves on.
        ServiceError: Label Studio could not be reached.
    """
    workspace, labels = open_workspace(data), load_labels(labels_file)
    on_stage("pull", "fetching reviews")
    report = pull(project, labels=labels, data=data, url=url, token=token)
    on_stage("pull", f"{report.added} new, {report.updated} changed, {report.total} in all")
    on_stage("gate", "judging the reviews")
    verdict = judge_workspace(workspace, labels)
    if not verdict.open:
        reasons = describe_verdict(verdict).reasons
        raise GateClosedError(reasons, find_commands(workspace, labels_file).on_workspace("goldspan gate"))
    found = retrain(
        workspace,
        settings,
        labels_file=labels_file,
        pushed=read_pushed(workspace),
        report=lambda line: on_stage("train", line),
    )
    serving = locate_source(workspace, found.state.serving)
    if found.promotion is None:
        raise StateError(f"{found.missing} more reviews are needed for a new model; {serving} serves on.")
    if not found.promotion.promoted:
        raise StateError(f"The new model was refused: {'; '.join(found.promotion.reasons)}. {serving} serves on.")
    return serving
