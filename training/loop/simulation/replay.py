"""Replay the annotation of a pool: rounds of reviews, training, the door, and what all of it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from typing import Any

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, NO_EFFORT, CostModel, Effort
from goldspan.annotation.types import Annotation
from goldspan.evaluation.people.effort import measure_effort
from goldspan.evaluation.scores.spans import SpanCounts, average_macro
from goldspan.evaluation.scores.strict import score_strict
from goldspan.training.loop.promotion import JudgedText, Promotion, decide_promotion
from goldspan.training.loop.simulation.learners import Learner, Reader
from goldspan.training.loop.simulation.orders import Chosen, PoolState, choose_randomly, find_order
from goldspan.training.loop.simulation.truth import NOTHING, SimulatedText, Truth

OWN = "own"
"""What the model in service suggests; it changes whenever a new one is promoted."""


@dataclass(frozen=True, slots=True)
class ReplaySettings:
    """`rounds` are the reviews in all after each round; the first one is random. `base` serves at first."""

    order: str
    base: str
    rounds: tuple[int, ...] = (20, 40, 60, 80, 100, 130, 160, 200)
    costs: CostModel = DEFAULT_COSTS


@dataclass(frozen=True, slots=True)
class Scores:
    """How well a model reads the test set, and what it takes to correct it: means over its texts."""

    f1: float
    macro_f1: float
    edits: float
    seconds: float
    untouched: float


@dataclass(frozen=True, slots=True)
class ReplayPoint:
    """The state after a round. `efforts`: all of the reviews so far, by what people were shown."""

    reviews: int
    tokens: int
    efforts: Mapping[str, Effort]
    candidate: Scores
    service: Scores
    promotion: Promotion

    def to_json(self, costs: CostModel) -> dict[str, Any]:
        """All figures by name."""
        return {
            "reviews": self.reviews,
            "tokens": self.tokens,
            "work": {
                name: {"edits": effort.edits, "seconds": round(costs.estimate(effort), 1)}
                for name, effort in self.efforts.items()
            },
            "candidate": _round(self.candidate),
            "service": _round(self.service),
            "promotion": self.promotion.to_json(),
        }


@dataclass(frozen=True, slots=True)
class Replay:
    """One order with one seed. `shown`: the scores of what can be shown without training."""

    seed: int
    order: str
    shown: Mapping[str, Scores]
    points: tuple[ReplayPoint, ...]


def replay(truth: Truth, learner: Learner, targets: Mapping[str, int], settings: ReplaySettings) -> Replay:
    """Review the pool in an order, retrain after each round, and promote what passes the door."""
    order, costs = find_order(settings.order), settings.costs
    waiting = {one.sample_id: one for one in truth.pool}
    everything = {"pool": truth.pool, "door": truth.door, "test": truth.test}
    service = {part: _suggest(texts, settings.base) for part, texts in everything.items()}
    newest = service
    reviewed: list[SimulatedText] = []
    efforts: dict[str, Effort] = {}
    points: list[ReplayPoint] = []
    for size in settings.rounds:
        state = PoolState(
            tuple(waiting.values()), newest["pool"], service["pool"], targets, tuple(reviewed), truth.seed
        )
        batch = (order if reviewed else choose_randomly)(state, size - len(reviewed))
        if not batch:
            break
        for name, effort in _measure_batch(batch, service["pool"]).items():
            efforts[name] = efforts.get(name, NO_EFFORT) + effort
        for chosen in batch:
            reviewed.append(waiting.pop(chosen.text.sample_id))
        reader = learner.fit(reviewed, tuple(waiting.values()))
        parts = {"pool": tuple(waiting.values()), "door": truth.door, "test": truth.test}
        promotion = _judge(truth.door, service["door"], _read(reader, truth.door), costs)
        if promotion.falling:
            second = _judge(truth.door, service["door"], _read(reader, truth.door, promotion.falling), costs)
            promotion = replace(second, kept=promotion.falling) if second.promoted else promotion
        newest = {part: _read(reader, texts, promotion.kept) for part, texts in parts.items()}
        if promotion.promoted:
            service = newest
        points.append(
            ReplayPoint(
                len(reviewed),
                sum(one.tokens for one in reviewed),
                dict(efforts),
                score(truth.test, newest["test"], costs),
                score(truth.test, service["test"], costs),
                promotion,
            )
        )
    names = truth.test[0].suggestions if truth.test else ()
    shown = {name: score(truth.test, _suggest(truth.test, name), costs) for name in names}
    return Replay(truth.seed, settings.order, shown, tuple(points))


def score(texts: Sequence[SimulatedText], said: Mapping[str, Annotation], costs: CostModel) -> Scores:
    """Score annotations of texts against their gold."""
    found = [said[one.sample_id] for one in texts]
    by_label = score_strict([one.gold.entities for one in texts], [one.entities for one in found])
    efforts = [_correct(one, annotation) for one, annotation in zip(texts, found, strict=True)]
    count = max(len(texts), 1)
    return Scores(
        reduce(add, by_label.values(), SpanCounts()).measure_f() or 0.0,
        average_macro(by_label).f1 or 0.0,
        sum(effort.edits for effort in efforts) / count,
        sum(costs.estimate(effort) for effort in efforts) / count,
        sum(effort.edits == 0 for effort in efforts) / count,
    )


def _correct(one: SimulatedText, shown: Annotation) -> Effort:
    """The effort on entities; mentions are left out, because none of what is compared gives them."""
    gold = Annotation(one.gold.author, one.gold.entities)
    return measure_effort(one.text, Annotation(shown.author, shown.entities), gold)


def _measure_batch(batch: Sequence[Chosen], service: Mapping[str, Annotation]) -> dict[str, Effort]:
    names = (*batch[0].text.suggestions, OWN)
    efforts = dict.fromkeys(names, NO_EFFORT)
    for chosen in batch:
        one = chosen.text
        for name in names:
            shown = service[one.sample_id] if name == OWN else one.suggestions[name]
            efforts[name] += _correct(one, one.suggestions[NOTHING] if chosen.control else shown)
    return efforts


def _judge(
    door: Sequence[SimulatedText], old: Mapping[str, Annotation], new: Mapping[str, Annotation], costs: CostModel
) -> Promotion:
    texts = [
        JudgedText(
            one.text,
            Annotation(one.gold.author, one.gold.entities),
            Annotation(old[one.sample_id].author, old[one.sample_id].entities),
            Annotation(new[one.sample_id].author, new[one.sample_id].entities),
        )
        for one in door
    ]
    return decide_promotion(texts, costs=costs, least=len(texts))


def _read(reader: Reader, texts: Sequence[SimulatedText], keep: tuple[str, ...] = ()) -> dict[str, Annotation]:
    return {one.sample_id: said for one, said in zip(texts, reader(texts, keep), strict=True)}


def _suggest(texts: Sequence[SimulatedText], name: str) -> dict[str, Annotation]:
    return {one.sample_id: one.suggestions[name] for one in texts}


def _round(scores: Scores) -> dict[str, float]:
    return {name: round(getattr(scores, name), 4) for name in scores.__dataclass_fields__}
