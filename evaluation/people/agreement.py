"""Agreement of raters: people and, optionally, models.

Each pair of raters is compared on the samples that both annotated (the newest submitted annotation of each; a decision
between two others, marked as ground truth, is none):

    exact       micro-F1 over (start, end, label)
    overlap     micro-F1 over spans that overlap and carry one label, paired one to one
    unlabelled  micro-F1 over (start, end): do they mark the same places?
    b_cubed     F1 over clusters of mentions; links: F1 over pairs of mentions in one cluster. Never over the edges that
                people drew: which mention a star hangs on does not change what is meant. A model without a single
                mention does not look for them, so it is compared with nobody
    alpha       Krippendorff's alpha over characters, nominal, O included; it alone is corrected for chance

Cohen's kappa is left out: over spans it drops whatever one rater did not mark, and looks too good.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from goldspan.annotation.types import Annotation, Sample
from goldspan.evaluation.matching.annotations import list_latest_predictions, list_raters
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.people.krippendorff import OUTSIDE, Alpha, Unit, compute_alpha, iter_character_units
from goldspan.evaluation.scores.coreference import RatioCounts, build_clusters, count_b_cubed, count_links
from goldspan.evaluation.scores.intervals import Interval, estimate_interval
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_by_label, count_matches


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two raters over the samples that both annotated; of the counts, `gold` are the first one's spans."""

    first: str
    second: str
    samples: int
    exact: SpanCounts
    overlap: SpanCounts
    unlabelled: SpanCounts
    by_label: Mapping[str, SpanCounts]
    b_cubed: RatioCounts
    links: RatioCounts
    alpha: Alpha

    def to_json(self) -> dict[str, Any]:
        """F1 of each kind (None where neither rater marked anything), and how much it rests on."""
        return {"raters": [self.first, self.second], "samples": self.samples, **_list_scores(self)}


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """Exact F1 of one rater against all others over the samples that they share, with its 95 % interval."""

    samples: int
    f1: float | None
    interval: Interval | None


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """All raters. `exact`, `overlap`, `unlabelled` and `by_label` add up the pairs; `alpha` takes all raters at once.

    `raters` counts the samples that each annotated, `samples` those that at least two did. `by_rater` is exact F1 of
    each rater against all others. `alpha_by_label` is over the binary question whether a character belongs to that
    label. Intervals are at 95 %; a sample is one document.
    """

    raters: Mapping[str, int]
    samples: int
    pairs: tuple[PairAgreement, ...]
    exact: SpanCounts
    overlap: SpanCounts
    unlabelled: SpanCounts
    by_label: Mapping[str, SpanCounts]
    b_cubed: RatioCounts
    links: RatioCounts
    alpha: Alpha
    alpha_by_label: Mapping[str, Alpha]
    exact_interval: Interval | None
    overlap_interval: Interval | None
    unlabelled_interval: Interval | None
    by_rater: Mapping[str, RaterAgreement]

    def to_json(self) -> dict[str, Any]:
        """The report for machines; it holds no text of the samples."""
        scores = _list_scores(self)
        for label, alpha in self.alpha_by_label.items():
            scores["by_label"].setdefault(label, {"f1_score": None, "spans": [0, 0]})["alpha"] = alpha.alpha
        return {
            "raters": dict(self.raters),
            "samples": self.samples,
            **scores,
            "ci95": {
                "exact": self.exact_interval,
                "overlap": self.overlap_interval,
                "unlabelled": self.unlabelled_interval,
            },
            "pairs": [pair.to_json() for pair in self.pairs],
        }


def measure_agreement(samples: Iterable[Sample], *, models: bool = False) -> AgreementReport:
    """Agreement over samples; with `models`, each model version is a rater too, named `model:<version>`."""
    collector = _Collector()
    for sample in samples:
        annotations = {review.author.name: review for review in list_raters(sample)}
        if models:
            annotations |= {f"model:{p.author.name}": p for p in list_latest_predictions(sample)}
        collector.add(len(sample.text), annotations)
    return collector.finish()


@dataclass(slots=True)
class _Sums:
    samples: int = 0
    exact: SpanCounts = field(default_factory=SpanCounts)
    overlap: SpanCounts = field(default_factory=SpanCounts)
    unlabelled: SpanCounts = field(default_factory=SpanCounts)
    by_label: dict[str, SpanCounts] = field(default_factory=dict)
    b_cubed: RatioCounts = field(default_factory=RatioCounts)
    links: RatioCounts = field(default_factory=RatioCounts)
    units: Counter[tuple[str, ...]] = field(default_factory=Counter)

    def add(self, found: _Sums) -> None:
        self.samples += found.samples
        self.exact += found.exact
        self.overlap += found.overlap
        self.unlabelled += found.unlabelled
        for label, counts in found.by_label.items():
            self.by_label[label] = self.by_label.get(label, SpanCounts()) + counts
        self.b_cubed += found.b_cubed
        self.links += found.links

    def note_units(self, length: int, annotations: Iterable[Annotation]) -> None:
        for unit in iter_character_units([annotation.entities for annotation in annotations], length):
            self.units[tuple(sorted(map(str, unit.values)))] += unit.weight

    @property
    def alpha(self) -> Alpha:
        return compute_alpha(Unit(values, weight) for values, weight in self.units.items())


