"""Import samples into an empty project while the rest of them is read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice

from goldspan.annotation.errors import TransientServiceError
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.push.selection import Order
from goldspan.annotation.labelstudio.push.spool import SpoolEntry, split_batches
from goldspan.annotation.labelstudio.push.upload import Upload, recover, send_batch
from goldspan.annotation.labelstudio.push.validation import TaskValidator, spool_samples
from goldspan.annotation.types import Sample

FIRST_BATCH = 300
"""Tasks in the first import, which begins when they are checked; the later ones have `PushOptions.batch_size`."""


def stream_samples(upload: Upload, samples: Iterable[Sample], validator: TaskValidator) -> tuple[RefusedSample, ...]:
    """Put samples into the spool and, if the project is empty, import them on the way; returns the refused ones.

    After an uncertain failure the rest only goes into the spool: what has not arrived is for `push_entries`. A project
    with tasks, or an order other than that of the file, needs all samples before the first import.

    Raises:
        As `send_batch` and the samples themselves.
    """
    refused: list[RefusedSample] = []
    upload.progress("checking", 0, 0)
    entries = spool_samples(upload.spool, samples, validator, refused)
    if upload.options.order is Order.FILE and not upload.client.count_tasks(upload.project):
        _import_stream(upload, entries)
    for _ in entries:
        pass
    return tuple(refused)


def _import_stream(upload: Upload, entries: Iterator[SpoolEntry]) -> None:
    """Import batches one after another in a thread; one batch is prepared while another is sent."""
    size = upload.options.batch_size
    first = min(FIRST_BATCH, size)
    batches = chain(split_batches(islice(entries, first), first), split_batches(entries, size))
    with ThreadPoolExecutor(max_workers=1) as sender:
        in_flight: Future[None] | None = None
        try:
            for batch in batches:
                tasks = [upload.spool.read(entry) for entry in batch]
                _finish(in_flight)
                upload.progress("importing", len(upload.index.found), 0)
                upload.streamed.update(entry.sample_id for entry in batch)
                in_flight = sender.submit(send_batch, upload, batch, tasks)
            _finish(in_flight)
        except TransientServiceError as error:
            recover(upload, error)


def _finish(in_flight: Future[None] | None) -> None:
    if in_flight is not None:
        in_flight.result()
