"""All quality checks, from one pass over the samples."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from goldspan.annotation.checks import CODES, ERRORS, Issue
from goldspan.annotation.corpus.quality.balance import judge_balance
from goldspan.annotation.corpus.quality.counts import Findings, QualityCounts, QualityTexts
from goldspan.annotation.corpus.quality.diversity import judge_diversity
from goldspan.annotation.corpus.quality.result import CheckResult, rate_result
from goldspan.annotation.corpus.quality.values import judge_names, judge_values
from goldspan.annotation.corpus.quality.variety import judge_variety
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError, raise_error
from goldspan.annotation.tasks.store import read_tasks
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


def measure_files(paths: Iterable[Path], labels: LabelSchema, on_error: OnError = raise_error) -> QualityReport:
    """Check the samples of files; what cannot be read of a sample counts among its issues, and the rest is read."""
    decoded = (decoded for _, decoded in read_tasks(paths, labels, on_error))
    counts, texts = _count(decoded, labels)
    return report_quality(counts, texts, labels, decoding=True)


def measure_quality(samples: Iterable[Sample], labels: LabelSchema) -> QualityReport:
    """Check a data set as its best annotations show it; one pass, texts are kept in memory."""
    counts, texts = _count(((sample, ()) for sample in samples), labels)
    return report_quality(counts, texts, labels)


def _count(
    samples: Iterable[tuple[Sample, Sequence[Issue]]], labels: LabelSchema
) -> tuple[QualityCounts, QualityTexts]:
    counts, texts = QualityCounts(), QualityTexts(labels)
    for sample, issues in samples:
        counts.add(sample, issues, labels)
        texts.add(sample)
    return counts, texts


def report_quality(
    counts: QualityCounts, texts: QualityTexts, labels: LabelSchema, *, decoding: bool = False
) -> QualityReport:
    """The checks, from the counts of all samples and the texts of them or of a random part.

    Args:
        counts: of all samples.
        texts: of all samples, or of a part: `near_duplicate_rate`, `skeleton_gzip_ratio`, `distinct_3`, `vendi` and the
            checks of the group `variety` compare texts, and see these only.
        labels: the label schema.
        decoding: report also what could not be read of the records.
    """
    total, found = counts.values.entities.total(), counts.issues
    checks = [
        *((_judge_issue(code, counts.decoding, total) for code in _DECODING) if decoding else ()),
        *(_judge_issue(code, found, total) for code in _ALIGNMENT),
        rate_result(
            "ambiguous_occurrence",
            "alignment",
            counts.doubtful,
            total + counts.doubtful,
            _WARNING_LIMIT,
            "places of a labelled value were left out because they may mean something else",
        ),
        *judge_values(counts.values, labels),
        *(_judge_writing(code, found, counts.balance.samples) for code in _WRITING),
        rate_result(
            "cluster_incoherent",
            "consistency",
            sum(found.counts[code] for code in _COHERENCE),
            counts.clusters,
            _WARNING_LIMIT,
            "clusters have one mention only or hold two given names",
            {code: found.counts[code] for code in _COHERENCE},
        ),
        *judge_diversity(counts.skeletons, texts.skeletons),
        judge_names(counts.values),
        *judge_balance(counts.balance, labels),
        *judge_variety(texts.variety),
    ]
    return QualityReport(counts.balance.samples, total, tuple(checks))


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
