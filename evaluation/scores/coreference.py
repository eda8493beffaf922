"""Coreference scores over clusters of mentions.

A cluster is a set of places `(start, end)`; the kind of mention plays no part. The counts of documents are
added before a ratio is taken, as the reference scorer of the CoNLL shared tasks does.

Sources: Vilain et al. 1995 (MUC); Bagga and Baldwin 1998 (B³); Luo 2005 (CEAF, here with φ4: CEAFe);
Pradhan et al. 2014 (B³ and CEAF over predicted mentions; the CoNLL score is the mean F1 of MUC, B³, CEAFe);
Moosavi and Strube 2016 (LEA).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from goldspan.annotation.types import Annotation
from goldspan.evaluation.scores.spans import combine_f

Place = tuple[int, int]
Cluster = frozenset[Place]
Clusters = Sequence[Cluster]


@dataclass(frozen=True, slots=True)
class RatioCounts:
    """Numerators and denominators of recall and precision; counts of documents can be added."""

    recall_part: float = 0.0
    recall_whole: float = 0.0
    precision_part: float = 0.0
    precision_whole: float = 0.0

    def __add__(self, other: RatioCounts) -> RatioCounts:
        return RatioCounts(
            self.recall_part + other.recall_part,
            self.recall_whole + other.recall_whole,
            self.precision_part + other.precision_part,
            self.precision_whole + other.precision_whole,
        )

    @property
    def recall(self) -> float | None:
        """Share of the gold structure that was found; None without gold structure."""
        return self.recall_part / self.recall_whole if self.recall_whole else None

    @property
    def precision(self) -> float | None:
        """Share of the predicted structure that is in gold; None when nothing was predicted."""
        return self.precision_part / self.precision_whole if self.precision_whole else None

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; 0 if only one side has structure, None if neither has."""
        if not self.recall_whole and not self.precision_whole:
            return None
        return combine_f(self.precision or 0.0, self.recall or 0.0)

    def to_json(self) -> dict[str, float | None]:
        """Precision, recall and F1."""
        return {"precision": self.precision, "recall": self.recall, "f1_score": self.f1}


@dataclass(frozen=True, slots=True)
class CoreferenceScores:
    """All coreference scores of a corpus. `singletons` says whether mentions that stand alone were counted."""

    muc: RatioCounts
    b_cubed: RatioCounts
    ceaf_e: RatioCounts
    lea: RatioCounts
    mentions: RatioCounts
    documents: int
    singletons: bool

    @property
    def conll(self) -> float | None:
        """Mean F1 of MUC, B³ and CEAFe; None when one of them is None."""
        parts = [self.muc.f1, self.b_cubed.f1, self.ceaf_e.f1]
        known = [part for part in parts if part is not None]
        return sum(known) / 3 if len(known) == 3 else None

    def to_json(self) -> dict[str, Any]:
        """Every score by name, with the CoNLL average and what was counted."""
        scores = {
            f.name: value.to_json() for f in fields(self) if isinstance(value := getattr(self, f.name), RatioCounts)
        }
        return {**scores, "conll": self.conll, "documents": self.documents, "singletons": self.singletons}


def build_clusters(annotation: Annotation, *, singletons: bool = False) -> tuple[Cluster, ...]:
    """The clusters of an annotation as sets of places.

    With `singletons`, a mention without cluster, or alone in its cluster, is a cluster of one; else it is left out.
    A place that stands in two clusters stays in the first, so that clusters are disjoint, as every formula here needs.
    """
    groups: dict[str, list[Place]] = {}
    taken: set[Place] = set()
    for number, mention in enumerate(annotation.mentions):
        place = (mention.start, mention.end)
        if place not in taken:
            taken.add(place)
            groups.setdefault(mention.cluster or f"\0{number}", []).append(place)
    return tuple(frozenset(places) for places in groups.values() if singletons or len(places) > 1)


def score_coreference(pairs: Iterable[tuple[Clusters, Clusters]], *, singletons: bool = False) -> CoreferenceScores:
    """Score pairs of (gold, predicted) clusters, one pair a document.

    `singletons` only states what the clusters hold: build them with the same flag.
    """
    totals = dict.fromkeys(_MEASURES, RatioCounts())
    documents = 0
    for gold, predicted in pairs:
        documents += 1
        for name, count in _MEASURES.items():
            totals[name] += count(gold, predicted)
    return CoreferenceScores(**totals, documents=documents, singletons=singletons)


def score_annotations(pairs: Iterable[tuple[Annotation, Annotation]], *, singletons: bool = False) -> CoreferenceScores:
    """Score pairs of (gold, predicted) annotations."""
    clustered = (
        (build_clusters(gold, singletons=singletons), build_clusters(predicted, singletons=singletons))
        for gold, predicted in pairs
    )
    return score_coreference(clustered, singletons=singletons)


