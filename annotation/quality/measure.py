"""All quality checks in one pass over the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from annotation.checks import CODES, ERRORS, check_sample
from annotation.labels import LabelSchema
from annotation.outline import Outline, outline_sample
from annotation.quality.balance import BalanceCounts, judge_balance
from annotation.quality.diversity import judge_diversity
from annotation.quality.result import CheckResult, rate_result
from annotation.quality.values import ValueCounts, judge_names, judge_values
from annotation.types import Sample

_ALIGNMENT = (
    "inside_word",
    "unlabelled_repeat",
    "overlap",
    "out_of_range",
    "empty_span",
    "edge_whitespace",
    "edge_punctuation",
    "duplicate_span",
    "unknown_label",
    "crossing_layers",
)
_COHERENCE = ("single_mention_cluster", "two_given_names")
_WARNING_LIMIT = 0.05
_WORST = 20


@dataclass(frozen=True, slots=True)
class QualityReport:
    """All checks of a data set, and how many samples and entities they saw."""

    samples: int
    entities: int
    checks: tuple[CheckResult, ...]

    @property
    def flagged(self) -> tuple[CheckResult, ...]:
        """The checks that a person should look at."""
        return tuple(check for check in self.checks if check.flag)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure_quality(samples: Iterable[Sample], labels: LabelSchema) -> QualityReport:
    """Check a data set as its best readings show it; one pass, outlines are kept in memory."""
    issues: Counter[str] = Counter()
    holders: dict[str, list[str]] = {}
    doubtful = clusters = 0
    values, balance = ValueCounts(), BalanceCounts()
    outlines: list[Outline] = []
    for sample in samples:
        best = sample.best
        entities = best.entities if best else ()
        shown = Sample(sample.text, sample.language, sample.country, annotations=(best,) if best else ())
        for code, count in Counter(issue.code for issue in check_sample(shown, labels)).items():
            issues[code] += count
            if len(known := holders.setdefault(code, [])) < _WORST:
                known.append(sample.sample_id)
        doubtful += int(sample.provenance.get("doubtful_places") or 0)
        clusters += len(best.clusters) if best else 0
        values.add(sample, entities, labels)
        balance.add(sample, entities)
        outlines.append(outline_sample(sample))
    total = values.entities.total()
    checks = [
        *(_judge_issue(code, issues[code], total, holders.get(code, [])) for code in _ALIGNMENT),
        rate_result(
            "ambiguous_occurrence",
            "alignment",
            doubtful,
            total + doubtful,
            _WARNING_LIMIT,
            "places of a labelled value were left out because they may mean something else",
        ),
        *judge_values(values, labels),
        rate_result(
            "cluster_incoherent",
            "consistency",
            sum(issues[code] for code in _COHERENCE),
            clusters,
            _WARNING_LIMIT,
            "clusters have one mention only or hold two given names",
            {code: issues[code] for code in _COHERENCE},
        ),
        *judge_diversity(outlines),
        judge_names(values),
        *judge_balance(balance, labels),
    ]
    return QualityReport(balance.samples, total, tuple(checks))


def _judge_issue(code: str, count: int, total: int, holders: list[str]) -> CheckResult:
    limit = 0.0 if code in ERRORS else _WARNING_LIMIT
    cases = f"entities: {CODES[code]}"
    return rate_result(code, "alignment", min(count, total), total, limit, cases, {"samples": holders})
