"""What replays say together: work until a target F1, with intervals over seeds and paired differences against random.

Between two rounds samples, tokens, edits and seconds are interpolated linearly. An interval over seeds is Student's t
with 95 %; with one seed there is none. An order is said to help only if the interval of its difference lies below 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.corpus.effort import CostModel
from goldspan.evaluation.scores.intervals import Interval
from goldspan.training.loop.simulation.replay import OWN, Replay, ReplayPoint, Scores

UNITS = ("samples", "tokens", "edits", "seconds")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over seeds with its 95 % interval and range; `reached` of `seeds` have a value."""

    mean: float | None
    interval: Interval | None
    least: float | None
    most: float | None
    reached: int
    seeds: int

    def to_json(self) -> dict[str, Any]:
        """All figures by name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class OrderSummary:
    """One order: work until the target when people see the model in service, and relative to random order.

    `missed` seeds reached the target in random order only. `worse_promotions` lowered the F1 of what was in service on
    the test set, by `worst_drop` at most.
    """

    order: str
    until: Mapping[str, Estimate]
    change: Mapping[str, Estimate]
    missed: int
    final_f1: Estimate
    promotions: Estimate
    worse_promotions: int
    worst_drop: float

    @property
    def helps(self) -> bool | None:
        """True if it takes fewer seconds than random order beyond chance; None for random order itself."""
        if not self.change:
            return None
        interval = self.change["seconds"].interval
        return not self.missed and interval is not None and interval[1] < 0


@dataclass(frozen=True, slots=True)
class SuggestionSummary:
    """What people are shown: its scores on the test set, and the work until the target in random order."""

    name: str
    f1: Estimate
    edits: Estimate
    seconds: Estimate
    untouched: Estimate
    fewer_edits: Estimate
    until: Mapping[str, Estimate]


def estimate(values: Sequence[float | None], least: float = -math.inf, most: float = math.inf) -> Estimate:
    """Estimate a mean; None stands for a target that was not reached. The interval stays within what is possible."""
    known = [value for value in values if value is not None]
    if not known:
        return Estimate(None, None, None, None, 0, len(values))
    mean = sum(known) / len(known)
    interval = None
    if len(known) > 1:
        from scipy.special import stdtrit

        spread = math.sqrt(sum((value - mean) ** 2 for value in known) / (len(known) - 1))
        half = float(stdtrit(len(known) - 1, 0.975)) * spread / math.sqrt(len(known))
        interval = (max(least, mean - half), min(most, mean + half))
    return Estimate(mean, interval, min(known), max(known), len(known), len(values))


def find_target(points: Sequence[ReplayPoint], target: float, shown: str, costs: CostModel) -> dict[str, float] | None:
    """Samples, tokens, edits and seconds until the trained model first has the target F1; None if it never has."""
    before: ReplayPoint | None = None
    for point in points:
        if point.candidate.f1 >= target:
            here = _list_work(point, shown, costs)
            if before is None:
                return here
            share = (target - before.candidate.f1) / (point.candidate.f1 - before.candidate.f1)
            there = _list_work(before, shown, costs)
            return {unit: there[unit] + share * (here[unit] - there[unit]) for unit in UNITS}
        before = point
    return None


def summarise_orders(replays: Sequence[Replay], base: str, target: float, costs: CostModel) -> list[OrderSummary]:
    """One summary for each order; `base` served at first."""
    by_order: dict[str, dict[int, Replay]] = {}
    for one in replays:
        by_order.setdefault(one.order, {})[one.seed] = one
    plain = {seed: find_target(one.points, target, OWN, costs) for seed, one in by_order.get("random", {}).items()}
    return [_summarise_order(order, by_order[order], plain, base, target, costs) for order in by_order]


def summarise_curves(replays: Sequence[Replay], costs: CostModel) -> list[dict[str, Any]]:
    """A point for each order and number of reviews: means over the seeds, with the 95 % interval of F1 and edits.

    `hours` are estimated, `f1` is that of the newest model, `edits` those a sample with the model in service.
    """
    points: dict[tuple[str, int], list[ReplayPoint]] = {}
    for one in replays:
        for point in one.points:
            points.setdefault((one.order, point.reviews), []).append(point)
    rows = []
    orders = list_orders(replays)
    for order, reviews in sorted(points, key=lambda place: (orders.index(place[0]), place[1])):
        found = points[order, reviews]
        hours = estimate([costs.estimate(point.efforts[OWN]) / 3600 for point in found])
        row: dict[str, Any] = {"order": order, "reviews": reviews, "seeds": len(found), "hours": hours.mean}
        f1 = estimate([point.candidate.f1 for point in found], 0, 1)
        edits = estimate([point.service.edits for point in found], 0)
        for name, over_seeds in (("f1", f1), ("edits", edits)):
            low, high = over_seeds.interval or (over_seeds.mean, over_seeds.mean)
            row |= {name: over_seeds.mean, f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return rows


def _summarise_order(
    order: str,
    found: Mapping[int, Replay],
    plain: Mapping[int, Mapping[str, float] | None],
    base: str,
    target: float,
    costs: CostModel,
) -> OrderSummary:
    work = {seed: find_target(one.points, target, OWN, costs) for seed, one in found.items()}
    until = {unit: estimate([found[unit] if found else None for found in work.values()]) for unit in UNITS}
    change: dict[str, Estimate] = {}
    if order != "random" and plain:
        for unit in UNITS:
            change[unit] = estimate([_compare(work[seed], plain.get(seed), unit) for seed in work], -1)
    drops = list(_find_drops(found.values(), base))
    return OrderSummary(
        order,
        until,
        change,
        sum(reached is not None and not work.get(seed) for seed, reached in plain.items()),
        estimate([one.points[-1].candidate.f1 for one in found.values() if one.points]),
        estimate([sum(point.promotion.promoted for point in one.points) for one in found.values()]),
        len(drops),
        max(drops, default=0.0),
    )


def _compare(mine: Mapping[str, float] | None, plain: Mapping[str, float] | None, unit: str) -> float | None:
    return mine[unit] / plain[unit] - 1 if mine and plain and plain[unit] else None


def _find_drops(replays: Iterable[Replay], base: str) -> Iterator[float]:
    """How much F1 on the test set fell with each promotion that lowered it; before the first one `base` served."""
    for one in replays:
        served = one.shown[base].f1
        for point in one.points:
            if point.promotion.promoted and point.service.f1 < served:
                yield served - point.service.f1
            served = point.service.f1


def summarise_suggestions(
    replays: Sequence[Replay], base: str, target: float, costs: CostModel
) -> list[SuggestionSummary]:
    """What people may be shown, beside each other: what needs no training, and the own model after each round.

    From random order, or the first order where there is none. `fewer_edits` is against `base`, on the test set.
    """
    plain = [one for one in replays if one.order == choose_order(replays)]
    rows = []
    for name in plain[0].shown:
        until = _measure_until(plain, name, target, costs)
        rows.append(_summarise(name, [one.shown[name] for one in plain], [one.shown[base] for one in plain], until))
    rounds = sorted(set.intersection(*({point.reviews for point in one.points} for one in plain)))
    for reviews in rounds:
        found = [point.service for one in plain for point in one.points if point.reviews == reviews]
        name = f"{OWN}, after {reviews} reviews"
        until = _measure_until(plain, OWN, target, costs) if reviews == rounds[-1] else {}
        rows.append(_summarise(name, found, [one.shown[base] for one in plain], until))
    return rows


def choose_order(replays: Sequence[Replay]) -> str:
    """The order that suggestions are compared in: random, or the first one."""
    orders = list_orders(replays)
    return "random" if "random" in orders else orders[0]


def list_orders(replays: Iterable[Replay]) -> list[str]:
    """The orders that were replayed, in their order."""
    return list(dict.fromkeys(one.order for one in replays))


def _measure_until(replays: Sequence[Replay], name: str, target: float, costs: CostModel) -> dict[str, Estimate]:
    work = [find_target(one.points, target, name, costs) for one in replays]
    return {unit: estimate([found[unit] if found else None for found in work]) for unit in UNITS}


def _summarise(
    name: str, scores: Sequence[Scores], base: Sequence[Scores], until: Mapping[str, Estimate]
) -> SuggestionSummary:
    fewer = [1 - one.edits / other.edits if other.edits else None for one, other in zip(scores, base, strict=True)]
    return SuggestionSummary(
        name,
        estimate([one.f1 for one in scores]),
        estimate([one.edits for one in scores]),
        estimate([one.seconds for one in scores]),
        estimate([one.untouched for one in scores]),
        estimate(fewer, most=1),
        until,
    )


def _list_work(point: ReplayPoint, shown: str, costs: CostModel) -> dict[str, float]:
    effort = point.efforts[shown]
    return {
        "samples": float(point.reviews),
        "tokens": float(point.tokens),
        "edits": float(effort.edits),
        "seconds": costs.estimate(effort),
    }
