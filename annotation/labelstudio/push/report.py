"""Options and result of a push."""

from __future__ import annotations

from dataclasses import dataclass

from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.project.adoption import Adoption
from goldspan.annotation.labelstudio.push.selection import Order
from goldspan.annotation.labelstudio.push.spool import BATCH_TASKS
from goldspan.annotation.tombstones import NOTHING, Tombstones


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Options of a push.

    `project` is an id or a title. `model_version` is the one shown to annotators (empty: the newest one pushed).
    `control_share` and `overlap` are shares from 0 to 1: tasks without pre-annotations, and tasks that go to two
    annotators. `patience` and `grace` are seconds: how long to wait for a server that is down, and for the
    tasks of an import with an uncertain outcome, which SQLite may commit late.
    With `adoption`, the project is a team's own: nothing of it is changed but its tasks and predictions.
    What `erased` recognises is refused.
    """

    project: int | str
    model_version: str = ""
    replace_predictions: bool = False
    dry_run: bool = False
    control_share: float = 0.0
    overlap: float = 0.0
    order: Order = Order.FILE
    batch_size: int = BATCH_TASKS
    patience: float = 180.0
    grace: float = 8.0
    adoption: Adoption | None = None
    erased: Tombstones = NOTHING


@dataclass(frozen=True, slots=True)
class PushReport:
    """Result of a push, or of a dry run. `gone` counts tasks that are not among the samples."""

    project: int | None
    title: str
    created: int = 0
    predicted: int = 0
    unchanged: int = 0
    gone: int = 0
    control: int = 0
    model_version: str = ""
    copies_removed: int = 0
    copies_kept: tuple[str, ...] = ()
    doubtful: int = 0
    views: tuple[str, ...] = ()
    refused: tuple[RefusedSample, ...] = ()
    dry_run: bool = False
