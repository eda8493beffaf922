"""Failpoints between commits: a crash at any of them must lose nothing and pay nothing twice.

Tests kill the process there: `GOLDSPAN_KILL_AT=batch-created` or, for the third time it is passed, `batch-created:3`.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Go on, unless a test asked to be killed here (SIGKILL: nothing is flushed, nothing is cleaned up)."""
    wanted, _, turn = os.environ.get("GOLDSPAN_KILL_AT", "").partition(":")
    if wanted == name:
        _passed[name] += 1
        if _passed[name] >= int(turn or 1):
            os.kill(os.getpid(), signal.SIGKILL)
