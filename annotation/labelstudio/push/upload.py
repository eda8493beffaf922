"""Upload tasks and predictions in batches; after an uncertain failure, look before sending again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress, report_stage
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.push.cleanup import delete_duplicate_predictions, delete_duplicate_tasks
from goldspan.annotation.labelstudio.push.index import ProjectIndex, index_project
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.spool import Spool, SpoolEntry, split_batches

REFUSED_REQUEST = 400

MAX_FAILURES = 6
"""Uncertain failures in a row, with nothing arriving in between, after which a push gives up."""


@dataclass(slots=True)
class Upload:
    """State of one push: target, content, time limits, and the index of the project so far.

    `in_flight` names the samples of the latest import, `doubtful` counts the failures with an uncertain outcome,
    `refused` holds what Label Studio rejected.
    """

    client: StudioClient
    project: int
    spool: Spool
    batch_size: int
    patience: float
    grace: float
    progress: Progress
    index: ProjectIndex = field(default_factory=ProjectIndex)
    in_flight: frozenset[str] = frozenset()
    doubtful: int = 0
    refused: dict[str, RefusedSample] = field(default_factory=dict)


def import_entries(upload: Upload, entries: list[SpoolEntry]) -> None:
    """Import missing tasks until each has arrived or was refused.

    Raises:
        TransientServiceError: the server stayed down, kept failing, or lost tasks it had accepted.
        TerminalServiceError: it refuses imports altogether.

    """
    total, failures = len(entries), 0
    missing = entries
    while missing:
        arrived = len(upload.index.found)
        try:
            _import_batches(upload, missing, total)
        except TransientServiceError as error:
            upload.doubtful += 1
            _recover(upload, error)
            failures = 0 if len(upload.index.found) > arrived else failures + 1
            if failures >= MAX_FAILURES:
                raise
        else:
            extend_index(upload)
            failures += 1
            if failures >= MAX_FAILURES:
                break
        settled = upload.index.found.keys() | upload.refused.keys()
        missing = [entry for entry in missing if entry.sample_id not in settled]
    if missing:
        raise TransientServiceError(
            f"Label Studio accepted the import, but {len(missing)} of {total} tasks did not arrive. Push again."
        )


def _import_batches(upload: Upload, entries: list[SpoolEntry], total: int) -> None:
    done = total - len(entries)
    for batch in split_batches(entries, upload.batch_size):
        upload.progress("importing", done, total)
        _import_batch(upload, batch)
        done += len(batch)
    upload.progress("importing", done, total)


def _import_batch(upload: Upload, batch: list[SpoolEntry]) -> None:
    """Import a batch (all or nothing); a refused one is bisected to find the refused task."""
    upload.in_flight = frozenset(entry.sample_id for entry in batch)
    try:
        reply = upload.client.import_tasks(upload.project, [upload.spool.read(entry) for entry in batch])
    except TerminalServiceError as error:
        if error.status != REFUSED_REQUEST:
            raise
        if len(batch) == 1:
            upload.refused[batch[0].sample_id] = RefusedSample(batch[0].sample_id, str(error))
            return
        for half in (batch[: len(batch) // 2], batch[len(batch) // 2 :]):
            _import_batch(upload, half)
        return
    expected = sum(len(entry.versions) for entry in batch)
    if reply.get("task_count") != len(batch) or reply.get("prediction_count") != expected:
        raise TransientServiceError(
            f"Label Studio stored {reply.get('task_count')} of {len(batch)} tasks and "
            f"{reply.get('prediction_count')} of {expected} predictions of a batch."
        )


def _recover(upload: Upload, error: TransientServiceError) -> None:
    """Wait for the server, then until the uncertain import is visible or its time is over."""
    upload.progress("waiting for Label Studio", 0, 0)
    upload.client.wait_until_up(upload.patience)
    deadline = time.monotonic() + (error.retry_after or upload.grace)
    pause = 0.5
    while True:
        extend_index(upload)
        if upload.in_flight <= upload.index.found.keys() or time.monotonic() >= deadline:
            return
        time.sleep(pause)
        pause = min(pause * 2, 4.0)


def add_predictions(upload: Upload, lacking: Sequence[str], clear: Sequence[int]) -> int:
    """Add missing predictions; the number of tasks that got one."""
    if clear:
        upload.progress("removing old predictions", 0, len(clear))
        upload.client.delete_task_predictions(upload.project, clear)
    wanted = [upload.spool.entries[sample_id] for sample_id in lacking]
    for attempt in range(MAX_FAILURES + 1):
        try:
            _send_predictions(upload, wanted, afresh=bool(clear) and attempt == 0)
            break
        except TransientServiceError as error:
            if attempt == MAX_FAILURES:
                raise
            upload.doubtful += 1
            _recover_predictions(upload, error)
        repeat = make_plan({entry.sample_id: entry for entry in wanted}, upload.index, replace=False)
        wanted = [upload.spool.entries[sample_id] for sample_id in repeat.predict]
    if lacking:
        _rebuild_index(upload)
    return len(lacking)


def _recover_predictions(upload: Upload, error: TransientServiceError) -> None:
    upload.progress("waiting for Label Studio", 0, 0)
    upload.client.wait_until_up(upload.patience)
    time.sleep(error.retry_after or upload.grace)
    _rebuild_index(upload)


def _send_predictions(upload: Upload, entries: list[SpoolEntry], *, afresh: bool) -> None:
    done = 0
    for batch in split_batches(entries, upload.batch_size):
        upload.progress("adding predictions", done, len(entries))
        body = []
        for entry in batch:
            found = upload.index.found[entry.sample_id]
            present = frozenset() if afresh else found.versions
            body += [
                prediction | {"task": found.task}
                for prediction in upload.spool.load(entry)["predictions"]
                if prediction["model_version"] not in present
            ]
        if (created := upload.client.import_predictions(upload.project, body)) != len(body):
            raise TransientServiceError(f"Label Studio stored {created} of {len(body)} predictions.")
        done += len(batch)


def remove_duplicates(upload: Upload) -> tuple[int, tuple[str, ...]]:
    """Remove duplicate tasks and predictions, also those of another push."""
    if upload.client.count_tasks(upload.project) != upload.index.tasks:
        _rebuild_index(upload)
    delete_duplicate_predictions(upload.client, upload.project, upload.index)
    return delete_duplicate_tasks(upload.client, upload.project, upload.index)


def extend_index(upload: Upload) -> None:
    """Index the tasks that are newer than the last one seen."""
    index_project(
        upload.client,
        upload.project,
        upload.spool.entries,
        into=upload.index,
        advance=report_stage(upload.progress, "listing tasks"),
    )


def _rebuild_index(upload: Upload) -> None:
    upload.index = ProjectIndex()
    extend_index(upload)
