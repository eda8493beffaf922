"""Limits per minute that an account has, without any clock or I/O."""

from __future__ import annotations


class MinuteLimit:
    """A bucket that refills evenly and holds a tenth of a minute's amount; `per_minute` 0 means no limit."""

    def __init__(self, per_minute: float, now: float) -> None:
        self._rate = per_minute / 60
        self._capacity = max(1.0, per_minute / 10)
        self._filled, self._at = self._capacity, now

    @property
    def is_limited(self) -> bool:
        """False if any amount may be taken at any time."""
        return self._rate > 0

    def measure_pause(self, amount: float, now: float) -> float:
        """Seconds until an amount may be taken. One that the bucket never holds may be taken when it is full."""
        if not self._rate:
            return 0.0
        self._filled = min(self._capacity, self._filled + (now - self._at) * self._rate)
        self._at = now
        return max(0.0, (min(amount, self._capacity) - self._filled) / self._rate)

    def take(self, amount: float) -> None:
        """Take an amount; the bucket may go into debt for it."""
        self._filled -= amount
