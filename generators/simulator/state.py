"""The server's state: one SQLite file and a folder of uploaded files beside it. It survives a kill."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldspan.generators.providers.profiles import ProviderProfile
from goldspan.generators.simulator.database import lock_state, make_folder, open_database
from goldspan.generators.simulator.faults import FaultInjector, FaultPlan
from goldspan.generators.simulator.latency import Latency

_UPDATE_BATCH = """
UPDATE batch SET status = :status, in_progress_at = :in_progress_at, finalizing_at = :finalizing_at,
    completed_at = :completed_at, failed_at = :failed_at, expired_at = :expired_at, cancelling_at = :cancelling_at,
    cancelled_at = :cancelled_at, output_file_id = :output_file_id, error_file_id = :error_file_id, errors = :errors,
    stop_kind = :stop_kind, stop_after = :stop_after, total = :total, completed = :completed, failed = :failed
WHERE id = :id
"""


@dataclass(frozen=True, slots=True)
class SimulatorSettings:
    """How one simulated provider runs.

    `window_seconds`, `input_seconds` and `tuning_seconds` (of a fine-tuning job) shorten the provider's own times.
    `idempotent`: a chat request whose `Idempotency-Key` was answered before gets the same answer again, free. No
    provider promises that.
    """

    profile: ProviderProfile
    state: Path
    plan: FaultPlan = field(default_factory=FaultPlan)
    latency: Latency = field(default_factory=Latency)
    window_seconds: float | None = None
    input_seconds: float | None = None
    validation_seconds: float = 0.05
    tuning_seconds: float = 2.0
    idempotent: bool = False


class SimulatorState:
    """State of the server. Used by one thread of one process until it is closed.

    Raises:
        StateError: the file is in use, belongs to another profile or program, or cannot be written.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self.settings = settings
        self.profile = settings.profile
        with ExitStack() as opened:
            opened.callback(lock_state(settings.state).release)
            self.database = open_database(settings.state, self.profile.name)
            opened.callback(self.database.close)
            self.folder = make_folder(settings.state)
            self._opened = opened.pop_all()
        self.faults = FaultInjector(settings.plan, self.database)

    def close(self) -> None:
        """Close the database and let another server have it."""
        self._opened.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing."""
        self.database.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.database.execute("ROLLBACK")
            raise
        self.database.execute("COMMIT")

    def add_paid(self, custom_id: str, source: str, batch_id: str, tier: str, body: dict[str, Any]) -> None:
        """Charge one answered request."""
        usage = body["usage"]
        price = self.profile.find_price(tier)
        cost = (usage["prompt_tokens"] * price.prompt + usage["completion_tokens"] * price.completion) / 1_000_000
        self.database.execute(
            "INSERT INTO paid(custom_id, source, batch_id, model, tier, prompt_tokens, completion_tokens, cost, at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                custom_id,
                source,
                batch_id,
                body["model"],
                tier,
                usage["prompt_tokens"],
                usage["completion_tokens"],
                cost,
                body["created"],
            ),
        )

    def find_file(self, file_id: str, now: float) -> sqlite3.Row | None:
        """A file that is neither deleted nor expired."""
        found: sqlite3.Row | None = self.database.execute(
            "SELECT * FROM file WHERE id = ? AND deleted = 0 AND expires_at > ?", (file_id, now)
        ).fetchone()
        return found

    def find_batch(self, batch_id: str) -> sqlite3.Row | None:
        """A batch by its id."""
        found: sqlite3.Row | None = self.database.execute("SELECT * FROM batch WHERE id = ?", (batch_id,)).fetchone()
        return found

    def update_batch(self, batch_id: str, **values: Any) -> None:
        """Set columns of a batch."""
        found = self.find_batch(batch_id)
        self.database.execute(_UPDATE_BATCH, {**dict(found or {}), **values})

    def place_of(self, file_id: str) -> Path:
        """The path of the bytes of an uploaded file."""
        return self.folder / f"{file_id}.jsonl"


def make_id(prefix: str) -> str:
    """A fresh id as the provider writes them."""
    return f"{prefix}{uuid.uuid4().hex}"


def read_json(text: str | None) -> Any:
    """The JSON of a column, None if it is empty."""
    return json.loads(text) if text else None
