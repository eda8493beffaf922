"""Values of fine-tuning APIs: jobs, events, checkpoints and quotes, in one form for every provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class JobState(StrEnum):
    """The state of a fine-tuning job, whatever its provider calls it.

    `READY` waits for consent; `UNKNOWN` is a status that no provider was known to have: it is polled on.
    """

    CHECKING = "checking"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHING = "finishing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"

    @property
    def is_final(self) -> bool:
        """True for a state that a job does not leave."""
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What a provider found wrong with one line of a file; lines count from 1, 0 when it concerns all."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a provider is asked to train. `marker` comes back with the job: it finds a job whose reply was lost.

    `learning_rate` None leaves it to the provider. OpenAI takes it as a multiplier.
    """

    model: str
    training_file: str
    validation_file: str
    marker: str
    run: str
    epochs: int
    seed: int
    learning_rate: float | None = None


@dataclass(frozen=True, slots=True)
class RemoteJob:
    """A job as its provider describes it; `document` is the answer as received.

    `marks` are the texts that may hold our marker, `files` the ids of its files. `quote` is what the provider expects
    it to cost, in `currency`, None if it does not say.
    """

    id: str
    state: JobState
    status: str
    model: str = ""
    marks: tuple[str, ...] = ()
    files: frozenset[str] = frozenset()
    output_model: str = ""
    trained_tokens: int = 0
    created_at: float = 0.0
    expected_end: float = 0.0
    message: str = ""
    problems: tuple[RowProblem, ...] = ()
    quote: float | None = None
    currency: str = "USD"
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def carries(self, marker: str) -> bool:
        """True if the job was created with this marker."""
        return any(marker in text for text in self.marks)


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One message about a job; `id` is the same when it is read again. `at` is in seconds since 1970."""

    id: str
    at: float
    level: str
    kind: str
    message: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A state of the model during training; `model` is its name where it can be used, else empty."""

    id: str
    step: int
    model: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a provider expects a job to cost, before it is created.

    `pending`: it cannot tell yet, since it is still checking the files. `allowed` is False where the account may not
    spend so much; `limit` is then what it may.
    """

    cost: float | None = None
    tokens: int = 0
    pending: bool = False
    allowed: bool = True
    limit: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RowsUpload:
    """A file to be uploaded: its path, its name at the provider (unique by content), and its size in bytes."""

    path: Path
    name: str
    size: int
