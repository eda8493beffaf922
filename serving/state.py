"""What all routes of one server share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.masking.keys import MaskingKey
from goldspan.masking.vault import Vault
from goldspan.serving.host import PredictorHost
from goldspan.serving.limits import Admission, Limits, RateLimiter
from goldspan.serving.metrics import Metrics

Tell = Callable[[str], None]
"""Takes a line of progress for people; no text of a sample stands in it."""


class Trainer(Protocol):
    """Makes a new model when Label Studio asks for one."""

    async def train(self, tell: Tell) -> str:
        """Train; returns what `open_predictor` opens.

        Raises:
            GoldspanError: there is no new model; the message has the reason.
        """

    async def finish(self, source: str, tell: Tell) -> None:
        """Called once the model serves: remember it, predict what is open.

        Raises:
            GoldspanError: that failed; the model serves all the same.
        """


SampleSink = Callable[[Sample], Awaitable[str]]
"""Takes a reviewed sample; returns a sentence that says where it went."""

INLINE_CHARACTERS = 2_000
"""Texts up to this length are masked on the event loop; longer ones in a worker thread."""

WORKERS = 2
"""Threads that mask: the work holds Python's lock, so that more of them only delay the event loop."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How a server is run.

    `policy` is the default policy, `ocr` the engine for pictures. `hosts` are the names it answers to, `token` is asked
    of every request but those of `/health` and the page itself; empty: none is needed, which is for loopback only.
    """

    policy: str = "pseudonymise"
    ocr: str = "auto"
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    token: str = field(default="", repr=False)
    limits: Limits = field(default_factory=Limits)
    results: Path | None = None
    key: MaskingKey | None = None


class ServerState:
    """Live parts of one server."""

    def __init__(
        self,
        host: PredictorHost,
        settings: ServerSettings,
        *,
        vault: Vault | None = None,
        sink: SampleSink | None = None,
        trainer: Trainer | None = None,
    ) -> None:
        self.host, self.settings, self.vault, self.sink, self.trainer = host, settings, vault, sink, trainer
        self.admission = Admission(settings.limits)
        self.rates = RateLimiter(settings.limits.per_minute)
        self.metrics = Metrics()
        self.turn = asyncio.Lock()
        self.workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="goldspan-mask")

    @property
    def schema(self) -> LabelSchema:
        """The label schema."""
        return self.host.schema

    async def close(self) -> None:
        """Close the predictors and end the workers."""
        await self.host.close()
        self.workers.shutdown(wait=False, cancel_futures=True)
