"""One batch from its intent to its last answer: a state machine whose every step is on disk before the next."""

from __future__ import annotations

from goldspan.generators.providers.batch.context import BatchContext, SubmissionRecord, abandon
from goldspan.generators.providers.batch.submitter import Submitter
from goldspan.generators.providers.batch.watcher import Watcher

_SENDING = frozenset({"planned", "uploaded"})


class BatchDriver:
    """The state machine of one submission."""

    def __init__(self, context: BatchContext, intent: str) -> None:
        self._context = context
        self._record = SubmissionRecord(context.journal, intent)

    async def drive(self) -> None:
        """Go on from wherever the submission is; returns when it is closed, or when the provider needs time.

        Raises:
            TransientServiceError, TerminalServiceError: the submission stays open and can be resumed.
        """
        submitter = Submitter(self._context, self._record)
        steps = {
            "planned": submitter.upload,
            "uploaded": submitter.create,
            "creating": submitter.settle,
            "submitted": self._watch,
        }
        while (state := self._record.read().state) in steps:
            if state in _SENDING and not self._context.send:
                return
            if not await steps[state]():
                return

    async def cancel(self) -> None:
        """Cancel at the provider, deliver what was answered, give the rest back; create nothing.

        A submission stays as it is when the run halts before it is known whether its batch was created.
        """
        is_unsure = self._record.read().state == "creating"
        if is_unsure and not await Submitter(self._context, self._record).settle():
            return
        if self._record.read().state == "submitted":
            await Watcher(self._context, self._record).cancel()
        else:
            abandon(self._context, self._record)

    async def give_up(self) -> None:
        """Forget the batch without asking the provider; its rows are ready again and may be paid twice."""
        submission = self._record.read()
        self._context.journal.write_event(
            "abandoned",
            f"Batch {submission.batch or submission.intent} was given up on request; its rows are ready again.",
        )
        abandon(self._context, self._record)

    async def _watch(self) -> bool:
        return await Watcher(self._context, self._record).watch()
