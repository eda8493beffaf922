"""Polling intervals and time limits of the batch executor."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """Times in seconds.

    Polls of a batch begin `first_poll` apart and grow by `growth` up to `last_poll`. Rows that become ready while
    batches run wait up to `gather` for others to share their batch. After a lost reply the list of batches is read
    again after each pause of `grace`. After a full queue nothing is sent for `hold`. `outage` is how long a provider
    may be unreachable, or answer with something else, before the run stops. `settle` is how long a batch that has
    ended may lack lines that its counts announce, or show lines that cannot be read. `vanish` is how long a batch may
    be unknown to the provider before its rows count as missing.
    """

    first_poll: float = 1.0
    last_poll: float = 60.0
    growth: float = 1.5
    gather: float = 30.0
    grace: tuple[float, ...] = (5.0, 15.0, 40.0)
    hold: float = 60.0
    outage: float = 900.0
    settle: float = 180.0
    vanish: float = 3600.0

    def with_interval(self, seconds: float) -> PollSchedule:
        """The same with a fixed polling interval; 0 changes nothing."""
        if not seconds:
            return self
        return replace(self, first_poll=seconds, last_poll=seconds, gather=min(self.gather, 5 * seconds))

    def next_poll(self, before: float) -> float:
        """The pause after a pause of `before` seconds (0: the first)."""
        return min(before * self.growth, self.last_poll) if before else self.first_poll


async def sleep_unless(event: asyncio.Event, seconds: float) -> bool:
    """Sleep; True as soon as the event is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)
    return event.is_set()
