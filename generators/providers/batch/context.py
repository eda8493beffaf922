"""Shared context of a run's batches, and the journal record of one submission."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import Submission, list_open_rows, read_submission, update_submission
from goldspan.generators.providers.batch.admission import Admission
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.batch.replies import RemoteBatch
from goldspan.generators.providers.batch.schedule import PollSchedule
from goldspan.generators.providers.protocol import RequestQueue


@dataclass(frozen=True, slots=True)
class BatchContext:
    """Shared by all submissions of a run.

    `wait` False polls each batch once. `send` False submits nothing new. `halt` ends polling. `admission` learns from
    each batch what the next ones may be like.
    """

    api: BatchApi
    journal: Journal
    queue: RequestQueue
    window: str
    pace: PollSchedule
    wait: bool
    send: bool
    halt: asyncio.Event
    admission: Admission


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


def remove_inputs(journal: Journal, intents: Set[str]) -> None:
    """Remove requests of other submissions than `intents`, which a process left behind that was killed."""
    with journal.guard():
        for path in (journal.folder / "batches").glob("*.jsonl"):
            if path.stem not in intents:
                path.unlink(missing_ok=True)
