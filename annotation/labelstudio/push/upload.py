"""Upload tasks and predictions in batches; after an uncertain failure, look before sending again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from goldspan.annotation.errors import RecordError, TerminalServiceError, TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.api.progress import Progress, report_stage
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.push.cleanup import delete_duplicate_predictions, delete_duplicate_tasks
from goldspan.annotation.labelstudio.push.index import ProjectIndex, index_project
from goldspan.annotation.labelstudio.push.plan import make_plan
from goldspan.annotation.labelstudio.push.report import PushOptions
from goldspan.annotation.labelstudio.push.spool import Spool, SpoolEntry, split_batches
from goldspan.annotation.labelstudio.push.target import PushTarget
from goldspan.annotation.wording import format_count

REFUSED_REQUEST = 400

MAX_FAILURES = 6
"""Uncertain failures in a row, with nothing arriving in between, after which a push gives up."""


@dataclass(slots=True)
class Upload:
    """State of one push: project, content, options, and the index of the project so far.

    `in_flight` names the samples of the latest import, `doubtful` counts the failures with an uncertain outcome,
    `streamed` names the samples that were sent while others were still read, and `refused` holds what Label Studio
    rejected.
    """

    client: StudioClient
    project: int
    spool: Spool
    target: PushTarget
    options: PushOptions
    progress: Progress
    index: ProjectIndex = field(default_factory=ProjectIndex)
    in_flight: frozenset[str] = frozenset()
    doubtful: int = 0
    streamed: set[str] = field(default_factory=set)
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
            recover(upload, error)
            failures = 0 if len(upload.index.found) > arrived else failures + 1
            if failures >= MAX_FAILURES:
                raise
        else:
            failures += 1
            if failures >= MAX_FAILURES:
                break
        settled = upload.index.found.keys() | upload.refused.keys()
        missing = [entry for entry in missing if entry.sample_id not in settled]
    if missing:
        raise TransientServiceError(
            f"Label Studio accepted the import, but {len(missing)} of {format_count(total, 'task')} did not arrive. "
            "Push again."
        )


def _import_batches(upload: Upload, entries: list[SpoolEntry], total: int) -> None:
    done = total - len(entries)
    for batch in split_batches(entries, upload.options.batch_size):
        upload.progress("importing", done, total)
        _import_batch(upload, batch)
        done += len(batch)
    upload.progress("importing", done, total)


def _import_batch(upload: Upload, batch: list[SpoolEntry]) -> None:
    """Encode and import a batch; what the target cannot hold is refused."""
    tasks: list[bytes] = []
    encoded: list[SpoolEntry] = []
    for entry in batch:
        try:
            tasks.append(upload.target.encode_task(entry))
            encoded.append(entry)
        except RecordError as error:
            upload.refused[entry.sample_id] = RefusedSample(entry.sample_id, str(error))
    if encoded:
        send_batch(upload, encoded, tasks)


def send_batch(upload: Upload, batch: list[SpoolEntry], tasks: list[bytes]) -> None:
    """Import encoded tasks and note their ids; a refused batch is bisected to find the refused task.

    Raises:
        TransientServiceError: nobody knows what was stored; look before sending anything again.
        TerminalServiceError: the server refuses imports altogether.
    """
    upload.in_flight = frozenset(entry.sample_id for entry in batch)
    try:
        reply = upload.client.import_tasks(upload.project, tasks)
    except TerminalServiceError as error:
        if error.status != REFUSED_REQUEST:
            raise
        if len(batch) == 1:
            upload.refused[batch[0].sample_id] = RefusedSample(batch[0].sample_id, str(error))
            return
        middle = len(batch) // 2
        for half in (slice(None, middle), slice(middle, None)):
            send_batch(upload, batch[half], tasks[half])
        return
    expected = sum(len(entry.versions) for entry in batch)
    if reply.get("task_count") != len(batch) or reply.get("prediction_count") != expected:
        raise TransientServiceError(
            f"Label Studio stored {reply.get('task_count')} of {format_count(len(batch), 'task')} and "
            f"{reply.get('prediction_count')} of {format_count(expected, 'prediction')} of a batch."
        )
    numbers = reply.get("task_ids")
    if isinstance(numbers, list) and len(numbers) == len(batch):
        upload.index.add_imported(batch, numbers)
    else:
        extend_index(upload)


def recover(upload: Upload, error: TransientServiceError) -> None:
    """Count the failure, wait for the server, then until the uncertain import is visible or its time is over."""
    upload.doubtful += 1
    upload.progress("waiting for Label Studio", 0, 0)
    upload.client.wait_until_up(upload.options.patience)
    deadline = time.monotonic() + (error.retry_after or upload.options.grace)
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
        wanted = [upload.spool.entries[sample_id] for sample_id in repeat.predict if sample_id not in upload.refused]
    if lacking:
        _rebuild_index(upload)
    return sum(1 for sample_id in lacking if sample_id not in upload.refused)


def _recover_predictions(upload: Upload, error: TransientServiceError) -> None:
    upload.progress("waiting for Label Studio", 0, 0)
    upload.client.wait_until_up(upload.options.patience)
    time.sleep(error.retry_after or upload.options.grace)
    _rebuild_index(upload)


def _send_predictions(upload: Upload, entries: list[SpoolEntry], *, afresh: bool) -> None:
    done = 0
    for batch in split_batches(entries, upload.options.batch_size):
        upload.progress("adding predictions", done, len(entries))
        found = {upload.index.found[entry.sample_id].task: entry for entry in batch}
        body = []
        for task, predictions in upload.target.encode_predictions(found).items():
            sample_id = found[task].sample_id
            if isinstance(predictions, RecordError):
                upload.refused[sample_id] = RefusedSample(sample_id, str(predictions))
                continue
            present = frozenset() if afresh else upload.index.found[sample_id].versions
            body += [
                prediction | {"task": task} for prediction in predictions if prediction["model_version"] not in present
            ]
        if (created := upload.client.import_predictions(upload.project, body)) != len(body):
            raise TransientServiceError(f"Label Studio stored {created} of {format_count(len(body), 'prediction')}.")
        done += len(batch)


def refresh_index(upload: Upload) -> None:
    """Index the project again if it holds tasks that this push has not seen."""
    if upload.client.count_tasks(upload.project) != upload.index.tasks:
        _rebuild_index(upload)


def remove_duplicates(upload: Upload) -> tuple[int, tuple[str, ...]]:
    """Remove duplicate tasks and predictions, also those of another push."""
    delete_duplicate_predictions(upload.client, upload.project, upload.index, upload.spool.entries)
    return delete_duplicate_tasks(upload.client, upload.project, upload.index)


def extend_index(upload: Upload) -> None:
    """Index the tasks that are newer than the last one seen."""
    index_project(
        upload.client,
        upload.project,
        upload.spool.entries,
        identify=upload.target.identify,
        into=upload.index,
        advance=report_stage(upload.progress, "listing tasks"),
    )


def _rebuild_index(upload: Upload) -> None:
    upload.index = ProjectIndex()
    extend_index(upload)
