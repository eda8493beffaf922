"""Limits per minute that an account has, without any clock or I/O."""

from __future__ import annotations


class MinuteLimit:
    """A bucket that refills evenly and holds a tenth of a minute's amount; `per_minute` 0 means no limit."""

    def __init__(self, per_minute: float, now: float) -> None:
        self._rate = per_minute / 60
        self._capacity = max(1.0, per_minute / 10)
        self._filled, self._at = self._capacity, now

    def take(self, amount: float, now: float) -> float:
        """Take an amount; returns the seconds to wait before using it. The bucket may go into debt for it."""
        if not self._rate:
            return 0.0
        self._filled = min(self._capacity, self._filled + (now - self._at) * self._rate)
        self._at = now
        self._filled -= amount
        return max(0.0, -self._filled / self._rate)
