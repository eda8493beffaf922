"""The server's memory: one SQLite file and a folder of uploaded files beside it. It survives a kill."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annotation.errors import StateError
from generators.providers.profiles import ProviderProfile
from generators.simulator.faults import FaultClock, FaultPlan
from generators.simulator.latency import Latency

_VERSION = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS file(
    id TEXT PRIMARY KEY, filename TEXT, purpose TEXT, bytes INTEGER, created_at REAL, expires_at REAL,
    kind TEXT, batch_id TEXT, deleted INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS batch(
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, input_file_id TEXT, input_name TEXT, endpoint TEXT, window TEXT,
    metadata TEXT, status TEXT, created_at REAL, visible_at REAL, expires_at REAL, in_progress_at REAL,
    finalizing_at REAL, completed_at REAL, failed_at REAL, expired_at REAL, cancelling_at REAL, cancelled_at REAL,
    output_file_id TEXT, error_file_id TEXT, errors TEXT, stop_kind TEXT, stop_after INTEGER, empty_ids INTEGER,
    shuffled INTEGER, total INTEGER DEFAULT 0, completed INTEGER DEFAULT 0, failed INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS row(
    batch_id TEXT, number INTEGER, custom_id TEXT, place INTEGER, size INTEGER, state TEXT, tries INTEGER DEFAULT 0,
    due_at REAL, stamp REAL, rank INTEGER, line BLOB, PRIMARY KEY(batch_id, number)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS row_due ON row(batch_id, state, due_at);
CREATE INDEX IF NOT EXISTS row_view ON row(batch_id, state, stamp, rank);
CREATE TABLE IF NOT EXISTS paid(
    number INTEGER PRIMARY KEY, custom_id TEXT, source TEXT, batch_id TEXT, model TEXT, tier TEXT,
    prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, at REAL);
CREATE INDEX IF NOT EXISTS paid_custom_id ON paid(custom_id);
CREATE TABLE IF NOT EXISTS reply(key TEXT PRIMARY KEY, body BLOB);
CREATE TABLE IF NOT EXISTS fault(name TEXT PRIMARY KEY, seen INTEGER, hits INTEGER);
"""

_UPDATE_BATCH = """
UPDATE batch SET status = :status, in_progress_at = :in_progress_at, finalizing_at = :finalizing_at,
    completed_at = :completed_at, failed_at = :failed_at, expired_at = :expired_at, cancelling_at = :cancelling_at,
    cancelled_at = :cancelled_at, output_file_id = :output_file_id, error_file_id = :error_file_id, errors = :errors,
    stop_kind = :stop_kind, stop_after = :stop_after, total = :total, completed = :completed, failed = :failed
WHERE id = :id
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one simulated provider runs.

    `window_seconds` and `input_seconds` shorten the provider's own times. `idempotent`: a chat request whose
    `Idempotency-Key` was answered before gets the same answer again, free. Neither provider promises that.
    """

    profile: ProviderProfile
    state: Path
    plan: FaultPlan = field(default_factory=FaultPlan)
    latency: Latency = field(default_factory=Latency)
    window_seconds: float | None = None
    input_seconds: float | None = None
    validation_seconds: float = 0.05
    idempotent: bool = False


class State:
    """Everything that the server knows. One thread uses it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.profile = settings.profile
        self.folder = settings.state.with_suffix(".files")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.database = sqlite3.connect(settings.state, isolation_level=None, check_same_thread=False)
        self.database.row_factory = sqlite3.Row
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = NORMAL")
        self._migrate(settings.state)
        self.faults = FaultClock(settings.plan, self.database)

    def close(self) -> None:
        """Close the database."""
        self.database.close()

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
        """Where the bytes of an uploaded file lie."""
        return self.folder / f"{file_id}.jsonl"

    def _migrate(self, path: Path) -> None:
        version = self.database.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            raise StateError(f"{path} was written by a newer goldspan (format {version}, this one reads {_VERSION}).")
        self.database.executescript(_TABLES)
        self.database.execute(f"PRAGMA user_version = {_VERSION}")


def make_id(prefix: str) -> str:
    """A fresh id as the provider writes them."""
    return f"{prefix}{uuid.uuid4().hex}"


def read_json(text: str | None) -> Any:
    """The JSON of a column, None if it is empty."""
    return json.loads(text) if text else None
