"""Fit the seconds that actions take to a project's own lead times.

Non-negative least squares (Lawson and Hanson 1974) of the lead time on tokens and counts of actions, with an intercept
for each person; lead times above the 95th percentile count as that percentile, because they include breaks. The fit is
used from 50 timed reviews on, if it explains at least 0.3 of the variance; otherwise the defaults hold. An action that
nobody did keeps its default.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, CostModel, Effort

LEAST_REVIEWS = 50
LEAST_EXPLAINED = 0.3
_WINSORISED = 95
_COLUMNS = {
    "token": "tokens",
    "accept": "accepted",
    "add": "added",
    "remove": "removed",
    "relabel": "relabelled",
    "resize": "resized",
    "link": "linked",
    "unlink": "unlinked",
}


@dataclass(frozen=True, slots=True)
class TimedReview:
    """A review with its lead time in seconds."""

    person: str
    seconds: float
    effort: Effort


@dataclass(frozen=True, slots=True)
class CostFit:
    """The costs to use, and how well they explain the lead times: R², None if there were too few."""

    costs: CostModel
    reviews: int
    explained: float | None


def fit_costs(reviews: Sequence[TimedReview]) -> CostFit:
    """Fit the costs to timed reviews, or keep the defaults."""
    if len(reviews) < LEAST_REVIEWS:
        return CostFit(DEFAULT_COSTS, len(reviews), None)
    import numpy as np
    from scipy.optimize import nnls

    people = sorted({review.person for review in reviews})
    used = [name for name, field in _COLUMNS.items() if any(getattr(review.effort, field) for review in reviews)]
    rows = [
        [float(review.person == person) for person in people]
        + [float(getattr(review.effort, _COLUMNS[name])) for name in used]
        for review in reviews
    ]
    seconds = np.array([review.seconds for review in reviews], dtype=np.float64)
    seconds = np.minimum(seconds, np.percentile(seconds, _WINSORISED))
    table = np.array(rows, dtype=np.float64)
    found, _ = nnls(table, seconds)
    spread = float(((seconds - seconds.mean()) ** 2).sum())
    explained = 1 - float(((seconds - table @ found) ** 2).sum()) / spread if spread else 0.0
    if explained < LEAST_EXPLAINED:
        return CostFit(DEFAULT_COSTS, len(reviews), explained)
    shares = table[:, : len(people)].mean(axis=0)
    values = {name: float(value) for name, value in zip(used, found[len(people) :], strict=True)}
    values["open"] = float(shares @ found[: len(people)])
    source = f"fitted to {len(reviews)} timed reviews, R² {explained:.2f}"
    return CostFit(
        CostModel(**{f: values.get(f, getattr(DEFAULT_COSTS, f)) for f in ("open", *_COLUMNS)}, source=source),
        len(reviews),
        explained,
    )
