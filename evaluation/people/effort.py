"""The actions of a person between a pre-annotation and the review that started from it.

Entities and mentions are compared region by region. Relations follow from the clusters: linking the mentions of a
cluster that the prediction split into p parts takes p - 1 relations, and a predicted cluster whose surviving mentions
the review spread over p clusters takes p - 1 removals (the counts of the MUC score, Vilain et al. 1995). Relations of a
removed mention go with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from goldspan.annotation.corpus.effort import Effort
from goldspan.annotation.corpus.uncertainty import count_tokens
from goldspan.annotation.types import Annotation, Mention, S
from goldspan.evaluation.matching.match import PairKind, match_spans

if TYPE_CHECKING:
    from goldspan.evaluation.people.acceptance import RegionDecision

_EFFORTS = {
    PairKind.CORRECT: Effort(accepted=1),
    PairKind.TYPE: Effort(relabelled=1),
    PairKind.BOUNDARY: Effort(resized=1),
    PairKind.BOUNDARY_AND_TYPE: Effort(removed=1, added=1),
    PairKind.MISSED: Effort(added=1),
    PairKind.SPURIOUS: Effort(removed=1),
}


def measure_effort(
    text: str, shown: Annotation | None, review: Annotation, decisions: Sequence[RegionDecision] | None = None
) -> Effort:
    """Count what it took to make the review from what was shown; from nothing, if `shown` is None.

    Args:
        text: the text.
        shown: the pre-annotation that the person saw.
        review: what the person made of it.
        decisions: what became of the entities, where it is known already.
    """
    if decisions is None:
        entities = _count_spans(review.entities, shown.entities if shown else ())
    else:
        counts = Counter(decision.outcome.value for decision in decisions)
        entities = Effort(
            accepted=counts["accepted"],
            added=counts["added"],
            removed=counts["rejected"],
            relabelled=counts["relabelled"],
            resized=counts["resized"],
        )
    mentions = _count_spans(_list_regions(review), _list_regions(shown) if shown else ())
    return Effort(1, count_tokens(text)) + entities + mentions + _count_links(review, shown)


def _list_regions(annotation: Annotation) -> tuple[Mention, ...]:
    """Mentions with a region of their own: those that no entity draws."""
    drawn = {entity.id for entity in annotation.entities if entity.id}
    return tuple(mention for mention in annotation.mentions if not mention.id or mention.id not in drawn)


def _count_spans(review: Iterable[S], shown: Iterable[S]) -> Effort:
    return sum((_EFFORTS[match.kind] for match in match_spans(review, shown)), Effort())


def _count_links(review: Annotation, shown: Annotation | None) -> Effort:
    before = {(m.start, m.end): m.cluster for m in shown.mentions if m.cluster} if shown else {}
    after = {(m.start, m.end): m.cluster for m in review.mentions if m.cluster}
    surviving = {(m.start, m.end) for m in review.mentions}
    return Effort(
        linked=_count_splits(after, before),
        unlinked=_count_splits({place: name for place, name in before.items() if place in surviving}, after),
    )


def _count_splits(clusters: dict[tuple[int, int], str], other: dict[tuple[int, int], str]) -> int:
    """Sum over clusters of the parts that the other partition cuts them into, less one each."""
    parts: dict[str, set[object]] = {}
    for place, name in clusters.items():
        parts.setdefault(name, set()).add(other.get(place) or place)
    return sum(len(pieces) - 1 for pieces in parts.values())
