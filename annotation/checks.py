"""Issues that a sample can have, each with a code.

Errors break the data: Label Studio or a trainer would lose or misread something.
Warnings need a person's decision.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.labels.values import find_mismatch
from goldspan.annotation.text.affixes import joins_affix
from goldspan.annotation.text.language import find_other_language
from goldspan.annotation.text.residue import find_residue
from goldspan.annotation.text.taken import is_taken, take_range
from goldspan.annotation.text.words import find_all_occurrences, joins_compound, splits_word, stands_alone
from goldspan.annotation.types import Annotation, Entity, Mention, Sample

MAX_SPANS = 20_000
"""Spans of one annotation."""

MAX_TEXT = 1_000_000
"""Characters; Label Studio renders a task in the browser and stops being usable long before."""

_MOST_SEARCHED = 200
"""Values that are searched for one by one; more of them take one pass over the words."""

ERRORS = {
    "empty_text": "the text is empty or white space",
    "text_too_long": f"the text has more than {MAX_TEXT:,} characters",
    "text_not_storable": "the text holds NUL or a lone surrogate, which JSON and databases cannot store",
    "text_changed": "the text does not match the hash in the record",
    "unknown_label": "the label is not in the label schema",
    "out_of_range": "the span does not lie inside the text",
    "empty_span": "the span has no text",
    "edge_whitespace": "the span begins or ends with white space",
    "inside_word": "the span begins or ends inside a word or a visible character",
    "overlap": "two entities overlap",
    "duplicate_span": "two spans of one layer have the same offsets and label",
    "duplicate_id": "two regions have the same id; Label Studio would merge them",
    "too_many_spans": "the annotation has more spans than one text can hold",
    "broken_region": "the region cannot be read",
    "text_mismatch": "the region's own text differs from the text at its offsets",
    "dangling_relation": "a relation begins or ends at a region that does not exist",
    "self_relation": "a relation begins and ends at the same region",
    "unknown_relation": "the relation's label is not in the label schema",
}
WARNINGS = {
    "attached_affix": "the span begins or ends at a prefix or ending that the language writes onto the word",
    "unlabelled_repeat": "a labelled value occurs elsewhere in the text without a label",
    "invalid_value": "the value is not valid for its label: check digits, format or range",
    "edge_punctuation": "the span begins or ends with a comma, semicolon or colon",
    "crossing_layers": "an entity and a mention, or two mentions, overlap without one holding the other",
    "single_mention_cluster": "a cluster has only one mention",
    "two_given_names": "a cluster holds two different given names",
    "placeholder": "the text holds a placeholder where a value should be",
    "model_residue": "the text holds traces of the model that wrote it: a preface, code fences, tags, JSON",
    "other_language": "the text is in another language than the sample says",
}
CODES = ERRORS | WARNINGS
"""Meaning of every code."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LOOSE_PUNCTUATION = ",;:"
_FREE_FORM = frozenset({"PASSWORD", "SECURITYTOKEN", "USERNAME"})


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue: code, place, and the index of its annotation (-1: the sample itself). It never quotes the text."""

    code: str
    message: str
    start: int = -1
    end: int = -1
    severity: Literal["error", "warning"] = "error"
    annotation_index: int = -1


def make_issue(code: str, start: int = -1, end: int = -1, detail: str = "", index: int = -1) -> Issue:
    """Make an issue with the message of its code."""
    place = f" at {start}–{end}" if start >= 0 else ""
    message = f"{CODES[code]}{place}{f' ({detail})' if detail else ''}"
    return Issue(code, message, start, end, "error" if code in ERRORS else "warning", index)


def has_errors(issues: Sequence[Issue]) -> bool:
    """True if any of the issues is an error."""
    return any(issue.severity == "error" for issue in issues)


def check_text(text: str) -> list[Issue]:
    """The issues of a text, independent of its annotations."""
    issues = []
    if not text.strip():
        issues.append(make_issue("empty_text"))
    if len(text) > MAX_TEXT:
        issues.append(make_issue("text_too_long", detail=f"it has {len(text):,}; split it"))
    if match := _UNSTORABLE.search(text):
        issues.append(make_issue("text_not_storable", *match.span()))
    return issues


def check_sample(sample: Sample, labels: LabelSchema) -> list[Issue]:
    """All errors and warnings of a sample and each of its annotations."""
    issues = check_text(sample.text) + check_writing(sample)
    for index, annotation in enumerate(sample.annotations):
        issues += check_annotation(sample.text, annotation, labels, sample.language, sample.country, index)
    return issues


def check_writing(sample: Sample) -> list[Issue]:
    """Placeholders, traces of a model, another language: at most one of each."""
    found: dict[str, Issue] = {}
    for residue in find_residue(sample.text):
        code = "placeholder" if residue.kind == "placeholder" else "model_residue"
        found.setdefault(
            code, make_issue(code, residue.start, residue.end, "" if code == "placeholder" else residue.kind)
        )
    if other := find_other_language(sample.text, sample.language):
        found["other_language"] = make_issue("other_language", detail=f"{other}, not {sample.language}")
    return list(found.values())


def check_annotation(
    text: str, annotation: Annotation, labels: LabelSchema, language: str = "", country: str = "", index: int = -1
) -> list[Issue]:
    """Every issue of one annotation of a text. Checks that need valid spans run only if all spans are valid."""
    found = _check_spans(text, annotation, labels, language)
    if not any(code in {"out_of_range", "empty_span", "too_many_spans"} for code, *_ in found):
        found += _check_crossings(annotation)
        found += _check_values(text, annotation.entities, labels, country)
        found += _check_repeats(text, annotation.entities)
        found += _check_clusters(text, annotation)
    return [make_issue(code, start, end, detail, index) for code, start, end, detail in found]


def find_errors(text: str, annotation: Annotation, labels: LabelSchema, language: str = "") -> list[Issue]:
    """Only the errors of `check_annotation`; a record that has one is neither written nor pushed."""
    return [
        make_issue(code, start, end, detail)
        for code, start, end, detail in _check_spans(text, annotation, labels, language)
        if code in ERRORS
    ]


_Finding = tuple[str, int, int, str]


def _check_spans(text: str, annotation: Annotation, labels: LabelSchema, language: str) -> list[_Finding]:
    count = len(annotation.entities) + len(annotation.mentions)
    if count > MAX_SPANS:
        return [("too_many_spans", -1, -1, f"{count:,}, at most {MAX_SPANS:,}")]
    found: list[_Finding] = []
    layers: tuple[tuple[frozenset[str], Sequence[Entity | Mention]], ...] = (
        (labels.entity_codes, annotation.entities),
        (labels.mention_codes, annotation.mentions),
    )
    for codes, spans in layers:
        seen: set[tuple[int, int, str]] = set()
        for span in spans:
            place = start, end, label = span.span
            if label not in codes:
                found.append(("unknown_label", *place))
            found += _check_borders(text, start, end, label, language)
            if place in seen:
                found.append(("duplicate_span", *place))
            seen.add(place)
    if not labels.nested:
        found += _check_overlaps(annotation.entities)
    return found


def _check_borders(text: str, start: int, end: int, label: str, language: str) -> Sequence[_Finding]:
    if start == end:
        return [("empty_span", start, end, label)]
    if not 0 <= start < end <= len(text):
        return [("out_of_range", start, end, f"{label}, the text has {len(text)} characters")]
    if stands_alone(text, start, end):
        return ()
    found = []
    if text[start].isspace() or text[end - 1].isspace():
        found.append(("edge_whitespace", start, end, label))
    elif splits_word(text, start, end):
        code = "attached_affix" if joins_affix(text, start, end, language) else "inside_word"
        found.append((code, start, end, label))
    if (text[start] in _LOOSE_PUNCTUATION or text[end - 1] in _LOOSE_PUNCTUATION) and label not in _FREE_FORM:
        found.append(("edge_punctuation", start, end, label))
    return found


def _check_overlaps(entities: Sequence[Entity]) -> Iterator[_Finding]:
    if all(one.start <= one.end <= other.start for one, other in pairwise(entities)):
        return
    reach: float = -math.inf
    previous = ""
    for entity in sorted(entities, key=lambda entity: (entity.start, entity.end)):
        if entity.start < reach:
            yield "overlap", entity.start, entity.end, f"{previous}, {entity.label}"
        if entity.end > reach:
            reach, previous = entity.end, entity.label


def _check_crossings(annotation: Annotation) -> Iterator[_Finding]:
    opened: list[int] = []
    spans: list[Entity | Mention] = [*annotation.entities, *annotation.mentions]
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        while opened and opened[-1] <= span.start:
            opened.pop()
        if opened and opened[-1] < span.end and (isinstance(span, Mention) or annotation.mentions):
            yield "crossing_layers", span.start, span.end, span.label
        opened.append(span.end)


def _check_values(text: str, entities: Sequence[Entity], labels: LabelSchema, country: str) -> Iterator[_Finding]:
    for entity in entities:
        value = text[entity.start : entity.end]
        validator = labels.validators.get(entity.label)
        if validator and not check_value(validator, value, country):
            yield "invalid_value", entity.start, entity.end, f"{entity.label}, {country or 'no country'}"
        elif entity.label in labels.described and (reason := find_mismatch(labels[entity.label], value)):
            yield "invalid_value", entity.start, entity.end, f"{entity.label}, {reason}"


def _check_repeats(text: str, entities: Sequence[Entity]) -> Iterator[_Finding]:
    surfaces = {text[entity.start : entity.end]: entity.label for entity in entities}
    worth = [value for value in surfaces if len(value) >= 3 and not (value.isdigit() and len(value) <= 4)]
    if len(worth) <= _MOST_SEARCHED:
        rest = _blank_spans(text, entities)
        worth = [value for value in worth if value in rest]
    if not worth:
        return
    covered = bytearray(len(text))
    for entity in entities:
        take_range(covered, entity.start, entity.end)
    for start, end, surface in sorted(find_all_occurrences(text, worth)):
        if not is_taken(covered, start, end) and not joins_compound(text, start, end):
            yield "unlabelled_repeat", start, end, surfaces[surface]


def _blank_spans(text: str, entities: Sequence[Entity]) -> str:
    """The text between the entities; a NUL stands for each."""
    pieces: list[str] = []
    end = 0
    for entity in sorted(entities, key=lambda entity: entity.start):
        pieces.append(text[end : entity.start])
        end = max(end, entity.end)
    return "\0".join([*pieces, text[end:]])


def _check_clusters(text: str, annotation: Annotation) -> Iterator[_Finding]:
    given_names = [entity for entity in annotation.entities if entity.label == "FIRSTNAME"]
    for mentions in annotation.clusters.values():
        first = mentions[0]
        if len(mentions) == 1:
            yield "single_mention_cluster", first.start, first.end, ""
        if len(given_names) < 2:
            continue
        names = [
            frozenset(
                word
                for entity in given_names
                if mention.start <= entity.start and entity.end <= mention.end
                for word in text[entity.start : entity.end].casefold().split()
            )
            for mention in mentions
        ]
        named = [name for name in names if name]
        if any(not (named[0] & name) for name in named[1:]):
            yield "two_given_names", first.start, first.end, ""
