"""May a new model replace the one in service? A paired test on samples that neither was trained on.

Promoted if, on at least `least` human-reviewed samples:

    strict F1, new - old     mean above 0, lower bound of the 95 % interval above -0.01
    recall of each label     with 20 or more examples falls by at most 0.05
    estimated seconds        to correct its pre-annotations fall

A candidate that can keep the base's entities of chosen labels (a CRF) may be tried a second time with the labels whose
recall falls too much: it is promoted for the others, if it passes the same test.

The bounds are those of a non-inferiority test: a model that is right more often by chance may pass, one that is worse
by more than a point may not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, CostModel
from goldspan.annotation.types import Annotation
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.people.effort import measure_effort
from goldspan.evaluation.scores.paired import Delta, compare_paired
from goldspan.evaluation.scores.spans import Scheme, count_matches

LEAST_DOCUMENTS = 100
NON_INFERIORITY = -0.01
LEAST_EXAMPLES, MOST_RECALL_LOST = 20, 0.05


@dataclass(frozen=True, slots=True)
class JudgedText:
    """A text with its gold, and what the model in service and the candidate say of it."""

    text: str
    gold: Annotation
    incumbent: Annotation
    candidate: Annotation


@dataclass(frozen=True, slots=True)
class Promotion:
    """The verdict. `reasons` say why not; empty if promoted. Seconds are estimates for one sample.

    `falling` are the labels whose recall falls too much; `kept` those whose entities stay the base's.
    """

    promoted: bool
    reasons: tuple[str, ...]
    documents: int
    incumbent_f1: float | None
    candidate_f1: float | None
    delta: Delta
    incumbent_seconds: float
    candidate_seconds: float
    incumbent_edits: float
    candidate_edits: float
    falling: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All figures; no text."""
        document = {name: getattr(self, name) for name in self.__dataclass_fields__}
        delta = {name: getattr(self.delta, name) for name in ("delta", "low", "high", "p_value")}
        lists = {name: list(document[name]) for name in ("reasons", "falling", "kept")}
        return document | lists | {"delta": delta}


def decide_promotion(
    texts: Sequence[JudgedText], *, costs: CostModel = DEFAULT_COSTS, least: int = LEAST_DOCUMENTS, seed: int = 0
) -> Promotion:
    """Decide whether the candidate replaces the model in service.

    Args:
        texts: samples that neither model was trained on, drawn at random and reviewed by people.
        costs: seconds for each action.
        least: samples below which nothing is promoted.
        seed: of the randomisation test.
    """
    count = max(len(texts), 1)
    old, new = (_tabulate(texts, side) for side in ("incumbent", "candidate"))
    delta = compare_paired(old, new, seed=seed) if texts else Delta(None, None, None, None)
    efforts = {
        side: [measure_effort(one.text, getattr(one, side), one.gold) for one in texts]
        for side in ("incumbent", "candidate")
    }
    seconds = {side: sum(costs.estimate(one) for one in found) / count for side, found in efforts.items()}
    edits = {side: sum(one.edits for one in found) / count for side, found in efforts.items()}
    falling = _check_recall(texts)
    reasons = _check_size(len(texts), least)
    if texts:
        reasons += [*_check_f1(delta), *falling.values(), *_check_seconds(seconds["incumbent"], seconds["candidate"])]
    return Promotion(
        not reasons,
        tuple(reasons),
        len(texts),
        _divide(old),
        _divide(new),
        delta,
        seconds["incumbent"],
        seconds["candidate"],
        edits["incumbent"],
        edits["candidate"],
        tuple(falling),
    )


def _tabulate(texts: Sequence[JudgedText], side: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numerator and denominator of F1 for each text: 2 · correct, gold + predicted."""
    table = np.zeros((len(texts), 2))
    for place, one in enumerate(texts):
        counts = count_matches(match_spans(one.gold.entities, getattr(one, side).entities), Scheme.STRICT)
        table[place] = 2 * counts.found, counts.gold + counts.predicted
    return table


def _divide(table: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    part, whole = table.sum(axis=0)
    return float(part / whole) if whole else None


def _check_size(found: int, least: int) -> list[str]:
    if found >= least:
        return []
    return [f"{found} random reviewed samples to test on, at least {least} are needed"]


def _check_f1(delta: Delta) -> list[str]:
    if delta.delta is None or delta.low is None or delta.high is None:
        return ["strict F1 cannot be compared: neither gold nor the models have an entity"]
    shown = f"strict F1 changes by {delta.delta:+.3f} [{delta.low:+.3f}, {delta.high:+.3f}]"
    if delta.delta <= 0:
        return [f"{shown}; it has to rise"]
    if delta.low <= NON_INFERIORITY:
        return [f"{shown}; the lower bound has to be above {NON_INFERIORITY}"]
    return []


def _check_recall(texts: Sequence[JudgedText]) -> dict[str, str]:
    """The labels whose recall falls too much, each with the reason."""
    gold: Counter[str] = Counter()
    found: dict[str, Counter[str]] = {"incumbent": Counter(), "candidate": Counter()}
    for one in texts:
        gold.update(entity.label for entity in one.gold.entities)
        for side, counter in found.items():
            said = Counter(entity.span for entity in getattr(one, side).entities)
            wanted = Counter(entity.span for entity in one.gold.entities)
            for span, number in (said & wanted).items():
                counter[span.label] += number
    lost = {
        label: (found["incumbent"][label] - found["candidate"][label]) / number
        for label, number in gold.items()
        if number >= LEAST_EXAMPLES
    }
    return {
        label: f"recall of {label} falls by {share:.2f} ({gold[label]} examples), at most {MOST_RECALL_LOST} is allowed"
        for label, share in sorted(lost.items())
        if share > MOST_RECALL_LOST
    }


def _check_seconds(old: float, new: float) -> list[str]:
    if new < old:
        return []
    return [f"the estimated work on a sample goes from {old:.1f} to {new:.1f} seconds; it has to fall"]
