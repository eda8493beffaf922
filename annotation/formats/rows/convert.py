"""Convert a row in the common form to a sample: map labels, align values, locate mentions, check.

A row with one span that cannot be trusted is rejected whole: a text with a missing label would teach the opposite.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from goldspan.annotation.checks import check_annotation, check_text
from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.formats.rows.clusters import link_spans
from goldspan.annotation.formats.rows.mentions import place_clusters
from goldspan.annotation.formats.rows.offsets import agrees, count_by_values, read_utf16_clusters, read_utf16_spans
from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawRow, RawSpan, RowError
from goldspan.annotation.formats.rows.recognition import find_named_labels
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import LabelMapping, Taxonomy
from goldspan.annotation.names import find_country, find_language
from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import IMPORTED, Annotation, Author, Entity, Sample, sort_spans


class RowOrigin(Protocol):
    """Where rows come from."""

    @property
    def author(self) -> Author:
        """The author of annotations that name none."""

    def describe(self, raw: RawRow, number: int) -> dict[str, Any]:
        """The provenance of a row; `number` counts the rows from 0."""


@dataclass(frozen=True, slots=True)
class RowSource:
    """A data set of the Hub. `revision` is the commit that was read, never a branch."""

    repository: str
    revision: str
    split: str = "train"

    @property
    def author(self) -> Author:
        """The author of what the data set says: a model version that names repository and commit."""
        return Author.model(f"{self.repository}@{self.revision[:12]}")

    def describe(self, raw: RawRow, number: int) -> dict[str, Any]:
        """Repository, revision, split and row."""
        return {
            "source": "hub",
            "repository": self.repository,
            "revision": self.revision,
            "split": self.split,
            "row": raw.uid or number,
        }


@dataclass(frozen=True, slots=True)
class FileSource:
    """A local file in the format of this name."""

    format: str

    @property
    def author(self) -> Author:
        """The author of annotations that name none: the import."""
        return IMPORTED

    def describe(self, raw: RawRow, number: int) -> dict[str, Any]:
        """Format and the row's own id."""
        facts = {"source": "import", "format": self.format, "row": raw.uid}
        return {name: value for name, value in facts.items() if value}


@dataclass(frozen=True, slots=True)
class RowDefaults:
    """Metadata for rows that give none; the language may be empty.

    `names`: rows may write languages and countries by their English names; else they are taken as they are.
    """

    language: str = ""
    country: str = ""
    document_type: str = ""
    names: bool = True


def convert_row(
    raw: RawRow,
    number: int,
    source: RowOrigin,
    taxonomy: Taxonomy,
    labels: LabelSchema,
    defaults: RowDefaults | None = None,
) -> Sample:
    """The sample of a row; `number` counts the rows of its split from 0.

    Labels without a counterpart are left out and counted in `provenance.unmapped`, spans in other spans in
    `provenance.nested`, annotations of other layers in `provenance.left_out`. Relations that are no coreference stand
    in `provenance.relations`, what else is said of a span in `provenance.features`. A row of annotations without spans
    carries `provenance.unverified_negative`: nobody says that it holds no personal data.

    Raises:
        RowError: the row is rejected; the code says why.
    """
    language = _read_language(raw.language, defaults)
    verbatim = defaults is not None and not defaults.names
    country = (raw.country if verbatim else find_country(raw.country)) or (defaults.country if defaults else "")
    for issue in check_text(raw.text):
        raise RowError(issue.code, issue.message)
    if not raw.annotations and (name := find_named_labels(raw.text, raw.fields, labels)):
        raise RowError(Code.UNREAD_SPANS, f"the key {name!r} names labels of the schema in a form that is not read")
    facts: dict[str, Any] = {"fields": dict(raw.fields), "left_out": dict(sorted(raw.left_out.items()))}
    annotations = tuple(
        _convert_annotation(raw.text, one, (source, taxonomy, labels), (language, country), facts)
        for one in raw.annotations
    )
    for name in ("unmapped", "nested"):
        facts[name] = dict(sorted(facts.get(name, {}).items()))
    facts["unverified_negative"] = (
        bool(raw.annotations) and not raw.spans and not any(a.person for a in raw.annotations)
    )
    provenance = source.describe(raw, number) | ({"taxonomy": taxonomy.name} if raw.spans else {})
    provenance |= {name: value for name, value in facts.items() if value} | dict(raw.provenance)
    return Sample(
        raw.text,
        language,
        country,
        raw.document_type[:100] or (defaults.document_type if defaults else ""),
        annotations,
        provenance,
        raw.sample_id or make_sample_id(raw.text, language),
    )


