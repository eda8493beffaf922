"""Which samples people should label next: a ranked batch, and a random reserve from which alone progress is reported.

The samples that the last prediction is least sure of come first: mean uncertainty per token, as a rank within its model
version, because scores of two models cannot be compared. Where predictions have no score, those with labels furthest
from their target come first: mean over the predicted entities of target / (reviewed entities + 1).

Of texts that differ in their entities only, one is taken before any is repeated. A fixed random fifth of all samples is
the reserve: it never competes by priority and fills a fifth of every batch, in random order, so that what people do on
it is unbiased.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from goldspan.annotation.corpus.effort import DEFAULT_COSTS, Effort
from goldspan.annotation.corpus.uncertainty import count_tokens, measure_uncertainty
from goldspan.annotation.identity import digest, identify_sample, make_skeleton
from goldspan.annotation.types import Annotation, Sample, Status

RESERVE_SHARE = 0.2

_UNSURE = 0.5
"""Rank from which the model is said to be unsure."""

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


def make_candidate(sample: Sample) -> QueueCandidate:
    """Describe a sample for the queue by its last prediction."""
    predictions = sample.predictions
    last = predictions[-1] if predictions else None
    others = [one for one in predictions if last and one.author != last.author]
    tokens = count_tokens(sample.text)
    return QueueCandidate(
        identify_sample(sample),
        sample.language,
        sample.document_type,
        last.author.name if last else "",
        tokens,
        tuple(entity.label for entity in last.entities) if last else (),
        measure_uncertainty(last, tokens) if last else None,
        measure_disagreement(others[-1], last, tokens) if last and others else None,
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
    """Choose the samples to label next, the least certain ones first.

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
    ranks, unsure, notes = _rank(ranked, targets, reviewed)
    kept = min(len(reserve), max(round(RESERVE_SHARE * size), size - len(ranked)))
    order = sorted(
        ranked,
        key=lambda one: (_comes_last(one), -ranks.get(one.sample_id, -1.0), draw_order(one.sample_id, "queue", seed)),
    )
    lacking = {label: target for label, target in targets.items() if reviewed.get(label, 0) < target}
    entries = [
        _make_entry(one, ranks.get(one.sample_id), lacking, by_uncertainty=unsure)
        for one in _take_distinct(order, size - kept)
    ]
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


def _rank(
    pool: Sequence[QueueCandidate], targets: Mapping[str, int], reviewed: Mapping[str, int]
) -> tuple[dict[str, float], bool, list[str]]:
    """Ranks from 0 to 1 by sample id, whether they are by uncertainty (else by gap), and what had no evidence."""
    ranks = _rank_within(pool, lambda one: one.uncertainty)
    if ranks or not pool:
        unknown = sum(one.uncertainty is None for one in pool)
        return ranks, True, [f"Without a scored prediction, and therefore last: {unknown}."] if unknown else []
    predicted = any(one.model_version for one in pool)
    notes = [
        "Uncertainty is not used: the predictions have no scores, or all the same one."
        if predicted
        else "Uncertainty is not used: no sample has a prediction. `goldspan annotate` adds them."
    ]
    ranks = _rank_within(pool, lambda one: _measure_gap(one.labels, targets, reviewed))
    if not ranks:
        notes.append(
            "Gaps are not used: no predicted label is further from its target than another. The order is random."
        )
    return ranks, False, notes


def _rank_within(pool: Sequence[QueueCandidate], measure: Callable[[QueueCandidate], float | None]) -> dict[str, float]:
    """Rank samples within their model version and language, ties by their middle; none where all values are equal."""
    members: defaultdict[Hashable, dict[str, float]] = defaultdict(dict)
    for one in pool:
        if (value := measure(one)) is not None:
            members[one.model_version, one.language][one.sample_id] = value
    if all(len(set(values.values())) == 1 for values in members.values()):
        return {}
    ranks: dict[str, float] = {}
    for values in members.values():
        ordered = sorted(values.values())
        ranks |= {
            name: (bisect_left(ordered, value) + bisect_right(ordered, value)) / 2 / len(ordered)
            for name, value in values.items()
        }
    return ranks


def _measure_gap(labels: Sequence[str], targets: Mapping[str, int], reviewed: Mapping[str, int]) -> float:
    needs = [targets.get(label, 0) / (reviewed.get(label, 0) + 1) for label in labels]
    return sum(needs) / len(needs) if needs else 0.0


def _comes_last(one: QueueCandidate) -> bool:
    return one.skipped or one.tokens < _SHORTEST


def _take_distinct(order: Sequence[QueueCandidate], size: int) -> list[QueueCandidate]:
    """Take the best of each group; then, in the same order, others of a group, and what comes last."""
    seen: set[Hashable] = set()
    first: list[QueueCandidate] = []
    repeated: list[QueueCandidate] = []
    for one in order:
        again = one.group is not None and one.group in seen
        (repeated if again or _comes_last(one) else first).append(one)
        seen.add(one.group)
        if len(first) == size:
            break
    return [*first, *repeated][:size]


def _make_entry(
    one: QueueCandidate, rank: float | None, lacking: Mapping[str, int], *, by_uncertainty: bool
) -> QueueEntry:
    reasons = []
    if by_uncertainty and rank is not None:
        reasons.append("the model is unsure" if rank >= _UNSURE else "next by uncertainty")
    if wanted := [label for label in dict.fromkeys(one.labels) if label in lacking]:
        reasons.append(f"labels below target: {', '.join(wanted[:3])}")
    if one.skipped:
        reasons.append("was skipped before")
    return QueueEntry(
        one.sample_id,
        one.language,
        one.document_type,
        False,
        False,
        rank,
        _estimate_seconds(one, control=False),
        tuple(reasons) or ("drawn at random",),
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
