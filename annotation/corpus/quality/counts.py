"""What quality checks count, sample by sample: counts merge exactly, texts are kept for what compares them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.checks import Issue, check_sample
from goldspan.annotation.corpus.quality.balance import BalanceCounts
from goldspan.annotation.corpus.quality.diversity import SkeletonCounts
from goldspan.annotation.corpus.quality.values import ValueCounts
from goldspan.annotation.corpus.quality.variety import VarietyCounts
from goldspan.annotation.identity import make_skeleton
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample

_NAMED_SAMPLES = 20


@dataclass(slots=True)
class Findings:
    """Issues by code, and the first samples that have them."""

    counts: Counter[str] = field(default_factory=Counter)
    holders: dict[str, list[str]] = field(default_factory=dict)

    def add(self, sample_id: str, issues: Iterable[Issue]) -> None:
        """Count the issues of one sample."""
        for code, count in Counter(issue.code for issue in issues).items():
            self.counts[code] += count
            self._name(code, [sample_id])

    def merge(self, other: Findings) -> None:
        """Add what was found in later samples."""
        self.counts.update(other.counts)
        for code, holders in other.holders.items():
            self._name(code, holders)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"counts": self.counts, "holders": self.holders}

    def _name(self, code: str, holders: Sequence[str]) -> None:
        known = self.holders.setdefault(code, [])
        known += holders[: _NAMED_SAMPLES - len(known)]


@dataclass(slots=True)
class QualityCounts:
    """Counts of samples as their best annotations show them.

    Counts of parts, merged in order, equal those of the whole.
    """

    issues: Findings = field(default_factory=Findings)
    decoding: Findings = field(default_factory=Findings)
    doubtful: int = 0
    clusters: int = 0
    values: ValueCounts = field(default_factory=ValueCounts)
    balance: BalanceCounts = field(default_factory=BalanceCounts)
    skeletons: SkeletonCounts = field(default_factory=SkeletonCounts)

    def add(self, sample: Sample, decoding: Iterable[Issue], labels: LabelSchema) -> None:
        """Count one sample; `decoding` is what could not be read of its record."""
        best = sample.best
        entities = best.entities if best else ()
        shown = Sample(sample.text, sample.language, sample.country, annotations=(best,) if best else ())
        self.issues.add(sample.sample_id, check_sample(shown, labels))
        self.decoding.add(sample.sample_id, decoding)
        self.doubtful += int(sample.provenance.get("doubtful_places") or 0)
        self.clusters += len(best.clusters) if best else 0
        self.values.add(sample, entities, labels)
        self.balance.add(sample, entities)
        self.skeletons.add(make_skeleton(sample.text, entities))

    def merge(self, other: QualityCounts) -> None:
        """Add the counts of later samples."""
        self.doubtful += other.doubtful
        self.clusters += other.clusters
        self.issues.merge(other.issues)
        self.decoding.merge(other.decoding)
        self.values.merge(other.values)
        self.balance.merge(other.balance)
        self.skeletons.merge(other.skeletons)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; holds hashes, ids and labels, no texts."""
        return {
            "issues": self.issues.to_dict(),
            "decoding": self.decoding.to_dict(),
            "doubtful": self.doubtful,
            "clusters": self.clusters,
            "values": self.values.to_dict(),
            "balance": self.balance.to_dict(),
            "skeletons": self.skeletons.to_dict(),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> QualityCounts:
        """From JSON."""
        issues, decoding = (
            Findings(Counter(document[name]["counts"]), document[name]["holders"]) for name in ("issues", "decoding")
        )
        skeletons = {name: Counter(counts) for name, counts in document["skeletons"].items()}
        return cls(
            issues,
            decoding,
            document["doubtful"],
            document["clusters"],
            ValueCounts.from_dict(document["values"]),
            BalanceCounts.from_dict(document["balance"]),
            SkeletonCounts(**skeletons),
        )


class QualityTexts:
    """Texts of samples, for the checks that compare them with each other."""

    def __init__(self, labels: LabelSchema) -> None:
        self.skeletons: list[str] = []
        self.variety = VarietyCounts(labels)

    def add(self, sample: Sample) -> None:
        """Keep one sample as its best annotation shows it."""
        best = sample.best
        self.skeletons.append(make_skeleton(sample.text, best.entities if best else ()))
        self.variety.add(sample, best)
