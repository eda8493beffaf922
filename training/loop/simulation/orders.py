"""Orders in which simulated people review the pool."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from goldspan.annotation.corpus.queue import (
    QueueCandidate,
    build_queue,
    draw_order,
    hash_skeleton,
    measure_disagreement,
)
from goldspan.annotation.corpus.uncertainty import measure_uncertainty
from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.types import Annotation
from goldspan.training.loop.simulation.truth import SimulatedText


@dataclass(frozen=True, slots=True)
class PoolState:
    """What an order may look at: texts that wait, what the newest model and the one in service say, and the counts."""

    waiting: Sequence[SimulatedText]
    newest: Mapping[str, Annotation]
    service: Mapping[str, Annotation]
    targets: Mapping[str, int]
    reviewed: Sequence[SimulatedText]
    seed: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """A text to review. `control`: without its pre-annotation."""

    text: SimulatedText
    control: bool = False


Order = Callable[[PoolState, int], list[Chosen]]


def choose_randomly(state: PoolState, size: int) -> list[Chosen]:
    """Take texts in random order: always the same one for a seed."""
    ordered = sorted(state.waiting, key=lambda one: draw_order(one.sample_id, "simulated order", state.seed))
    return [Chosen(one) for one in ordered[:size]]


def choose_uncertain(state: PoolState, size: int) -> list[Chosen]:
    """Take the texts that the newest model is least sure of, per token."""
    doubts = {
        one.sample_id: measure_uncertainty(state.newest[one.sample_id], one.tokens) or 0.0 for one in state.waiting
    }
    ordered = sorted(
        state.waiting,
        key=lambda one: (-doubts[one.sample_id], draw_order(one.sample_id, "simulated order", state.seed)),
    )
    return [Chosen(one) for one in ordered[:size]]


def choose_by_queue(state: PoolState, size: int) -> list[Chosen]:
    """Take what `goldspan queue` takes, with its random reserve."""
    by_id = {one.sample_id: one for one in state.waiting}
    candidates = [_describe(one, state) for one in state.waiting]
    counts = Counter(entity.label for one in state.reviewed for entity in one.gold.entities)
    queue = build_queue(candidates, state.targets, counts, size=size, seed=state.seed)
    return [Chosen(by_id[entry.sample_id], entry.control) for entry in queue.entries]


ORDERS: Mapping[str, Order] = {
    "random": choose_randomly,
    "uncertainty": choose_uncertain,
    "queue": choose_by_queue,
}


def find_order(name: str) -> Order:
    """An order by name.

    Raises:
        UnknownNameError: there is none of that name.
    """
    if name not in ORDERS:
        raise UnknownNameError("order", name, ORDERS)
    return ORDERS[name]


def _describe(one: SimulatedText, state: PoolState) -> QueueCandidate:
    newest, service = state.newest[one.sample_id], state.service[one.sample_id]
    return QueueCandidate(
        one.sample_id,
        one.language,
        one.document_type,
        "simulated",
        one.tokens,
        tuple(entity.label for entity in newest.entities),
        measure_uncertainty(newest, one.tokens),
        measure_disagreement(service, newest, one.tokens),
        hash_skeleton(one.text, newest),
    )
