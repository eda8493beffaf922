"""All quality checks in one pass over the samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from goldspan.annotation.checks import CODES, ERRORS, Issue, check_sample
from goldspan.annotation.corpus.outline import Outline, outline_sample
from goldspan.annotation.corpus.quality.balance import BalanceCounts, judge_balance
from goldspan.annotation.corpus.quality.diversity import judge_diversity
from goldspan.annotation.corpus.quality.result import CheckResult, rate_result
from goldspan.annotation.corpus.quality.values import ValueCounts, judge_names, judge_values
from goldspan.annotation.corpus.quality.variety import VarietyCounts, judge_variety
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import OnError, raise_error, read_tasks
from goldspan.annotation.types import Sample

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
_DECODING = (
    "text_mismatch",
    "text_changed",
    "broken_region",
    "duplicate_id",
    "dangling_relation",
    "self_relation",
    "unknown_relation",
)
_WRITING = ("placeholder", "model_residue", "other_language")
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
        """The checks that need attention."""
        return tuple(check for check in self.checks if check.flag)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


class Findings:
    """Issues by code, and the first samples that have them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.holders: dict[str, list[str]] = {}

    def add(self, sample_id: str, issues: Iterable[Issue]) -> None:
        """Count the issues of one sample."""
        for code, count in Counter(issue.code for issue in issues).items():
            self.counts[code] += count
            if len(known := self.holders.setdefault(code, [])) < _WORST:
                known.append(sample_id)


def measure_files(paths: Iterable[Path], labels: LabelSchema, on_error: OnError = raise_error) -> QualityReport:
    """Check the samples of files; what cannot be read of a sample counts among its issues, and the rest is read."""
    decoding = Findings()

    def read() -> Iterator[Sample]:
        for _, (sample, issues) in read_tasks(paths, labels, on_error):
            decoding.add(sample.sample_id, issues)
            yield sample

    report = measure_quality(read(), labels)
    found = tuple(_judge_issue(code, decoding, report.entities) for code in _DECODING)
    return replace(report, checks=found + report.checks)


def measure_quality(samples: Iterable[Sample], labels: LabelSchema) -> QualityReport:
    """Check a data set as its best annotations show it; one pass, outlines are kept in memory."""
    found = Findings()
    doubtful = clusters = 0
    values, balance, variety = ValueCounts(), BalanceCounts(), VarietyCounts(labels)
    outlines: list[Outline] = []
    for sample in samples:
        best = sample.best
        entities = best.entities if best else ()
        shown = Sample(sample.text, sample.language, sample.country, annotations=(best,) if best else ())
        found.add(sample.sample_id, check_sample(shown, labels))
        doubtful += int(sample.provenance.get("doubtful_places") or 0)
        clusters += len(best.clusters) if best else 0
        values.add(sample, entities, labels)
        balance.add(sample, entities)
        variety.add(sample, best)
        outlines.append(outline_sample(sample))
    total = values.entities.total()
    checks = [
        *(_judge_issue(code, found, total) for code in _ALIGNMENT),
        rate_result(
            "ambiguous_occurrence",
            "alignment",
            doubtful,
            total + doubtful,
            _WARNING_LIMIT,
            "places of a labelled value were left out because they may mean something else",
        ),
        *judge_values(values, labels),
        *(_judge_writing(code, found, balance.samples) for code in _WRITING),
        rate_result(
            "cluster_incoherent",
            "consistency",
            sum(found.counts[code] for code in _COHERENCE),
            clusters,
            _WARNING_LIMIT,
            "clusters have one mention only or hold two given names",
            {code: found.counts[code] for code in _COHERENCE},
        ),
        *judge_diversity(outlines),
        judge_names(values),
        *judge_balance(balance, labels),
        *judge_variety(variety),
    ]
    return QualityReport(balance.samples, total, tuple(checks))


def _judge_writing(code: str, found: Findings, samples: int) -> CheckResult:
    info = {"samples": found.holders.get(code, [])}
    return rate_result(
        code, "consistency", found.counts[code], samples, _WARNING_LIMIT, f"samples: {CODES[code]}", info
    )


def _judge_issue(code: str, found: Findings, total: int) -> CheckResult:
    limit = 0.0 if code in ERRORS else _WARNING_LIMIT
    count = found.counts[code]
    info = {"samples": found.holders.get(code, [])}
    return rate_result(code, "alignment", count, max(total, count), limit, f"entities: {CODES[code]}", info)
