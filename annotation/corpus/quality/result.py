"""What one quality check says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check. `score` lies between 0 and 1, and 1 is best; `flag` marks a result that needs attention.

    `summary` is one sentence in plain words, `info` the figures behind it. Neither quotes a text.
    """

    code: str
    group: str
    score: float
    flag: bool
    summary: str
    info: Mapping[str, Any] = field(default_factory=dict)


def rate_result(
    code: str, group: str, bad: int, total: int, limit: float, what: str, info: Mapping[str, Any] | None = None
) -> CheckResult:
    """A check that counts bad cases: the score is the share of good ones, the flag is up above `limit`."""
    rate = bad / total if total else 0.0
    summary = f"{bad} of {total} {what} ({rate:.1%}; {limit:.0%} is the limit)."
    return CheckResult(code, group, 1 - rate, rate > limit, summary, {"bad": bad, "total": total, **(info or {})})
