"""Concurrency control of the live pool: additive increase, multiplicative decrease, without clock or I/O.

The limit begins at its ceiling. A 429 halves it, once per burst: answers to requests that were sent before the last cut
carry no new information. It rises by one for every `limit` answers in a row (Chiu and Jain 1989: AIMD converges to a
fair and efficient share). A 429 also pauses all requests: until Retry-After is over, or twice as long as before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class PoolState:
    """The state of the controller. Times are seconds on one monotonic clock."""

    ceiling: int
    limit: int
    answers: int = 0
    gate_until: float = 0.0
    cut_at: float = float("-inf")
    bursts: int = 0


def start_pool_state(ceiling: int) -> PoolState:
    """The initial state: the limit is the ceiling."""
    return PoolState(ceiling, ceiling)


def observe_answer(pace: PoolState) -> PoolState:
    """A request was answered."""
    answers = pace.answers + 1
    if pace.limit >= pace.ceiling:
        return replace(pace, answers=0, bursts=0) if pace.answers or pace.bursts else pace
    if answers < pace.limit:
        return replace(pace, answers=answers, bursts=0)
    return replace(pace, limit=pace.limit + 1, answers=0, bursts=0)


def observe_throttle(pace: PoolState, *, now: float, sent_at: float, retry_after: float | None) -> PoolState:
    """A request was refused with 429; `sent_at` is when it was sent. Refusals of one burst cut the limit once."""
    if sent_at <= pace.cut_at:
        gate = max(pace.gate_until, now + retry_after) if retry_after else pace.gate_until
        return replace(pace, answers=0, gate_until=gate)
    pause = retry_after if retry_after else min(FIRST_PAUSE * 2**pace.bursts, LONGEST_PAUSE)
    return replace(
        pace,
        limit=max(1, pace.limit // 2),
        answers=0,
        gate_until=max(pace.gate_until, now + pause),
        cut_at=now,
        bursts=min(pace.bursts + 1, 16),
    )


def measure_pause(pace: PoolState, now: float) -> float:
    """Seconds until the gate opens; 0 when it is open."""
    return max(0.0, pace.gate_until - now)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Stops a run whose requests mostly fail: over half of the last `window`, or `early` before any success."""

    window: int = 20
    early: int = 5
    outcomes: tuple[bool, ...] = ()
    succeeded: bool = False

    def observe(self, success: bool) -> Breaker:
        """The breaker after one more outcome."""
        outcomes = (*self.outcomes, success)[-self.window :]
        return Breaker(self.window, self.early, outcomes, self.succeeded or success)

    @property
    def is_open(self) -> bool:
        """True when the run should stop."""
        failures = self.outcomes.count(False)
        if not self.succeeded:
            return failures >= self.early
        return len(self.outcomes) >= self.window and failures * 2 > len(self.outcomes)
