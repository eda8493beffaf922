"""Creates a batch exactly once: planned → uploaded → creating → submitted."""

from __future__ import annotations

from collections import Counter

from goldspan.annotation.errors import ServiceError, StateError, TerminalServiceError, TransientServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.providers.batch.api import INTENT_KEY
from goldspan.generators.providers.batch.context import BatchContext, SubmissionRecord, abandon
from goldspan.generators.providers.batch.reconcile import find_batches, keep_one, list_waits
from goldspan.generators.providers.batch.replies import ForeignReplyError
from goldspan.generators.providers.batch.schedule import sleep_unless
from goldspan.generators.providers.waiting import LONGEST_WAIT, describe_wait

_MAX_TRIES = 6
_FOREIGN_TRIES = 3
"""Uploads that something else may answer, such as a login page, before the run stops."""


class Submitter:
    """Takes one submission from its intent to a batch. Each step returns False when the run halts."""

    def __init__(self, context: BatchContext, record: SubmissionRecord) -> None:
        self._context, self._record, self._api = context, record, context.api
        self._tries: Counter[str] = Counter()
        self._has_lost_reply = False

    async def upload(self) -> bool:
        """From planned to uploaded; refused for good, to abandoned.

        Raises:
            TransientServiceError: the provider is unreachable; the submission remains planned.
            TerminalServiceError: it refused; the rows are ready again.
            StateError: the file of requests is gone.
        """
        self._count("uploads")
        path = self._record.input_path
        if not path.exists():
            raise StateError(
                f"The requests of batch {self._record.intent} are gone: {path}. "
                "`goldspan generate cancel` gives its rows back."
            )
        name = f"goldspan-{self._record.journal.run_id}-{self._record.intent}.jsonl"
        try:
            file_id = await self._api.upload(path, name)
        except TerminalServiceError as error:
            if isinstance(error, ForeignReplyError) and self._tries["uploads"] < _FOREIGN_TRIES:
                return not await sleep_unless(self._context.halt, self._context.pace.first_poll)
            submission = self._record.read()
            if not submission.details.get("creations"):
                abandon(self._context, self._record)
            if error.status == 413 and submission.rows > 1:
                self._context.admission.note_too_large(submission.rows)
                return True
            raise
        failpoint("file-uploaded")
        self._record.update(state="uploaded", input_file=file_id)
        failpoint("upload-recorded")
        await self._note_estimate(file_id)
        return True

    async def create(self) -> bool:
        """From uploaded to submitted; to creating when the reply was lost; back to planned when the file is gone."""
        self._count("creations")
        before = self._record.read()
        creations = int(before.details.get("creations", 0)) + 1
        details = {**before.details, "creations": creations}
        if creations == 1 and not self._api.profile.list_supports_search:
            details["newest_before"] = await self._api.find_newest_id()
        announced = self._record.update(state="creating", details=details)
        failpoint("creation-announced")
        metadata = {"goldspan_run": self._record.journal.run_id[:512], "goldspan_sha256": before.sha256}
        try:
            batch = await self._api.create(before.input_file, self._context.window, before.intent, metadata)
        except TransientServiceError as error:
            self._tries["creations"] -= 1
            self._record.update(state="uploaded", details=before.details)
            if (error.retry_after or 0.0) > LONGEST_WAIT:
                raise TransientServiceError(
                    f"{error} It asks to wait {describe_wait(error.retry_after or 0.0)}. Nothing is lost; resume then."
                ) from None
            return not await sleep_unless(self._context.halt, error.retry_after or self._context.pace.first_poll)
        except TerminalServiceError as error:
            self._record.update(state="uploaded", details=before.details)
            if error.status not in {400, 404} or await self._api.has_file(before.input_file):
                raise
            self._record.update(state="planned")
            return True
        if batch is None:
            self._has_lost_reply = True
            return True
        failpoint("batch-created")
        if creations > 1 and (found := await find_batches(self._api, announced)):
            batch = await keep_one(self._api, found)
        self._record.adopt(batch)
        return True

    async def settle(self) -> bool:
        """From creating to submitted when the batch is there, to uploaded when it certainly is not."""
        submission = self._record.read()
        problem: ForeignReplyError | None = None
        grace = self._context.pace.grace
        for pause in (0.0, *(grace if self._has_lost_reply else list_waits(submission, grace))):
            if pause and await sleep_unless(self._context.halt, pause):
                return False
            try:
                found = await find_batches(self._api, submission)
            except ForeignReplyError as error:
                problem = error
                continue
            except TerminalServiceError as error:
                if error.status not in {404, 405, 501}:
                    raise
                said = str(error).rstrip(".")
                raise TerminalServiceError(
                    f"{said}. So it cannot be known whether the batch was created. Look for one with the metadata "
                    f"{INTENT_KEY} {submission.intent} at the provider; `goldspan generate cancel --abandon` makes its "
                    "rows ready again, and they may be paid twice.",
                    error.status,
                ) from None
            problem = None
            if found:
                self._record.adopt(await keep_one(self._api, found))
                return True
        if problem:
            raise problem
        self._record.update(state="uploaded")
        return True

    def _count(self, what: str) -> None:
        self._tries[what] += 1
        if self._tries[what] > _MAX_TRIES:
            raise TransientServiceError(
                f"The provider failed {_MAX_TRIES} times at the {what} of one batch. Resume later: nothing is lost."
            )

    async def _note_estimate(self, file_id: str) -> None:
        if not self._api.profile.cost_estimate:
            return
        try:
            estimate = await self._api.estimate(file_id, self._context.window)
        except ServiceError:
            return
        if cost := estimate.get("total_estimated_cost"):
            self._record.journal.write_event(
                "estimate", f"The provider expects batch {self._record.intent} to cost {cost} USD."
            )
