"""Checks of balance: labels against their targets, evenness, positions of entities, negatives, lengths."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.corpus.quality.result import CheckResult
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, Sample
from goldspan.annotation.wording import format_count

_GROUP = "balance"
_BANDS = (
    (0, "under 100"),
    (100, "100 to 299"),
    (300, "300 to 999"),
    (1000, "1,000 to 2,999"),
    (3000, "3,000 and more"),
)


@dataclass(slots=True)
class BalanceCounts:
    """What is counted of labels, languages, places and lengths while samples pass by."""

    samples: int = 0
    negatives: int = 0
    unverified_negatives: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    strata: set[tuple[str, str, str]] = field(default_factory=set)
    deciles: Counter[int] = field(default_factory=Counter)
    lengths: Counter[str] = field(default_factory=Counter)

    def add(self, sample: Sample, entities: Sequence[Entity]) -> None:
        """Count one sample."""
        self.samples += 1
        fields = sample.provenance.get("fields")
        domain = str(sample.provenance.get("domain") or (fields or {}).get("domain") or "")
        stratum = (sample.language, domain, sample.document_type)
        self.strata.add(stratum)
        self.lengths[next(name for least, name in reversed(_BANDS) if len(sample.text) >= least)] += 1
        if not entities:
            unverified = bool(sample.provenance.get("unverified_negative")) and not sample.reviews
            self.unverified_negatives += unverified
            self.negatives += not unverified
        for entity in entities:
            self.labels[entity.label] += 1
            self.cells[(entity.label, *stratum)] += 1
            self.deciles[min(10 * entity.start // max(len(sample.text), 1), 9)] += 1

    def merge(self, other: BalanceCounts) -> None:
        """Add what was counted elsewhere."""
        self.samples += other.samples
        self.negatives += other.negatives
        self.unverified_negatives += other.unverified_negatives
        self.strata |= other.strata
        for name in ("labels", "cells", "deciles", "lengths"):
            getattr(self, name).update(getattr(other, name))

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "samples": self.samples,
            "negatives": self.negatives,
            "unverified_negatives": self.unverified_negatives,
            "labels": self.labels,
            "cells": [[*cell, count] for cell, count in self.cells.items()],
            "strata": sorted(self.strata),
            "deciles": [self.deciles[decile] for decile in range(10)],
            "lengths": self.lengths,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> BalanceCounts:
        """From JSON."""
        return cls(
            document["samples"],
            document["negatives"],
            document["unverified_negatives"],
            Counter(document["labels"]),
            Counter({tuple(cell): count for *cell, count in document["cells"]}),
            {tuple(stratum) for stratum in document["strata"]},
            Counter(dict(enumerate(document["deciles"]))),
            Counter(document["lengths"]),
        )


def judge_balance(counts: BalanceCounts, labels: LabelSchema) -> list[CheckResult]:
    """All checks of balance, from what was counted."""
    return [
        _judge_targets(counts, labels),
        _judge_cells(counts, labels),
        _judge_evenness(counts, labels),
        _judge_positions(counts),
        _judge_negatives(counts),
        _judge_lengths(counts),
    ]


def measure_evenness(counts: Sequence[int]) -> float:
    """Shannon's evenness (Pielou 1966): entropy over its maximum; 1 when all counts are equal, 0 for a single one."""
    total = sum(counts)
    if len(counts) < 2 or not total:
        return 0.0
    return -sum(n / total * math.log(n / total) for n in counts if n) / math.log(len(counts))


def _judge_targets(counts: BalanceCounts, labels: LabelSchema) -> CheckResult:
    wanted = {label.code: label.target for label in labels.entities if label.target}
    lacking = {code: target - counts.labels[code] for code, target in wanted.items() if counts.labels[code] < target}
    score = (
        sum(min(counts.labels[code] / target, 1.0) for code, target in wanted.items()) / len(wanted) if wanted else 1.0
    )
    summary = f"{len(wanted) - len(lacking)} of {len(wanted)} labels have reached their target."
    return CheckResult("label_coverage", _GROUP, score, bool(lacking), summary, {"lacking": lacking})


def _judge_cells(counts: BalanceCounts, labels: LabelSchema) -> CheckResult:
    possible = len(labels.entities) * len(counts.strata)
    filled = len([cell for cell in counts.cells if cell[0] in labels.entity_codes])
    share = filled / possible if possible else 0.0
    summary = f"{filled} of {possible} cells of label × language × domain × document type hold an entity ({share:.1%})."
    return CheckResult("cell_coverage", _GROUP, share, share < 0.25, summary, {"strata": len(counts.strata)})


def _judge_evenness(counts: BalanceCounts, labels: LabelSchema) -> CheckResult:
    several = len(labels.entities) > 1
    evenness = measure_evenness([counts.labels[label.code] for label in labels.entities]) if several else 1.0
    summary = f"Shannon's evenness over the labels is {evenness:.2f} (below 0.60 is flagged)."
    return CheckResult("label_evenness", _GROUP, evenness, evenness < 0.6, summary, {"labels": dict(counts.labels)})


def _judge_positions(counts: BalanceCounts) -> CheckResult:
    histogram = [counts.deciles[decile] for decile in range(10)]
    evenness = measure_evenness(histogram)
    summary = f"Entities are spread over the tenths of the texts with evenness {evenness:.2f} (below 0.80 is flagged)."
    flag = evenness < 0.8 and sum(histogram) >= 100
    return CheckResult("entity_positions", _GROUP, evenness, flag, summary, {"tenths": histogram})


def _judge_negatives(counts: BalanceCounts) -> CheckResult:
    share = counts.negatives / counts.samples if counts.samples else 0.0
    summary = (
        f"Without an entity on purpose: {counts.negatives} of {format_count(counts.samples, 'sample')} ({share:.1%}; "
        f"2% are wanted); {counts.unverified_negatives} more hold none, but nobody has said so."
    )
    info = {"negatives": counts.negatives, "unverified": counts.unverified_negatives}
    return CheckResult("hard_negative_share", _GROUP, min(share / 0.02, 1.0), share < 0.02, summary, info)


def _judge_lengths(counts: BalanceCounts) -> CheckResult:
    bands = {name: counts.lengths[name] for _, name in _BANDS}
    largest = max(bands.values()) / counts.samples if counts.samples else 0.0
    summary = f"The largest band of lengths holds {largest:.1%} of the samples (above 90% is flagged)."
    return CheckResult("length_bands", _GROUP, 1 - largest, largest > 0.9, summary, {"characters": bands})
