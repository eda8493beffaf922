"""The journal of a fine-tuning run: `finetuning/<run>/journal.db` (SQLite, WAL).

    run         settings, consent, outcome
    file        an uploaded file: announced before its upload, its id after
    job         the job (one row): phase, provider's id and word, what it said
    message     what the provider said about the job, once each
    checkpoint  states of the model during training

A job is planned → uploaded → creating (committed before the paid call) → submitted (→ starting, where the provider
waits for consent) → ended; or abandoned, when it was certainly never created.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import Any

from goldspan.generators.journal.store import RunJournal
from goldspan.generators.providers.tuning.values import Checkpoint, JobEvent

PLANNED, UPLOADED, CREATING, SUBMITTED, STARTING = "planned", "uploaded", "creating", "submitted", "starting"
ENDED, ABANDONED = "ended", "abandoned"

_STEPS = (
    """
    CREATE TABLE run (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE event (
        number INTEGER PRIMARY KEY, at REAL NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
        details TEXT NOT NULL DEFAULT '{}'
    );
    CREATE TABLE file (
        role TEXT PRIMARY KEY, name TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL,
        file_id TEXT NOT NULL DEFAULT '', announced REAL NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE job (number INTEGER PRIMARY KEY CHECK (number = 1), document TEXT NOT NULL);
    CREATE TABLE message (
        id TEXT PRIMARY KEY, at REAL NOT NULL, level TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
        data TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE checkpoint (
        id TEXT PRIMARY KEY, step INTEGER NOT NULL, model TEXT NOT NULL, metrics TEXT NOT NULL
    ) WITHOUT ROWID;
    """,
)


@dataclass(frozen=True, slots=True)
class JobRecord:
    """The job as the journal knows it. Times are in seconds since 1970, 0 for what has not happened.

    `creations` counts the calls that may have created one. `quote` is what the provider expects it to cost.
    `problems` are pairs of line and message. `moved_at` is when the provider's word last changed,
    `expected_end` when the provider thinks that the job ends.
    """

    phase: str = PLANNED
    job_id: str = ""
    state: str = ""
    status: str = ""
    creations: int = 0
    announced_at: float = 0.0
    quote: float | None = None
    currency: str = "USD"
    output_model: str = ""
    trained_tokens: int = 0
    message: str = ""
    problems: tuple[tuple[int, str], ...] = ()
    cancel_sent: bool = False
    moved_at: float = 0.0
    expected_end: float = 0.0


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file of rows at the provider; `file_id` is empty until it is uploaded, `announced` 0 until that is tried."""

    role: str
    name: str
    size: int
    sha256: str
    file_id: str = ""
    announced: float = 0.0


class TuningJournal(RunJournal):
    """The journal of one fine-tuning run."""

    command = "goldspan finetune"
    steps = _STEPS
    rescue = "Look at the provider's list of jobs before you go on: one may be running."

    def read_job(self) -> JobRecord:
        """The job; one that is only planned if nothing was written yet."""
        found = self.query("SELECT document FROM job")
        if not found:
            return JobRecord()
        document = json.loads(found[0][0])
        known = {field.name for field in fields(JobRecord)}
        values = {name: value for name, value in document.items() if name in known}
        values["problems"] = tuple((int(line), str(said)) for line, said in values.get("problems", ()))
        return JobRecord(**values)

    def update_job(self, **changes: Any) -> JobRecord:
        """Change the job, on the disk when this returns."""
        with self.transaction(durable=True) as connection:
            record = JobRecord(**{**asdict(self.read_job()), **changes})
            connection.execute("INSERT OR REPLACE INTO job VALUES (1, ?)", (json.dumps(asdict(record)),))
        return record

    def plan_file(self, record: FileRecord) -> None:
        """Note a file that is to be uploaded; one that is known stays as it is."""
        with self.transaction(durable=True) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO file VALUES (?, ?, ?, ?, ?, ?)",
                (record.role, record.name, record.size, record.sha256, record.file_id, record.announced),
            )

    def list_files(self) -> list[FileRecord]:
        """The files, training before validation."""
        found = self.query("SELECT role, name, size, sha256, file_id, announced FROM file ORDER BY role")
        return [FileRecord(*values) for values in found]

    def announce_upload(self, role: str) -> None:
        """Note that the upload of a file is about to be tried."""
        with self.transaction(durable=True) as connection:
            connection.execute("UPDATE file SET announced = ? WHERE role = ?", (time.time(), role))

    def set_file_id(self, role: str, file_id: str) -> None:
        """Note the provider's id of a file; empty when it is gone."""
        with self.transaction(durable=True) as connection:
            connection.execute("UPDATE file SET file_id = ? WHERE role = ?", (file_id, role))

    def add_events(self, events: Iterable[JobEvent]) -> int:
        """Keep what the provider said; a message that is known counts once. Returns how many are new."""
        with self.transaction() as connection:
            return sum(
                connection.execute(
                    "INSERT OR IGNORE INTO message VALUES (?, ?, ?, ?, ?, ?)",
                    (event.id, event.at, event.level, event.kind, event.message, json.dumps(dict(event.data))),
                ).rowcount
                for event in events
            )

    def list_messages(self, limit: int = 20) -> list[JobEvent]:
        """The newest messages of the provider in the order of their times."""
        found = self.query(
            "SELECT id, at, level, kind, message, data FROM message ORDER BY at DESC, id DESC LIMIT ?", (limit,)
        )
        return [
            JobEvent(name, at, level, kind, message, json.loads(data))
            for name, at, level, kind, message, data in found[::-1]
        ]

    def add_checkpoints(self, checkpoints: Iterable[Checkpoint]) -> None:
        """Keep checkpoints; one that is known is replaced."""
        with self.transaction() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?)",
                [(one.id, one.step, one.model, json.dumps(dict(one.metrics))) for one in checkpoints],
            )

    def list_checkpoints(self) -> list[Checkpoint]:
        """The checkpoints by step."""
        found = self.query("SELECT id, step, model, metrics FROM checkpoint ORDER BY step, id")
        return [Checkpoint(name, step, model, json.loads(metrics)) for name, step, model, metrics in found]
