"""How long a server asks to wait, and how long a run does."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 300.0
"""Seconds; a server that asks to wait longer stops the run, resumable."""


def read_retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that `retry-after-ms` or `Retry-After` ask to wait (RFC 9110, 10.2.3)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            try:
                seconds = parsedate_to_datetime(value).timestamp() - time.time()
            except (ValueError, OverflowError):
                continue
        if not math.isnan(seconds):
            return max(0.0, seconds)
    return None


def describe_wait(seconds: float) -> str:
    """`5 minutes`, `2.0 hours`, `3 days`, with the time of day at which it ends where that is near."""
    if seconds > 366 * 86_400:
        return "without end"
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:.0f} days"
    until = time.strftime("%H:%M", time.localtime(time.time() + seconds))
    amount = f"{seconds / 3600:.1f} hours" if seconds >= 5400 else f"{seconds / 60:.0f} minutes"
    return f"{amount}, until {until}"
