"""The training that Label Studio asks for: one at a time, in the background, then the new model serves."""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import UTC, datetime
from typing import Any

from goldspan.annotation.errors import GoldspanError, InputError
from goldspan.annotation.redaction import redact
from goldspan.serving.state import ServerState, Trainer

log = logging.getLogger("goldspan.serve")
MAX_LINE = 300
"""Characters of a line of progress that are kept."""


class Training:
    """The newest training: `status` is `none`, `running`, `done` or `failed`, `progress` the last line about it.

    Annotators go on with the model that serves until the new one is loaded and has read a probe text. If anything
    fails, it stays.
    """

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._task: asyncio.Task[None] | None = None
        self.job, self.status, self.progress = "", "none", ""
        self._started = self._ended = ""

    def start(self) -> str:
        """Begin, unless a training is at work; returns the id of the one that is.

        Raises:
            InputError: this server cannot train.
        """
        if self._state.trainer is None:
            raise InputError("This server does not train; start it with --train or --train-command.")
        if self._task is None or self._task.done():
            self.job, self.status, self.progress = secrets.token_hex(6), "running", ""
            self._started, self._ended = _now(), ""
            self._task = asyncio.create_task(self._work(self._state.trainer))
        return self.job

    def describe(self) -> dict[str, Any]:
        """The newest training as JSON."""
        return {
            "job": self.job,
            "status": self.status,
            "progress": self.progress,
            "started_at": self._started,
            "ended_at": self._ended,
        }

    async def close(self) -> None:
        """Stop the training."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self, trainer: Trainer) -> None:
        try:
            source = await trainer.train(self._tell)
            self._tell("swap: loading the new model")
            await self._state.host.reload("", source)
        except GoldspanError as error:
            self._fail(str(error), error)
            return
        except Exception as error:  # noqa: BLE001
            self._fail(type(error).__name__, error)
            return
        try:
            await trainer.finish(source, self._tell)
        except GoldspanError as error:
            self._tell(f"The new model serves. What follows failed: {error}")
        self.status, self._ended = "done", _now()

    def _tell(self, line: str) -> None:
        self.progress = redact(line, limit=MAX_LINE)

    def _fail(self, reason: str, error: Exception) -> None:
        self._tell(reason)
        self.status, self._ended = "failed", _now()
        log.warning("training %s failed (%s)", self.job, type(error).__name__)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
