"""Drive a fine-tuning run: step after step until the job ends, the run waits, or the budget is reached."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from goldspan.annotation.errors import StateError, TransientServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.providers.tuning.values import JobState
from goldspan.generators.providers.waiting import LONGEST_WAIT, describe_wait
from goldspan.training.finetuning.engine import JobView, TuningEngine
from goldspan.training.finetuning.journal import ENDED, SUBMITTED, JobRecord, TuningJournal


class TuningOutcome(StrEnum):
    """How a command ended. `WAITING`: the job runs on at the provider; `resume` polls it again."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    WAITING = "waiting"
    BUDGET = "budget"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class TuningSchedule:
    """Times in seconds. Polls begin `first_poll` apart and grow by `growth` up to `last_poll`.

    `outage`: how long a provider may be unreachable before the run stops. `patience`: how long a job may stay without
    any sign of life before the run stops and says so.
    """

    first_poll: float = 10.0
    last_poll: float = 60.0
    growth: float = 1.5
    outage: float = 900.0
    patience: float = 12 * 3600.0

    def next_poll(self, before: float) -> float:
        """The pause after a pause of `before` seconds (0: the first)."""
        return min(before * self.growth, self.last_poll) if before else self.first_poll


@dataclass(frozen=True, slots=True)
class TuningSummary:
    """The result of a command: the outcome, the state of the job, and the predictor if it succeeded."""

    run: str
    outcome: TuningOutcome
    job: JobView
    quote: float | None = None
    currency: str = "USD"
    message: str = ""
    predictor: Mapping[str, Any] = field(default_factory=dict)


OnJob = Callable[[JobView], None]


def ignore_job(_: JobView) -> None:
    """Ignore the state of a job."""


def drive(
    engine: TuningEngine,
    journal: TuningJournal,
    *,
    wait: bool = True,
    schedule: TuningSchedule | None = None,
    halt: threading.Event | None = None,
    on_job: OnJob = ignore_job,
) -> TuningSummary:
    """Take steps until the job ends, or until there is nothing to do but wait and `wait` is False.

    Setting `halt` ends the loop after the step at work; nothing is lost.

    Raises:
        ServiceError: the provider cannot be used as things are; `resume` resumes the run.
        StateError: the journal cannot be written, or the provider no longer knows the job.
    """
    schedule, halt = schedule or TuningSchedule(), halt or threading.Event()
    loop = _Loop(engine, journal, schedule, halt, on_job, wait=wait)
    return loop.run()


class _Loop:
    def __init__(
        self,
        engine: TuningEngine,
        journal: TuningJournal,
        schedule: TuningSchedule,
        halt: threading.Event,
        on_job: OnJob,
        *,
        wait: bool,
    ) -> None:
        self._engine, self._journal, self._schedule, self._halt = engine, journal, schedule, halt
        self._on_job, self._wait = on_job, wait
        self._pause = 0.0
        self._reached = time.monotonic()
        self._begun = time.time()
        self._shown = JobView(JobState.CHECKING)

    def run(self) -> TuningSummary:
        while not self._halt.is_set():
            if outcome := self._step():
                return self._finish(outcome)
        return self._finish(TuningOutcome.STOPPED)

    def _step(self) -> TuningOutcome | None:
        """One step and the pause after it; an outcome when there is no next one."""
        before = self._journal.read_job()
        is_cancelled = bool(self._journal.read_settings().get("cancelled"))
        try:
            job = self._engine.cancel() if is_cancelled else self._engine.advance()
        except TransientServiceError as error:
            self._wait_out(error)
            return None
        self._reached = time.monotonic()
        if job != self._shown:
            self._shown, self._pause = job, 0.0
            self._note(job)
            self._on_job(job)
        if job.over_budget:
            return TuningOutcome.BUDGET
        if job.state.is_final:
            return _name_outcome(job.state)
        if self._has_moved(before) or not self._engine.waits:
            return None
        if not self._wait:
            return TuningOutcome.WAITING
        self._require_life()
        self._pause = self._schedule.next_poll(self._pause)
        self._halt.wait(self._pause)
        return None

    def _note(self, job: JobView) -> None:
        """Write what `status` shows: the job of an engine that keeps no record of its own, and a stop at the budget."""
        if not self._engine.waits:
            self._journal.update_job(
                phase=ENDED if job.state.is_final else SUBMITTED,
                state=job.state,
                status=job.status,
                output_model=job.output_model,
                trained_tokens=job.trained_tokens,
                message=job.message,
            )
        if job.over_budget:
            self._journal.write_event("budget", job.message)

    def _has_moved(self, before: JobRecord) -> bool:
        """True if the step changed the phase: the next one may be taken at once."""
        return self._journal.read_job().phase != before.phase

    def _wait_out(self, error: TransientServiceError) -> None:
        wanted = error.retry_after or 0.0
        if wanted > LONGEST_WAIT:
            raise TransientServiceError(
                f"{error} It asks to wait {describe_wait(wanted)}. Nothing is lost: "
                f"`goldspan finetune resume {self._journal.run_id}` goes on then."
            ) from None
        if not self._wait or time.monotonic() - self._reached > self._schedule.outage:
            raise TransientServiceError(
                f"{error} Nothing is lost: `goldspan finetune resume {self._journal.run_id}` goes on."
            ) from None
        self._pause = self._schedule.next_poll(self._pause)
        self._halt.wait(max(wanted, self._pause))

    def _require_life(self) -> None:
        """Stop when the job has shown no sign of life for long, counted from the start of this command at least."""
        record = self._journal.read_job()
        signs = [record.moved_at, *(message.at for message in self._journal.list_messages(1))]
        silent = time.time() - max(signs)
        if record.moved_at and min(silent, time.time() - self._begun) > self._schedule.patience:
            raise StateError(
                f"Job {record.job_id} has not moved for {silent / 3600:.1f} hours (status {record.status}). "
                f"`goldspan finetune resume {self._journal.run_id}` polls on, `cancel` ends it."
            )

    def _finish(self, outcome: TuningOutcome) -> TuningSummary:
        record = self._journal.read_job()
        predictor: dict[str, Any] = {}
        if outcome is TuningOutcome.DONE:
            entry = self._engine.describe_predictor(self._shown)
            paths = {name: str(path.relative_to(self._journal.folder)) for name, path in entry.paths.items()}
            predictor = {"predictor": entry.predictor, "options": dict(entry.options), "paths": paths}
        if outcome in {TuningOutcome.DONE, TuningOutcome.FAILED, TuningOutcome.CANCELLED}:
            self._journal.write_settings({"outcome": outcome, "predictor": predictor, "ended_at": time.time()})
            failpoint("run-finished")
        message = self._shown.message
        return TuningSummary(
            self._journal.run_id, outcome, self._shown, record.quote, record.currency, message, predictor
        )


def _name_outcome(state: JobState) -> TuningOutcome:
    return {
        JobState.SUCCEEDED: TuningOutcome.DONE,
        JobState.FAILED: TuningOutcome.FAILED,
        JobState.CANCELLED: TuningOutcome.CANCELLED,
    }[state]