def count_muc(gold: Clusters, predicted: Clusters) -> RatioCounts:
    """MUC: links kept, |K| minus the parts that the other side splits K into, over |K| - 1. Blind to singletons."""
    return _count_both_ways(gold, predicted, _count_muc_links)


def count_b_cubed(gold: Clusters, predicted: Clusters) -> RatioCounts:
    """B³: for each mention, the share of its cluster that its cluster on the other side holds too."""
    return _count_both_ways(gold, predicted, _count_shared_mentions)


def count_lea(gold: Clusters, predicted: Clusters) -> RatioCounts:
    """LEA: each cluster's share of resolved links, weighted with its size; a singleton has one link, to itself."""
    return _count_both_ways(gold, predicted, _count_resolved_links)


def count_links(gold: Clusters, predicted: Clusters) -> RatioCounts:
    """Pairs of mentions that share a cluster on both sides. Big clusters dominate: a cluster of n has n(n-1)/2."""
    return _count_both_ways(gold, predicted, _count_shared_pairs)


def count_mentions(gold: Clusters, predicted: Clusters) -> RatioCounts:
    """Mentions found, whatever their cluster."""
    gold_places = frozenset[Place]().union(*gold)
    predicted_places = frozenset[Place]().union(*predicted)
    found = len(gold_places & predicted_places)
    return RatioCounts(found, len(gold_places), found, len(predicted_places))


def count_ceaf_entities(gold: Clusters, predicted: Clusters) -> RatioCounts:
    """CEAFe: the best one-to-one pairing of clusters under φ4 = 2|K∩R| / (|K|+|R|)."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    if not gold or not predicted:
        return RatioCounts(0.0, len(gold), 0.0, len(predicted))
    similarity = np.zeros((len(gold), len(predicted)))
    homes = _find_homes(predicted)
    for row, cluster in enumerate(gold):
        for column in {homes[place] for place in cluster if place in homes}:
            other = predicted[column]
            similarity[row, column] = 2 * len(cluster & other) / (len(cluster) + len(other))
    rows, columns = linear_sum_assignment(similarity, maximize=True)
    best = float(similarity[rows, columns].sum())
    return RatioCounts(best, len(gold), best, len(predicted))


_MEASURES: dict[str, Callable[[Clusters, Clusters], RatioCounts]] = {
    "muc": count_muc,
    "b_cubed": count_b_cubed,
    "ceaf_e": count_ceaf_entities,
    "lea": count_lea,
    "mentions": count_mentions,
}


def _count_both_ways(
    gold: Clusters, predicted: Clusters, count: Callable[[Clusters, Clusters], tuple[float, float]]
) -> RatioCounts:
    return RatioCounts(*count(gold, predicted), *count(predicted, gold))


def _find_homes(clusters: Clusters) -> dict[Place, int]:
    return {place: number for number, cluster in enumerate(clusters) for place in cluster}


def _count_parts(cluster: Cluster, homes: dict[Place, int]) -> tuple[list[int], int]:
    """Sizes of the pieces that the other side's clusters cut this one into, and how many mentions it lacks."""
    sizes: dict[int, int] = {}
    lost = 0
    for place in cluster:
        if place in homes:
            sizes[homes[place]] = sizes.get(homes[place], 0) + 1
        else:
            lost += 1
    return list(sizes.values()), lost


def _count_muc_links(key: Clusters, response: Clusters) -> tuple[float, float]:
    homes = _find_homes(response)
    kept = 0
    for cluster in key:
        sizes, lost = _count_parts(cluster, homes)
        kept += len(cluster) - len(sizes) - lost
    return kept, sum(len(cluster) - 1 for cluster in key)


def _count_shared_mentions(key: Clusters, response: Clusters) -> tuple[float, float]:
    homes = _find_homes(response)
    shared = sum(sum(size**2 for size in _count_parts(cluster, homes)[0]) / len(cluster) for cluster in key)
    return shared, sum(len(cluster) for cluster in key)


def _count_pairs(size: int) -> float:
    return size * (size - 1) / 2


def _count_shared_pairs(key: Clusters, response: Clusters) -> tuple[float, float]:
    homes = _find_homes(response)
    shared = sum(_count_pairs(size) for cluster in key for size in _count_parts(cluster, homes)[0])
    return shared, sum(_count_pairs(len(cluster)) for cluster in key)


def _count_resolved_links(key: Clusters, response: Clusters) -> tuple[float, float]:
    homes = _find_homes(response)
    resolved = 0.0
    for cluster in key:
        if len(cluster) == 1:
            home = homes.get(next(iter(cluster)))
            resolved += home is not None and len(response[home]) == 1
        else:
            links = sum(_count_pairs(size) for size in _count_parts(cluster, homes)[0])
            resolved += len(cluster) * links / _count_pairs(len(cluster))
    return resolved, sum(len(cluster) for cluster in key)
