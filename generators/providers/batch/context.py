"""Shared context of a run's batches, and the journal record of one submission."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import Submission, list_open_rows, read_submission, update_submission
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.batch.replies import RemoteBatch
from goldspan.generators.providers.batch.schedule import PollSchedule
from goldspan.generators.providers.protocol import Answer, RequestQueue


@dataclass(frozen=True, slots=True)
class BatchContext:
    """Shared by all submissions of a run.

    `wait` False polls each batch once. `send` False submits nothing new. `halt` ends polling. `on_queue_full`
    is called with the rows of a shard that was refused because the provider's queue was full, `on_accepted` when a
    batch has passed validation. `is_proven` is True once a row of the run was answered. `adapt` learns from a failure
    of a request with the given body; True if requests are different from now on.
    """

    api: BatchApi
    journal: Journal
    queue: RequestQueue
    window: str
    pace: PollSchedule
    wait: bool
    send: bool
    halt: asyncio.Event
    on_queue_full: Callable[[int], None]
    on_accepted: Callable[[], None]
    is_proven: Callable[[], bool]
    adapt: Callable[[Answer, Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class SubmissionRecord:
    """One submission in the journal; every change is on the disk when the call returns."""

    journal: Journal
    intent: str

    @property
    def input_path(self) -> Path:
        """The requests on this machine: the source of truth, the provider's copy may be gone."""
        return find_input(self.journal, self.intent)

    def read(self) -> Submission:
        """The submission as it is now."""
        return read_submission(self.journal, self.intent)

    def update(self, *, durable: bool = True, **fields: Any) -> Submission:
        """Change fields."""
        update_submission(self.journal, self.intent, durable=durable, **fields)
        return self.read()

    def adopt(self, batch: RemoteBatch) -> Submission:
        """Take a batch as the submission's own."""
        submission = self.update(state="submitted", batch=batch.id, status=batch.status)
        self.journal.write_event("batch", f"The provider took batch {batch.id}.", intent=self.intent)
        failpoint("batch-recorded")
        return submission

    def close(self, state: str) -> None:
        """Nothing is open any more: `collected` or `abandoned`. The requests can be rebuilt, their file goes."""
        self.update(state=state)
        failpoint("batch-collected")
        self.input_path.unlink(missing_ok=True)


def abandon(context: BatchContext, record: SubmissionRecord) -> None:
    """Close a submission whose batch was certainly never created; its rows are ready again in the same commit."""
    with record.journal.transaction(durable=True):
        context.queue.give_back(list_open_rows(record.journal, record.intent))
        record.update(state="abandoned")
    record.input_path.unlink(missing_ok=True)


def find_input(journal: Journal, intent: str) -> Path:
    """Path of a submission's requests on this machine."""
    return journal.folder / "batches" / f"{intent}.jsonl"
