"""The phases of a simulated fine-tuning job, computed from times and faults whenever somebody looks.

A job is checked, waits for its start where the provider halts there, is queued, runs and is finished. It is paid for
when it begins to run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_SHARES = {"checking": 0.15, "queued": 0.1, "running": 0.6, "finishing": 0.15}
_CANCELLING = 0.1


class Phase(StrEnum):
    """The state of a job; the providers have names of their own for it."""

    CHECKING = "checking"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    FINISHING = "finishing"
    SUCCEEDED = "succeeded"
    INVALID = "invalid"
    FAILED = "failed"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    ODD = "odd"


@dataclass(frozen=True, slots=True)
class SimulatedJob:
    """One job; times are in seconds of the jobs' clock, 0 for what has not happened."""

    number: int
    id: str
    model: str
    training_file: str
    validation_file: str
    marker: str
    order: Mapping[str, Any]
    created_at: float
    started_at: float
    cancelled_at: float
    tokens: int
    problems: tuple[str, ...]
    faults: Mapping[str, Mapping[str, Any]]
    seconds: float

    def reach(self, phase: str) -> float:
        """When the job enters a phase of its work, if nothing stops it; infinity before its start."""
        checked = self.created_at + _SHARES["checking"] * self.seconds
        if phase == "ready":
            return checked
        if not self.started_at:
            return float("inf")
        moment = max(checked, self.started_at)
        for name in ("queued", "running", "finishing", "succeeded"):
            if name == phase:
                return moment
            moment += _SHARES[name] * self.seconds
        return moment

    def find_phase(self, now: float) -> Phase:
        """The state of the job."""
        if self.cancelled_at and "late_cancel" not in self.faults and now >= self.cancelled_at:
            is_over = now >= self.cancelled_at + _CANCELLING * self.seconds
            return Phase.CANCELLED if is_over else Phase.CANCELLING
        if now < self.reach("ready"):
            return Phase.CHECKING
        if self.problems:
            return Phase.INVALID
        odd = self.faults.get("unknown_status")
        if odd and now < self.reach("ready") + odd["seconds"]:
            return Phase.ODD
        return self._find_work_phase(now)

    def _find_work_phase(self, now: float) -> Phase:
        for phase in (Phase.SUCCEEDED, Phase.FINISHING, Phase.RUNNING, Phase.QUEUED):
            if now < self.reach(phase):
                continue
            if phase in (Phase.SUCCEEDED, Phase.FINISHING):
                if "training_failed" in self.faults:
                    return Phase.FAILED
                if "stuck_job" in self.faults:
                    return Phase.RUNNING
            return Phase.CANCELLING if self.cancelled_at and phase is not Phase.SUCCEEDED else phase
        return Phase.READY

    def is_paid(self, now: float) -> bool:
        """True once the job has begun to run."""
        begin = self.reach("running")
        is_stopped = bool(self.cancelled_at) and "late_cancel" not in self.faults and self.cancelled_at < begin
        return now >= begin and not self.problems and not is_stopped

    @property
    def epochs(self) -> int:
        """How often the rows are read."""
        return int(self.order.get("epochs") or 1)
