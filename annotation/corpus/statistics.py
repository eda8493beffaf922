"""What a set of samples holds, counted in one pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.types import Sample


@dataclass(slots=True)
class SampleCounts:
    """Counts of the best annotation of each sample (the first review, else the last prediction)."""

    samples: int = 0
    predicted: int = 0
    reviewed: int = 0
    without_entities: int = 0
    clusters: int = 0
    mentions: int = 0
    characters: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    document_types: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    by_language: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, sample: Sample) -> None:
        """Count one more sample."""
        self.samples += 1
        self.characters += len(sample.text)
        self.languages[sample.language] += 1
        self.document_types[sample.document_type] += 1
        self.predicted += bool(sample.predictions)
        self.reviewed += bool(sample.reviews)
        best = sample.best
        if best is None or not best.entities:
            self.without_entities += 1
        if best is not None:
            self.clusters += len(best.clusters)
            self.mentions += len(best.mentions)
            for entity in best.entities:
                self.entities[entity.label] += 1
                self.by_language[entity.label, sample.language] += 1

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "samples": self.samples,
            "predicted": self.predicted,
            "reviewed": self.reviewed,
            "without_entities": self.without_entities,
            "clusters": self.clusters,
            "mentions": self.mentions,
            "characters": self.characters,
            "languages": dict(self.languages),
            "document_types": dict(self.document_types),
            "entities": dict(self.entities),
            "by_language": {f"{label}/{language}": n for (label, language), n in self.by_language.items()},
        }


def count_samples(samples: Iterable[Sample]) -> SampleCounts:
    """Count samples; memory does not grow with their number."""
    counts = SampleCounts()
    for sample in samples:
        counts.add(sample)
    return counts
