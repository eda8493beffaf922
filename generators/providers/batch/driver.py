"""Drives one batch from its intent to its last answer; every step is on disk before the next."""

from __future__ import annotations

from goldspan.generators.providers.batch.context import BatchContext, SubmissionRecord, abandon
from goldspan.generators.providers.batch.submitter import Submitter
from goldspan.generators.providers.batch.watcher import Watcher

_SENDING = frozenset({"planned", "uploaded"})


class Driver:
    """Drives one submission."""

    def __init__(self, around: BatchContext, intent: str) -> None:
        self._around = around
        self._record = SubmissionRecord(around.journal, intent)

    async def drive(self) -> None:
        """Go on from wherever the submission is; returns when it is closed, or when the provider needs time.

        Raises:
            TransientServiceError, TerminalServiceError: the submission stays open and can be resumed.

        """
        submitter = Submitter(self._around, self._record)
        steps = {
            "planned": submitter.upload,
            "uploaded": submitter.create,
            "creating": submitter.settle,
            "submitted": self._watch,
        }
        while (state := self._record.read().state) in steps:
            if state in _SENDING and not self._around.send:
                return
            if not await steps[state]():
                return

    async def cancel(self) -> None:
        """Cancel at the provider, bring home what came, give the rest back; nothing is created any more."""
        if self._record.read().state == "creating":
            await Submitter(self._around, self._record).settle()
        if self._record.read().state == "submitted":
            await Watcher(self._around, self._record).cancel()
        else:
            abandon(self._around, self._record)

    async def _watch(self) -> bool:
        return await Watcher(self._around, self._record).watch()
