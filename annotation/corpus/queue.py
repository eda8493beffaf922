"""Which samples people should label next: a ranked batch, and a random reserve from which alone progress is reported.

A sample's priority is the weighted mean of three ranks within the pool, each 0 to 1 (terms without evidence drop out):

    uncertainty   of the last prediction, per token, ranked within its model version          weight 0.5
    gap           mean over its predicted entities of target / (reviewed entities + 1)        weight 0.3
    disagreement  of two models, as spans that only one has per 100 tokens, else its issues   weight 0.2

The best of four times the batch are dealt out in turn over language and document type, one of each group of texts that
differ in their entities only. A fixed random fifth of all samples is the reserve: it never competes by priority and
fills a fifth of every batch, in random order, so that what people do on it is unbiased.

Ranks instead of raw scores, because scores of two models cannot be compared.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, Effort
from goldspan.annotation.corpus.uncertainty import count_tokens, measure_uncertainty
from goldspan.annotation.identity import digest, make_sample_id, make_skeleton
from goldspan.annotation.types import Annotation, Sample, Status

RESERVE_SHARE = 0.2
WEIGHTS = {"uncertainty": 0.5, "gap": 0.3, "disagreement": 0.2}
_POOL_FACTOR = 4
_HIGH = 0.8
"""Rank from which a term is named as a reason."""

_SHORTEST = 5
"""Tokens below which a text comes last: there is little to learn from it."""


@dataclass(frozen=True, slots=True)
class QueueCandidate:
    """An unreviewed sample. `group` is equal for texts that differ in their entities only; None: not known."""

    sample_id: str
    language: str
    document_type: str
    model_version: str
    tokens: int
    labels: tuple[str, ...]
    uncertainty: float | None
    disagreement: float | None
    issues: int
    group: Hashable
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """A sample to label next. `control`: to be shown without its predictions. `seconds` is an estimate."""

    sample_id: str
    language: str
    document_type: str
    reserve: bool
    control: bool
    priority: float | None
    seconds: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelQueue:
    """A batch of entries in the order to label them, the size of the pool, and what had no evidence."""

    entries: tuple[QueueEntry, ...]
    waiting: int
    notes: tuple[str, ...]


def make_candidate(sample: Sample, issues: int) -> QueueCandidate:
    """Describe a sample for the queue by its last prediction, which has that many issues."""
    predictions = sample.predictions
    last = predictions[-1] if predictions else None
    others = [one for one in predictions if last and one.author != last.author]
    tokens = count_tokens(sample.text)
    return QueueCandidate(
        sample.sample_id or make_sample_id(sample.text, sample.language),
        sample.language,
        sample.document_type,
        last.author.name if last else "",
        tokens,
        tuple(entity.label for entity in last.entities) if last else (),
        measure_uncertainty(last, tokens) if last else None,
        measure_disagreement(others[-1], last, tokens) if last and others else None,
        issues,
        hash_skeleton(sample.text, last),
        any(one.status is Status.CANCELLED for one in sample.annotations),
    )


def hash_skeleton(text: str, annotation: Annotation | None) -> int:
    """Hash the text with its entities replaced by their labels, to 64 bits."""
    skeleton = make_skeleton(text, annotation.entities if annotation else ())
    return int.from_bytes(hashlib.blake2b(skeleton.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def measure_disagreement(first: Annotation, second: Annotation, tokens: int) -> float:
    """Count the spans that only one of two annotations has, per 100 tokens."""
    return 100 * len({entity.span for entity in first.entities} ^ {entity.span for entity in second.entities}) / tokens


def draw_order(sample_id: str, purpose: str, seed: int) -> float:
    """Draw a number in [0, 1) for a sample: always the same one for a purpose and seed."""
    return int(digest([purpose, seed, sample_id], 13), 16) / 16**13


def is_reserved(sample_id: str, seed: int = 0) -> bool:
    """Return whether a sample belongs to the random reserve."""
    return draw_order(sample_id, "queue reserve", seed) < RESERVE_SHARE


def build_queue(
    candidates: Iterable[QueueCandidate],
    targets: Mapping[str, int],
    reviewed: Mapping[str, int],
    *,
    size: int = 20,
    seed: int = 0,
) -> LabelQueue:
    """Choose the samples to label next.

    Args:
        candidates: all unreviewed samples.
        targets: wanted entities by label.
        reviewed: entities in reviews by label.
        size: entries of the batch, a fifth of them from the random reserve.
        seed: decides the reserve; keep it for the whole project.

    """
    pool = list(candidates)
    reserve = sorted(
        (one for one in pool if is_reserved(one.sample_id, seed)),
        key=lambda one: draw_order(one.sample_id, "queue reserve", seed),
    )
    ranked = [one for one in pool if not is_reserved(one.sample_id, seed)]
    terms, notes = _rank_terms(ranked, targets, reviewed)
    priorities = [_combine(terms, at) for at in range(len(ranked))]
    order = sorted(
        range(len(ranked)),
        key=lambda at: (-(priorities[at] or 0.0), draw_order(ranked[at].sample_id, "queue ties", seed)),
    )
    kept = min(len(reserve), max(round(RESERVE_SHARE * size), size - len(ranked)))
    chosen = _deal(order, ranked, size - kept)
    entries = [_make_entry(ranked[at], priorities[at], terms, at, targets, reviewed) for at in chosen]
    drawn = [_make_reserve_entry(one, seed) for one in reserve[:kept]]
    return LabelQueue(tuple(_spread(entries, drawn)), len(pool), tuple(notes))


def _spread(entries: Sequence[QueueEntry], drawn: Sequence[QueueEntry]) -> list[QueueEntry]:
    """The drawn entries at even distances among the others: a batch that is not finished has its share of them."""
    places = [((number + 1) / len(entries), 0, entry) for number, entry in enumerate(entries)]
    places += [((number + 1) / len(drawn), 1, entry) for number, entry in enumerate(drawn)]
    return [entry for _, _, entry in sorted(places, key=lambda place: place[:2])]


def queue_disagreements(candidates: Iterable[QueueCandidate], *, size: int = 20) -> LabelQueue:
    """Choose the samples on which two models disagree most, per 100 tokens."""
    pool = list(candidates)
    apart = sorted((one for one in pool if one.disagreement), key=lambda one: (-(one.disagreement or 0), one.sample_id))
    entries = [
        QueueEntry(
            one.sample_id,
            one.language,
            one.document_type,
            False,
            False,
            one.disagreement,
            _estimate_seconds(one, control=False),
            (f"two models disagree on {round((one.disagreement or 0.0) * one.tokens / 100)} spans",),
        )
        for one in apart[:size]
    ]
    notes = () if apart else ("This order has no evidence: no sample has predictions of two models that differ.",)
    return LabelQueue(tuple(entries), len(pool), notes)


def _rank_terms(
    pool: Sequence[QueueCandidate], targets: Mapping[str, int], reviewed: Mapping[str, int]
) -> tuple[dict[str, list[float | None]], list[str]]:
    gaps = [_measure_gap(one.labels, targets, reviewed) for one in pool]
    terms = {
        "uncertainty": _rank([one.uncertainty for one in pool], [one.model_version for one in pool]),
        "gap": _rank(gaps),
        "disagreement": _rank(_measure_conflicts(pool)),
    }
    missing = {
        "uncertainty": "Uncertainty is not used: the predictions have no scores, or all the same one.",
        "gap": "Gaps are not used: no predicted label is further from its target than another.",
        "disagreement": "Disagreement is not used: no sample has predictions of two models, or an issue.",
    }
    notes = [missing[name] for name, ranks in terms.items() if pool and not any(rank is not None for rank in ranks)]
    return terms, notes


def _measure_gap(labels: Sequence[str], targets: Mapping[str, int], reviewed: Mapping[str, int]) -> float:
    needs = [targets.get(label, 0) / (reviewed.get(label, 0) + 1) for label in labels]
    return sum(needs) / len(needs) if needs else 0.0


def _measure_conflicts(pool: Sequence[QueueCandidate]) -> list[float]:
    if any(one.disagreement for one in pool):
        return [one.disagreement or 0.0 for one in pool]
    return [100 * one.issues / one.tokens for one in pool]


def _rank(values: Sequence[float | None], groups: Sequence[str] = ()) -> list[float | None]:
    """Rank values from 0 to 1 within their group, ties by their middle; None where all of a group are equal."""
    members: defaultdict[str, list[int]] = defaultdict(list)
    for at, value in enumerate(values):
        if value is not None:
            members[groups[at] if groups else ""].append(at)
    ranks: list[float | None] = [None] * len(values)
    for positions in members.values():
        ordered = sorted(values[at] or 0.0 for at in positions)
        if ordered[0] == ordered[-1]:
            continue
        for at in positions:
            value = values[at] or 0.0
            ranks[at] = (bisect_left(ordered, value) + bisect_right(ordered, value) - 1) / 2 / (len(ordered) - 1)
    return ranks


def _combine(terms: Mapping[str, Sequence[float | None]], at: int) -> float | None:
    known = [(WEIGHTS[name], rank) for name, ranks in terms.items() if (rank := ranks[at]) is not None]
    weight = sum(weight for weight, _ in known)
    return sum(weight * rank for weight, rank in known) / weight if weight else None


def _deal(order: Sequence[int], pool: Sequence[QueueCandidate], size: int) -> list[int]:
    """Choose in turn over language and document type, one of a group, and last what was skipped or is too short."""
    fresh = [at for at in order if not _comes_last(pool[at])]
    first, repeated = _take_distinct(fresh, pool, size)
    chosen = _take_in_turn(first, pool, size)
    chosen = sorted(chosen, key={at: number for number, at in enumerate(order)}.__getitem__)
    chosen += repeated[: size - len(chosen)]
    return chosen + [at for at in order if _comes_last(pool[at])][: size - len(chosen)]


def _comes_last(one: QueueCandidate) -> bool:
    return one.skipped or one.tokens < _SHORTEST


def _take_distinct(order: Iterable[int], pool: Sequence[QueueCandidate], size: int) -> tuple[list[int], list[int]]:
    """Take the best of each group until there are enough to choose from; the others that were met are the second."""
    first: list[int] = []
    repeated: list[int] = []
    seen: set[Hashable] = set()
    for at in order:
        group = pool[at].group
        if group is not None and group in seen:
            repeated.append(at)
            continue
        seen.add(group)
        first.append(at)
        if len(first) >= _POOL_FACTOR * size:
            break
    return first, repeated


def _take_in_turn(order: Iterable[int], pool: Sequence[QueueCandidate], size: int) -> list[int]:
    strata: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for at in order:
        strata[pool[at].language, pool[at].document_type].append(at)
    queues = [list(reversed(positions)) for positions in strata.values()]
    chosen: list[int] = []
    while queues and len(chosen) < size:
        chosen += [queue.pop() for queue in queues[: size - len(chosen)]]
        queues = [queue for queue in queues if queue]
    return chosen


def _make_entry(
    one: QueueCandidate,
    priority: float | None,
    terms: Mapping[str, Sequence[float | None]],
    at: int,
    targets: Mapping[str, int],
    reviewed: Mapping[str, int],
) -> QueueEntry:
    lacking = [label for label in dict.fromkeys(one.labels) if reviewed.get(label, 0) < targets.get(label, 0)]
    lacking.sort(key=lambda label: -targets[label] / (reviewed.get(label, 0) + 1))
    phrases: dict[str, Callable[[], str]] = {
        "uncertainty": lambda: "the model is unsure",
        "gap": lambda: f"labels below target: {', '.join(lacking[:3])}" if lacking else "",
        "disagreement": lambda: "two models disagree" if one.disagreement else "the checks found issues",
    }
    reasons = [phrases[name]() for name, ranks in terms.items() if (ranks[at] or 0.0) >= _HIGH]
    if one.skipped:
        reasons.append("was skipped before")
    return QueueEntry(
        one.sample_id,
        one.language,
        one.document_type,
        False,
        False,
        priority,
        _estimate_seconds(one, control=False),
        tuple(reason for reason in reasons if reason) or ("next by priority",),
    )


def _make_reserve_entry(one: QueueCandidate, seed: int) -> QueueEntry:
    control = draw_order(one.sample_id, "queue control", seed) < 0.5
    reason = "random reserve, without pre-annotation" if control else "random reserve"
    seconds = _estimate_seconds(one, control=control)
    return QueueEntry(one.sample_id, one.language, one.document_type, True, control, None, seconds, (reason,))


def _estimate_seconds(one: QueueCandidate, *, control: bool) -> float:
    """Without predictions every entity has to be added, with them as many as the model is expected to get wrong."""
    entities = len(one.labels)
    wrong = min(entities, round((one.uncertainty or 0.0) * one.tokens / 100))
    added = entities if control else wrong
    return DEFAULT_COSTS.estimate(Effort(1, one.tokens, accepted=entities - added, added=added))