def _convert_annotation(
    text: str,
    raw: RawAnnotation,
    context: tuple[RowOrigin, Taxonomy, LabelSchema],
    place: tuple[str, str],
    facts: dict[str, Any],
) -> Annotation:
    source, taxonomy, labels = context
    language, country = place
    if raw.utf16:
        spans, clusters = read_utf16_spans(text, raw.spans), read_utf16_clusters(text, raw.clusters)
        raw = replace(raw, spans=spans, clusters=clusters)
    else:
        raw = replace(raw, spans=count_by_values(text, raw.spans))
    kept, mentions, unmapped = _map_spans(raw.spans, taxonomy, labels)
    kept, nested = _keep_outermost(kept) if raw.nests else (kept, Counter())
    entities, doubts = _place_spans(text, kept, labels, language)
    placed = place_clusters(text, raw.clusters, entities, language)
    linked, others = link_spans(text, raw, [span for span, _ in kept] + list(mentions), entities, (language, labels))
    layers = sort_spans({mention.span: mention for mention in (*raw.mentions, *linked, *placed.mentions)}.values())
    author = Author.person(raw.person) if raw.person else Author.model(raw.model) if raw.model else source.author
    annotation = Annotation(author, entities, layers, status=raw.status)
    for issue in check_annotation(text, annotation, labels, language, country):
        if issue.severity == "error":
            raise RowError(issue.code, issue.message)
    facts["unmapped"] = Counter(facts.get("unmapped", {})) + Counter(unmapped)
    facts["nested"] = Counter(facts.get("nested", {})) + nested
    facts["doubtful_places"] = facts.get("doubtful_places", 0) + doubts
    facts["doubtful_mentions"] = facts.get("doubtful_mentions", 0) + placed.doubts
    facts["relations"] = facts.get("relations", []) + others
    facts["features"] = facts.get("features", []) + [
        {"start": span.start, "end": span.end, "label": span.labels[0], "features": dict(span.features)}
        for span in raw.spans
        if span.features
    ]
    if raw.answer:
        facts["answer"] = raw.answer
    return annotation


def _read_language(name: str, defaults: RowDefaults | None) -> str:
    if defaults is not None and (not name or not defaults.names):
        return name or defaults.language
    try:
        return find_language(name)
    except UnknownNameError:
        if defaults is not None and name.isascii() and name.islower() and len(name) in {2, 3}:
            return name
        raise RowError(Code.UNKNOWN_LANGUAGE, name[:40] or "none given") from None


def _map_spans(
    spans: Sequence[RawSpan], taxonomy: Taxonomy, labels: LabelSchema
) -> tuple[list[tuple[RawSpan, str]], list[RawSpan], Mapping[str, int]]:
    """Spans with our label, spans of mentions, and how often each label without a counterpart was left out."""
    kept: list[tuple[RawSpan, str]] = []
    mentions: list[RawSpan] = []
    unmapped: Counter[str] = Counter()
    for span in spans:
        if span.labels[0] in labels.mention_codes and span.labels[0] not in taxonomy.targets:
            mentions.append(span)
            continue
        targets = [_resolve(label, taxonomy) for label in span.labels]
        mapped = next((target for target in targets if target.label), None)
        if mapped:
            kept.append((span, mapped.label))
        else:
            unmapped[targets[0].external] += 1
    return kept, mentions, dict(sorted(unmapped.items()))


def _keep_outermost(spans: list[tuple[RawSpan, str]]) -> tuple[list[tuple[RawSpan, str]], Counter[str]]:
    """Spans that lie in no earlier or longer one, and how often each label was left out; of equal ones the first."""
    kept: list[tuple[RawSpan, str]] = []
    nested: Counter[str] = Counter()
    for span, label in sorted(spans, key=lambda pair: (pair[0].start or 0, -(pair[0].end or 0))):
        if not kept or (span.start or 0) >= (kept[-1][0].end or 0):
            kept.append((span, label))
        elif (span.start, span.end, label) != (kept[-1][0].start, kept[-1][0].end, kept[-1][1]):
            nested[span.labels[0]] += 1
    return kept, nested


def _resolve(label: str, taxonomy: Taxonomy) -> LabelMapping:
    try:
        return taxonomy.resolve(label)
    except UnknownNameError as error:
        raise RowError(Code.UNKNOWN_LABEL, str(error)) from None


def _place_spans(
    text: str, spans: Sequence[tuple[RawSpan, str]], labels: LabelSchema, language: str
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
        if span.value is not None and not agrees(span.value, text[span.start : span.end]):
            raise RowError(Code.SPAN_MISMATCH, f"{label} {span.start}–{span.end}: the offsets do not cut out its value")
        entities.append(Entity(*trim_span(text, span.start, span.end), label))
    alignment = align_values(text, loose, language)
    if alignment.unaligned:
        missing = alignment.unaligned[0]
        raise RowError(Code.UNALIGNED_VALUE, f"a value of {missing.label} {missing.hint}")
    for doubt in alignment.ambiguous:
        if doubt.doubt is not Doubt.COMPOUND:
            names = " or ".join(doubt.labels)
            raise RowError(Code.AMBIGUOUS_VALUE, f"a value of {names} is ambiguous ({doubt.doubt.value}); give offsets")
    doubtful = sum(len(doubt.places) for doubt in alignment.ambiguous)
    return sort_spans({entity.span: entity for entity in (*entities, *alignment.entities)}.values()), doubtful
