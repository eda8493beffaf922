"""When the next batch may be sent, how large it may be, and in which form: learnt from the batches before."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

from goldspan.annotation.errors import TransientServiceError
from goldspan.annotation.wording import format_count
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.adaptation import Adaptation
from goldspan.generators.providers.batch.schedule import PollSchedule
from goldspan.generators.providers.protocol import Answer, Request

_CHUNK = 500
_MAX_OPEN = 8
"""Batches that are open at once; more rows wait in the journal."""
_MAX_REFUSALS = 12
_MAX_HOLD = 1800.0
PROBE_ABOVE = 100
"""Rows from which on a run that was never answered sends a single row first."""
_SETTING = "adaptation"


class Admission:
    """Admission control of a run's batches.

    A run of many rows sends one row first, and waits for its answer. After a full queue, batches are halved and sent
    one at a time, each after the one before has passed validation.
    """

    def __init__(self, journal: Journal, pace: PollSchedule, max_rows: int, wake: Callable[[], None]) -> None:
        self._journal, self._pace, self._wake = journal, pace, wake
        self.max_rows = max_rows
        self._refusals = 0
        self._hold_until = 0.0
        self._is_validating = False
        self._probe: asyncio.Task[None] | None = None
        self._has_answers = False
        self._adaptation = Adaptation.from_dict(journal.read_settings().get(_SETTING, {}))
        self._adaptation.note_success()

    def may_send(self, open_batches: int) -> bool:
        """True if another batch may be sent now."""
        is_probing = self._probe is not None and not self._probe.done()
        return open_batches < _MAX_OPEN and not (self.hold_left() or self._is_validating or is_probing)

    def hold_left(self) -> float:
        """Seconds until batches may be sent again after a full queue."""
        return max(0.0, self._hold_until - time.monotonic())

    def count_room(self, rows_in_shard: int) -> int:
        """How many rows to take from the queue at once."""
        return min(_CHUNK, self.max_rows - rows_in_shard) if self._refusals else _CHUNK

    def wants_probe(self, rows: int) -> bool:
        """True if one row shall be sent before so many."""
        return rows >= PROBE_ABOVE and not self.is_proven()

    def note_sent(self, task: asyncio.Task[None], *, is_probe: bool) -> None:
        """A batch was sent."""
        self._is_validating = self._refusals > 0
        if is_probe:
            self._probe = task

    def note_accepted(self) -> None:
        """A batch has passed validation."""
        self._refusals, self._is_validating = 0, False
        self._wake()

    def note_queue_full(self, rows: int) -> None:
        """A batch of so many rows was refused for want of room; batches refused together count as one refusal.

        Raises:
            TransientServiceError: the queue stays full.
        """
        self._is_validating = False
        if self.hold_left():
            return
        self._refusals += 1
        if self._refusals > _MAX_REFUSALS:
            raise TransientServiceError("The provider's queue stays full. Resume later: nothing is lost.")
        self.max_rows = max(1, min(self.max_rows, rows // 2))
        self._hold_until = time.monotonic() + min(self._pace.hold * 2 ** (self._refusals - 1), _MAX_HOLD)

    def note_too_large(self, rows: int) -> None:
        """The server takes no file of so many rows: smaller ones from now on."""
        self.max_rows = max(1, min(self.max_rows, rows // 2))
        self._journal.write_event(
            "smaller batches",
            f"The server takes no file of {format_count(rows, 'row')}; batches have {self.max_rows} at most now.",
        )

    def is_proven(self) -> bool:
        """True once the model has answered a row of this run."""
        if not self._has_answers:
            states = "('ok', 'invalid', 'truncated', 'refused')"
            self._has_answers = bool(self._journal.query(f"SELECT 1 FROM row WHERE state IN {states} LIMIT 1"))  # noqa: S608
        return self._has_answers

    def adapt_request(self, request: Request) -> Request:
        """The request in the form that the server accepts."""
        body = self._adaptation.adapt(request.body)
        return request if body == request.body else dataclasses.replace(request, body=body)

    def learn(self, failure: Answer, sent: Mapping[str, Any]) -> bool:
        """Learn from the failure of a request with the body `sent`; True if requests are different from now on."""
        status = failure.error.removeprefix("http_")
        code = int(status) if status.isdigit() else 400
        if not sent or not self._adaptation.learn(code, f"{failure.detail} {failure.message}", sent):
            return False
        self._journal.write_settings({_SETTING: self._adaptation.to_dict()})
        return True
