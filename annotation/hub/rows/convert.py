"""Convert a row in the common form to a sample: map labels, align values, locate mentions, check.

A row with one span that cannot be trusted is rejected whole: a text with a missing label would teach the opposite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.checks import check_annotation, check_text
from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.hub.names import find_country, find_language
from goldspan.annotation.hub.rows.mentions import place_clusters
from goldspan.annotation.hub.rows.raw import Code, RawRow, RawSpan, RowError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import LabelMapping, Taxonomy
from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Annotation, Author, Entity, Sample, sort_spans


@dataclass(frozen=True, slots=True)
class RowSource:
    """Where rows come from. `revision` is the commit that was read, never a branch."""

    repository: str
    revision: str
    split: str = "train"

    @property
    def author(self) -> Author:
        """The author of what the data set says: a model version that names repository and commit."""
        return Author.model(f"{self.repository}@{self.revision[:12]}")


def convert_row(raw: RawRow, number: int, source: RowSource, taxonomy: Taxonomy, labels: LabelSchema) -> Sample:
    """The sample of a row; `number` counts the rows of its split from 0.

    Labels without a counterpart are left out and counted in `provenance.unmapped`. A row without spans is kept with
    `provenance.unverified_negative`: nobody says that it holds no personal data.

    Raises:
        RowError: the row is rejected; the code says why.

    """
    language = _read_language(raw.language)
    kept, unmapped = _map_spans(raw.spans, taxonomy)
    entities, doubts = _place_spans(raw.text, kept, labels)
    placed = place_clusters(raw.text, raw.clusters, entities, language)
    annotation = Annotation(source.author, entities, placed.mentions)
    country = find_country(raw.country)
    for issue in (*check_text(raw.text), *check_annotation(raw.text, annotation, labels, language, country)):
        if issue.severity == "error":
            raise RowError(issue.code, issue.message)
    provenance: dict[str, Any] = {
        "source": "hub",
        "repository": source.repository,
        "revision": source.revision,
        "split": source.split,
        "row": raw.uid or number,
        "taxonomy": taxonomy.name,
    }
    provenance |= {
        name: value
        for name, value in {
            "fields": dict(raw.fields),
            "unmapped": unmapped,
            "doubtful_places": doubts,
            "doubtful_mentions": placed.doubts,
            "unverified_negative": not raw.spans,
        }.items()
        if value
    }
    return Sample(
        raw.text,
        language,
        country,
        raw.document_type[:100],
        (annotation,),
        provenance,
        make_sample_id(raw.text, language),
    )


def _read_language(name: str) -> str:
    try:
        return find_language(name)
    except UnknownNameError:
        raise RowError(Code.UNKNOWN_LANGUAGE, name[:40] or "none given") from None


def _map_spans(spans: Sequence[RawSpan], taxonomy: Taxonomy) -> tuple[list[tuple[RawSpan, str]], Mapping[str, int]]:
    """Spans with our label, and how often each label without a counterpart was left out."""
    kept: list[tuple[RawSpan, str]] = []
    unmapped: Counter[str] = Counter()
    for span in spans:
        targets = [_resolve(label, taxonomy) for label in span.labels]
        mapped = next((target for target in targets if target.label), None)
        if mapped:
            kept.append((span, mapped.label))
        else:
            unmapped[targets[0].external] += 1
    return kept, dict(sorted(unmapped.items()))


def _resolve(label: str, taxonomy: Taxonomy) -> LabelMapping:
    try:
        return taxonomy.resolve(label)
    except UnknownNameError as error:
        raise RowError(Code.UNKNOWN_LABEL, str(error)) from None


def _place_spans(
    text: str, spans: Sequence[tuple[RawSpan, str]], labels: LabelSchema
) -> tuple[tuple[Entity, ...], int]:
    """Entities in text order, and how many places of values without offsets were left out as doubtful."""
    entities: list[Entity] = []
    loose: list[tuple[str, str]] = []
    for span, label in spans:
        if label not in labels.entity_codes:
            raise RowError("unknown_label", label)
        if span.start is None or span.end is None:
            loose.append((span.value or "", label))
            continue
        if not 0 <= span.start < span.end <= len(text):
            raise RowError(Code.SPAN_MISMATCH, f"{label} lies outside the text")
        if span.value is not None and text[span.start : span.end] != span.value:
            raise RowError(Code.SPAN_MISMATCH, label)
        entities.append(Entity(*trim_span(text, span.start, span.end), label))
    alignment = align_values(text, loose)
    if alignment.unaligned:
        missing = alignment.unaligned[0]
        raise RowError(Code.UNALIGNED_VALUE, f"{missing.label}: {missing.hint}")
    for doubt in alignment.ambiguous:
        if doubt.doubt is not Doubt.COMPOUND:
            raise RowError(Code.AMBIGUOUS_VALUE, f"{' or '.join(doubt.labels)}: {doubt.doubt.value}")
    doubtful = sum(len(doubt.places) for doubt in alignment.ambiguous)
    return sort_spans({entity.span: entity for entity in (*entities, *alignment.entities)}.values()), doubtful
