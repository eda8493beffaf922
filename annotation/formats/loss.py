"""Count what a format cannot represent while it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from goldspan.annotation.types import Annotation, Entity, Sample, sort_spans

LOSSES = {
    "other_annotations": "annotations beside the best one are left out",
    "unannotated_samples": "samples without any annotation are written as if they had no spans",
    "repeated_samples": "samples with the id of an earlier one replace its file",
    "overlapping_entities": "of overlapping entities only the outermost is written",
    "mentions": "mentions and their clusters are left out",
    "single_mentions": "mentions without a cluster are left out",
    "mention_kinds": "the kind of a mention (PRONOUN, REFERENCE, MENTION) is not written; guessed when read",
    "crossing_mentions": "of crossing mentions of one cluster only the first is written",
    "edge_whitespace": "white space at the edges of a span is cut off",
    "span_details": "ids, origins and scores of spans are not written",
    "review_details": "times, status and parent of the annotation are not written",
    "provenance": "country, document type and provenance are not written",
    "language": "the language is not written",
    "text_form": "white space between tokens is written as single spaces",
    "negatives": "samples without spans are written, but kiji's loader passes over them",
    "texts": "texts are not written, only spans and their surfaces",
}
"""Meaning of every loss."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many samples were written, and how often each thing was lost."""

    samples: int
    losses: dict[str, int]

    def explain(self) -> list[str]:
        """One sentence for each loss."""
        return [f"{count} × {name}: {LOSSES[name]}." for name, count in self.losses.items()]


class LossCounter:
    """Counts what is lost."""

    def __init__(self) -> None:
        self.samples = 0
        self.counts: Counter[str] = Counter()

    def take_best(self, sample: Sample) -> Annotation | None:
        """The annotation to write; the others count as lost."""
        self.samples += 1
        best = sample.best
        self.lose("other_annotations", len(sample.annotations) - (best is not None))
        self.lose("unannotated_samples", best is None)
        return best

    def lose(self, name: str, count: int = 1) -> None:
        """Count a loss."""
        if count:
            self.counts[name] += int(count)

    def lose_context(self, sample: Sample, *, language: bool = True) -> None:
        """Count what is known of a sample beside its text, which most formats cannot represent."""
        self.lose("provenance", bool(sample.country or sample.document_type or sample.provenance))
        self.lose("language", language and bool(sample.language))

    def lose_details(self, annotation: Annotation | None) -> None:
        """Count details that most formats cannot represent."""
        if annotation is None:
            return
        entities = sum(bool(span.id or span.origin or span.score is not None) for span in annotation.entities)
        self.lose("span_details", entities + sum(bool(span.id or span.origin) for span in annotation.mentions))
        details = (annotation.created_at, annotation.updated_at, annotation.lead_time, annotation.parent)
        self.lose("review_details", any(detail is not None for detail in details))

    def flatten(self, annotation: Annotation | None) -> tuple[Entity, ...]:
        """Entities that do not overlap: the outermost ones; the others count as lost."""
        entities = annotation.entities if annotation else ()
        kept = keep_outermost(entities)
        self.lose("overlapping_entities", len(entities) - len(kept))
        return kept

    def report(self) -> ExportReport:
        """What was written and what was lost."""
        return ExportReport(self.samples, {name: self.counts[name] for name in LOSSES if self.counts[name]})


def keep_outermost(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    """Entities in text order without those that overlap an earlier or longer one."""
    kept: list[Entity] = []
    for entity in sort_spans(entities):
        if not kept or entity.start >= kept[-1].end:
            kept.append(entity)
    return tuple(kept)