def _compare(one: Annotation, other: Annotation) -> _Sums:
    matches = match_spans(one.entities, other.entities)
    clusters = build_clusters(one), build_clusters(other)
    return _Sums(
        samples=1,
        exact=count_matches(matches, Scheme.STRICT),
        overlap=count_matches(matches, Scheme.TYPE),
        unlabelled=count_matches(matches, Scheme.EXACT),
        by_label=count_by_label(matches, Scheme.STRICT),
        b_cubed=count_b_cubed(*clusters),
        links=count_links(*clusters),
    )


def _measure_interval(documents: Iterable[SpanCounts]) -> Interval | None:
    """The interval of F1, which is the share (right + found) / (predicted + gold)."""
    counts = list(documents)
    return estimate_interval([one.right + one.found for one in counts], [one.predicted + one.gold for one in counts])


class _Collector:
    def __init__(self) -> None:
        self._raters: Counter[str] = Counter()
        self._linking: set[str] = set()
        self._pairs: dict[tuple[str, str], _Sums] = {}
        self._all = _Sums()
        self._documents: list[_Sums] = []
        self._by_rater: defaultdict[str, list[SpanCounts]] = defaultdict(list)

    def add(self, length: int, annotations: Mapping[str, Annotation]) -> None:
        self._raters.update(list(annotations))
        self._linking |= {rater for rater, one in annotations.items() if one.mentions or not one.author.is_model}
        if len(annotations) < 2:
            return
        sample = _Sums()
        by_rater = dict.fromkeys(annotations, SpanCounts())
        for first, second in combinations(sorted(annotations), 2):
            found = _compare(annotations[first], annotations[second])
            pair = self._pairs.setdefault((first, second), _Sums())
            pair.note_units(length, (annotations[first], annotations[second]))
            pair.add(found)
            sample.add(found)
            by_rater[first] += found.exact
            by_rater[second] += found.exact
        self._all.note_units(length, annotations.values())
        self._all.add(sample)
        self._documents.append(sample)
        for rater, counts in by_rater.items():
            self._by_rater[rater].append(counts)

    def finish(self) -> AgreementReport:
        sums = self._all
        pairs = tuple(self._make_pair(names, pair) for names, pair in sorted(self._pairs.items()))
        return AgreementReport(
            raters=dict(sorted(self._raters.items())),
            samples=len(self._documents),
            pairs=pairs,
            exact=sums.exact,
            overlap=sums.overlap,
            unlabelled=sums.unlabelled,
            by_label=dict(sorted(sums.by_label.items())),
            b_cubed=sum((pair.b_cubed for pair in pairs), RatioCounts()),
            links=sum((pair.links for pair in pairs), RatioCounts()),
            alpha=sums.alpha,
            alpha_by_label=_split_alpha(sums.units),
            exact_interval=_measure_interval(one.exact for one in self._documents),
            overlap_interval=_measure_interval(one.overlap for one in self._documents),
            unlabelled_interval=_measure_interval(one.unlabelled for one in self._documents),
            by_rater={
                name: RaterAgreement(len(found), sum(found, SpanCounts()).measure_f(), _measure_interval(found))
                for name, found in sorted(self._by_rater.items())
            },
        )

    def _make_pair(self, names: tuple[str, str], sums: _Sums) -> PairAgreement:
        linked = self._linking.issuperset(names)
        return PairAgreement(
            *names,
            samples=sums.samples,
            exact=sums.exact,
            overlap=sums.overlap,
            unlabelled=sums.unlabelled,
            by_label=dict(sorted(sums.by_label.items())),
            b_cubed=sums.b_cubed if linked else RatioCounts(),
            links=sums.links if linked else RatioCounts(),
            alpha=sums.alpha,
        )


def _split_alpha(units: Mapping[tuple[str, ...], int]) -> dict[str, Alpha]:
    labels = {label for values in units for value in values for label in value.split("+")} - {OUTSIDE}
    return {
        label: compute_alpha(
            Unit([label in value.split("+") for value in values], weight) for values, weight in units.items()
        )
        for label in sorted(labels)
    }


def _list_scores(scores: PairAgreement | AgreementReport) -> dict[str, Any]:
    return {
        "exact": scores.exact.measure_f(),
        "overlap": scores.overlap.measure_f(),
        "unlabelled": scores.unlabelled.measure_f(),
        "alpha": scores.alpha.alpha,
        "characters": scores.alpha.values,
        "b_cubed": scores.b_cubed.f1,
        "links": scores.links.f1,
        "by_label": {
            label: {"f1_score": counts.measure_f(), "spans": [counts.gold, counts.predicted]}
            for label, counts in scores.by_label.items()
        },
    }
