"""Tasks and predictions on their way: sent in batches, never blindly repeated, looked for after every doubt."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.push.duplicates import remove_copies, remove_double_predictions
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.spool import Spool, SpoolEntry, split_batches
from goldspan.annotation.labelstudio.push.sweep import Sweep, sweep_project

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is (0: unknown)."""

REFUSED_REQUEST = 400

MAX_FAILURES = 6
"""Doubtful failures in a row, with nothing arriving in between, after which a push gives up."""


@dataclass(slots=True)
class Delivery:
    """One push under way: where to, what, how patiently, and what is known of the project so far.

    `in_flight` names the samples of the latest import, `doubtful` counts the failures after which the outcome had to
    be looked for, `refused` holds what Label Studio would not take.
    """

    client: StudioClient
    project: int
    spool: Spool
    batch_size: int
    patience: float
    grace: float
    progress: Progress
    sweep: Sweep = field(default_factory=Sweep)
    in_flight: frozenset[str] = frozenset()
    doubtful: int = 0
    refused: dict[str, RefusedSample] = field(default_factory=dict)


def import_entries(delivery: Delivery, entries: list[SpoolEntry]) -> None:
    """Import tasks that the project lacks, until each is there or refused.

    Raises:
        TransientServiceError: the server stayed away, failed again and again, or lost tasks it had accepted.
        TerminalServiceError: it refuses imports altogether.

    """
    total, failures = len(entries), 0
    missing = entries
    while missing:
        arrived = len(delivery.sweep.found)
        try:
            _import_batches(delivery, missing, total)
        except TransientServiceError as error:
            delivery.doubtful += 1
            _recover(delivery, error)
            failures = 0 if len(delivery.sweep.found) > arrived else failures + 1
            if failures >= MAX_FAILURES:
                raise
        else:
            sweep_onwards(delivery)
            failures += 1
            if failures >= MAX_FAILURES:
                break
        settled = delivery.sweep.found.keys() | delivery.refused.keys()
        missing = [entry for entry in missing if entry.sample_id not in settled]
    if missing:
        raise TransientServiceError(
            f"Label Studio accepted the import, but {len(missing)} of {total} tasks did not arrive. Push again."
        )


def _import_batches(delivery: Delivery, entries: list[SpoolEntry], total: int) -> None:
    done = total - len(entries)
    for batch in split_batches(entries, delivery.batch_size):
        delivery.progress("importing", done, total)
        _import_batch(delivery, batch)
        done += len(batch)
    delivery.progress("importing", done, total)


def _import_batch(delivery: Delivery, batch: list[SpoolEntry]) -> None:
    """Import a batch; one that is refused (Label Studio takes all of it or nothing) is halved to find the culprit."""
    delivery.in_flight = frozenset(entry.sample_id for entry in batch)
    try:
        reply = delivery.client.import_tasks(delivery.project, [delivery.spool.read(entry) for entry in batch])
    except TerminalServiceError as error:
        if error.status != REFUSED_REQUEST:
            raise
        if len(batch) == 1:
            delivery.refused[batch[0].sample_id] = RefusedSample(batch[0].sample_id, str(error))
            return
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            _import_batch(delivery, half)
        return
    expected = sum(len(entry.versions) for entry in batch)
    if reply.get("task_count") != len(batch) or reply.get("prediction_count") != expected:
        raise TransientServiceError(
            f"Label Studio stored {reply.get('task_count')} of {len(batch)} tasks and "
            f"{reply.get('prediction_count')} of {expected} predictions of a batch."
        )


def _recover(delivery: Delivery, error: TransientServiceError) -> None:
    """Wait until the server answers, and until the import in doubt can be seen or has had its time."""
    delivery.progress("waiting for Label Studio", 0, 0)
    delivery.client.wait_until_up(delivery.patience)
    deadline = time.monotonic() + (error.retry_after or delivery.grace)
    pause = 0.5
    while True:
        sweep_onwards(delivery)
        if delivery.in_flight <= delivery.sweep.found.keys() or time.monotonic() >= deadline:
            return
        time.sleep(pause)
        pause = min(pause * 2, 4.0)


def add_predictions(delivery: Delivery, lacking: Sequence[str], clear: Sequence[int]) -> int:
    """Add the predictions that tasks lack; how many tasks got one."""
    if clear:
        delivery.progress("removing old predictions", 0, len(clear))
        delivery.client.delete_task_predictions(delivery.project, clear)
    wanted = [delivery.spool.entries[sample_id] for sample_id in lacking]
    for attempt in range(MAX_FAILURES + 1):
        try:
            _send_predictions(delivery, wanted, afresh=bool(clear) and attempt == 0)
            break
        except TransientServiceError as error:
            if attempt == MAX_FAILURES:
                raise
            delivery.doubtful += 1
            _recover_predictions(delivery, error)
        repeat = make_plan({entry.sample_id: entry for entry in wanted}, delivery.sweep, replace=False)
        wanted = [delivery.spool.entries[sample_id] for sample_id in repeat.predict]
    if lacking:
        _sweep_afresh(delivery)
    return len(lacking)


def _recover_predictions(delivery: Delivery, error: TransientServiceError) -> None:
    delivery.progress("waiting for Label Studio", 0, 0)
    delivery.client.wait_until_up(delivery.patience)
    time.sleep(error.retry_after or delivery.grace)
    _sweep_afresh(delivery)


def _send_predictions(delivery: Delivery, entries: list[SpoolEntry], *, afresh: bool) -> None:
    done = 0
    for batch in split_batches(entries, delivery.batch_size):
        delivery.progress("adding predictions", done, len(entries))
        body = []
        for entry in batch:
            found = delivery.sweep.found[entry.sample_id]
            present = frozenset() if afresh else found.versions
            body += [
                prediction | {"task": found.task}
                for prediction in delivery.spool.load(entry)["predictions"]
                if prediction["model_version"] not in present
            ]
        if (created := delivery.client.import_predictions(delivery.project, body)) != len(body):
            raise TransientServiceError(f"Label Studio stored {created} of {len(body)} predictions.")
        done += len(batch)


def tidy_up(delivery: Delivery) -> tuple[int, tuple[str, ...]]:
    """Sweep behind everybody's imports, remove copies and predictions that arrived twice."""
    if delivery.client.count_tasks(delivery.project) != delivery.sweep.tasks:
        _sweep_afresh(delivery)
    remove_double_predictions(delivery.client, delivery.project, delivery.sweep)
    return remove_copies(delivery.client, delivery.project, delivery.sweep)


def sweep_onwards(delivery: Delivery) -> None:
    """Look at the tasks that are newer than the last one seen."""
    sweep_project(
        delivery.client,
        delivery.project,
        delivery.spool.entries,
        into=delivery.sweep,
        advance=report_stage(delivery.progress, "sweeping"),
    )


def _sweep_afresh(delivery: Delivery) -> None:
    delivery.sweep = Sweep()
    sweep_onwards(delivery)


def report_stage(progress: Progress, stage: str) -> Callable[[int, int], None]:
    """A function of done and total that reports them under this stage."""
    return lambda done, total: progress(stage, done, total)
