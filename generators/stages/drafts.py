"""Read drafts: tagged text however it is tagged, held to its brief."""

from __future__ import annotations

import dataclasses
import html
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.labels.schema import Label
from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.language import find_other_language
from goldspan.annotation.text.residue import find_residue
from goldspan.annotation.text.tagged import Tagged, render_tagged
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Entity
from goldspan.generators.providers.plain_answers import strip_fences
from goldspan.generators.stages.additions import check_additions
from goldspan.generators.stages.brief import match_brief
from goldspan.generators.stages.context import AnswerContext, WrongAnswerError, check_tagged, read_tagged
from goldspan.generators.stages.omissions import find_omissions
from goldspan.generators.stages.tag_reader import has_other_tags, is_covered, read_leniently, strip_emphasis

_MAY_LACK = 0.25
"""Share of the brief's values that the last attempt at a draft may leave out."""
_REFERENCE = re.compile(r"&(?:[a-zA-Z]{2,31}|#\d{2,6}|#[xX][0-9a-fA-F]{2,5});")
_MARKUP = frozenset({"&lt;", "&gt;", "&amp;", "&#60;", "&#62;", "&#38;", "&#x3c;", "&#x3e;", "&#x26;"})
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})")
_MARKDOWN_ESCAPE = re.compile(r"\\([_.*#+!@|-])")
_TECHNICAL = re.compile(r"[{}\[\]=]|\\(?!u[0-9a-fA-F]{4})")
_ELEMENT = re.compile(r"</?(?:p|br|div|span|td|tr|li|ul|h[1-6]|body|html)\b[^<>]*>")
_LINE_END = re.compile(r"(?<=[\w.,:;!?>])\\n(?=[A-ZÀ-Þ<¿¡\\-])")
_LABEL_IN_BRACKETS = re.compile(
    r"[<\[{＜〈‹]\s*/?(?:[A-Za-z]+:|[BIES]-)?([A-Za-z][A-Za-z0-9_]+)\s*/?\s*[>\]}＞〉›]|\b[BI]-([A-Z][A-Z0-9_]+)\b"
    r"|\|([A-Z][A-Z0-9_]+)\||[\\@#|^~]([A-Z][A-Z0-9_]+)\b|\b([A-Z][A-Z0-9_]+)[|{#^~]"
)
_LABEL_BEHIND = re.compile(r"\s?[(\[/_]\s*([A-Z][A-Z0-9_]+)\b")
_WEB_PAGE = re.compile(r"\s*<(?:!doctype|html|body|pre|article)\b", re.IGNORECASE)
_KEY = re.compile(r"\btagged[_ ]text\b", re.IGNORECASE)
_LONG_SENTENCE = re.compile(r"[^\n.!?]{40,}[\n.!?]")
_LETTERS = 20
"""Letters of a sentence; lines of an empty table have fewer."""
_REPEATS = 3
"""Times that a long sentence stands in a document of a model that goes round in circles."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A tagged text, the spans whose tags could not be read, and why the strict reader refused it."""

    tagged: Tagged
    lost: tuple[tuple[int, int], ...] = ()
    refusal: TaggedTextError | None = None


def read_draft(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    """The result of a draft: tagged text and warnings; `repairs` gets what was mended.

    Raises:
        GoldspanError: the draft cannot be used; the text is the reason.
    """
    brief = context.brief
    if "entities" in document:
        reading = _Reading(_read_values(document, context))
    else:
        written = _unwrap(document["tagged_text"], repairs)
        reading = _read_written(written, context, repairs)
        lacks = _lacks_value(reading.tagged.text, context)
        decoded = decode_letters(written, escapes=lacks or not _TECHNICAL.search(written))
        if decoded != written:
            noted: list[str] = []
            other = _read_written(decoded, context, noted)
            if not lacks or not _lacks_value(other.tagged.text, context):
                reading = other
                repairs += [*noted, "escaped_letters"]
    text = reading.tagged.text
    entities: Sequence[Entity] = tuple(dict.fromkeys(_trim(text, entity) for entity in reading.tagged.entities))
    if not set(entities) <= set(reading.tagged.entities):
        repairs.append("trimmed_tag")
    if len(entities) < len(reading.tagged.entities):
        repairs.append("doubled_tag")
    if not context.is_trusted and (omitted := find_omissions(text, entities, context.labels)):
        entities = (*entities, *omitted)
        repairs.append("untagged_form")
    if brief.get("hard_negative") and entities:
        raise WrongAnswerError("The brief asks for a document without any entity, but there are entities in it.")
    _require_clean(text, entities, context)
    match = match_brief(text, entities, brief.get("values", ()), is_trusted=context.is_trusted)
    repairs += match.repairs
    entities = match.entities if context.is_trusted else _settle_additions(text, match.entities, context, repairs)
    _require_no_label(text, entities, context)
    if reading.refusal and not all(is_covered(text, span, entities) for span in reading.lost):
        raise reading.refusal
    given = {str(entry["label"]) for entry in brief.get("values", ())} | {entity.label for entity in entities}
    invented = [str(label) for label in brief.get("labels", ()) if label not in given]
    absent = (*match.absent, *invented)
    _require_brief(absent, match.unclear, context)
    warnings = check_tagged(Tagged(text, tuple(entities)), context)
    warnings += [f"missing_{label}" for label in sorted(absent)]
    return {"tagged_text": render_tagged(text, entities), "warnings": warnings}


def _settle_additions(
    text: str, entities: Sequence[Entity], context: AnswerContext, repairs: list[str]
) -> tuple[Entity, ...]:
    """The entities without those that the model added around ordinary words."""
    added = check_additions(text, entities, context.brief, context.labels, is_final=context.is_final)
    if added.unclear and not context.is_final:
        raise WrongAnswerError(
            f"There are tags around words that are not clearly a value of their label: {', '.join(added.unclear)}. "
            "Tag whole values alone, and nothing that is an ordinary word or a sentence."
        )
    if added.untagged:
        repairs.append("untagged_word")
    return added.entities


def decode_letters(text: str, *, escapes: bool) -> str:
    """Text without HTML references, where it is no HTML; `<`, `>` and `&` stay references.

    `escapes`: also without escapes of JSON, Python and Markdown, which technical texts may hold.
    """
    if not _ELEMENT.search(text):
        text = _REFERENCE.sub(lambda m: m[0] if m[0].casefold() in _MARKUP else html.unescape(m[0]), text)
    if escapes:
        text = _MARKDOWN_ESCAPE.sub(r"\1", _ESCAPE.sub(lambda m: chr(int(m[1] or m[2], 16)), text))
    return text if "\n" in text else _LINE_END.sub("\n", text)


def _unwrap(written: str, repairs: list[str]) -> str:
    """A tagged text without a fence around it and without emphasis on every entity."""
    written, is_emphasised = strip_emphasis(strip_fences(written, repairs))
    if is_emphasised:
        repairs.append("emphasis")
    return written


def _read_written(written: str, context: AnswerContext, repairs: list[str]) -> _Reading:
    labels = context.labels
    refusal: TaggedTextError | None = None
    try:
        tagged = read_tagged(written, labels)
    except TaggedTextError as error:
        refusal = error
    if refusal or has_other_tags(written, labels):
        found = read_leniently(written, labels)
        repairs += found.repairs
        return _Reading(Tagged(found.text, found.entities), found.lost, refusal)
    return _Reading(tagged)


def _lacks_value(text: str, context: AnswerContext) -> bool:
    return any(entry["value"] not in text for entry in context.brief.get("values", ()))


def _require_clean(text: str, entities: Sequence[Entity], context: AnswerContext) -> None:
    """Refuse traces of the model, placeholders, repetition, and a text in another language."""
    given = {entry["value"] for entry in context.brief.get("values", ())}
    asked = [entity for entity in entities if text[entity.start : entity.end] in given]
    for residue in find_residue(text):
        if not any(entity.start <= residue.start and residue.end <= entity.end for entity in asked):
            place = f"from character {residue.start} to {residue.end}"
            raise WrongAnswerError(
                f"The text holds a placeholder {place}; write the value itself."
                if residue.kind == "placeholder"
                else f"The text holds more than the document ({residue.kind}) {place}; give the document alone."
            )
    if match := _KEY.search(text) or _WEB_PAGE.match(text):
        raise WrongAnswerError(f"The text holds more than the document at character {match.start()}; give it alone.")
    sentences = Counter(match[0].strip() for match in _LONG_SENTENCE.finditer(text))
    repeated = sum(
        len(sentence) * count
        for sentence, count in sentences.items()
        if count >= _REPEATS and sum(map(str.isalpha, sentence)) >= _LETTERS
    )
    if 2 * repeated > len(text):
        raise WrongAnswerError("The text repeats itself; write each sentence once.")
    if other := find_other_language(_mask_values(text, entities, given), context.language):
        raise WrongAnswerError(f"The text is in another language ({other}) than the brief asks for.")


def _require_no_label(text: str, entities: Sequence[Entity], context: AnswerContext) -> None:
    """Refuse names of labels: in brackets or with the marks of other notations, or behind an entity of their own.

    And entities of signs alone, which are what is left of a tag, unless a label has such values.
    """
    given = {str(entry["value"]) for entry in context.brief.get("values", ())}
    places = [
        match.span()
        for match in _LABEL_IN_BRACKETS.finditer(text)
        if next(filter(None, match.groups())).upper() in context.labels.entity_codes
    ]
    for entity in entities:
        label, value = context.labels[entity.label], text[entity.start : entity.end]
        match = _LABEL_BEHIND.match(text, entity.end)
        if match and match[1] == entity.label and not _is_abbreviation(label):
            places.append(match.span())
        if not (any(map(str.isalnum, value)) or value in given or value in (*label.terms, *label.examples)):
            places.append((entity.start, entity.end))
    if places:
        start, end = min(places)
        raise WrongAnswerError(
            f"The text holds the name of a label from character {start} to {end}; write tags as <LABEL>value</LABEL>."
        )


def _is_abbreviation(label: Label) -> bool:
    """True if people write the code too: IBAN, or SSN for a social security number."""
    initials = "".join(word[0] for word in label.name.split())
    return label.code in {label.name, initials.upper()}


def _mask_values(text: str, entities: Sequence[Entity], given: Collection[str]) -> str:
    """The text without its entities and given values: names are of every language."""
    pieces, cursor = [], 0
    for entity in entities:
        pieces.append(text[cursor : max(cursor, entity.start)])
        cursor = max(cursor, entity.end)
    masked = " ".join([*pieces, text[cursor:]])
    for value in sorted(given, key=len, reverse=True):
        masked = masked.replace(value, " ")
    return masked


def _require_brief(absent: Sequence[str], unclear: Sequence[str], context: AnswerContext) -> None:
    if unclear:
        names = ", ".join(dict.fromkeys(unclear))
        raise WrongAnswerError(f"It is not clear which places of the text are these values of the brief: {names}.")
    count = max(len(context.brief.get("values", ())), len(context.brief.get("labels", ())))
    if absent and not (context.is_final and len(absent) <= count * _MAY_LACK):
        raise WrongAnswerError(f"These values of the brief do not stand in the text: {', '.join(absent)}.")


def _read_values(document: Mapping[str, Any], context: AnswerContext) -> Tagged:
    values = [(entry["value"], entry["label"]) for entry in document["entities"]]
    if unknown := sorted({label for _, label in values} - context.labels.entity_codes):
        raise WrongAnswerError(f"There are no labels {', '.join(unknown)}.")
    aligned = align_values(document["text"], values)
    if aligned.unaligned:
        missing = "; ".join(f"a {entry.label} {entry.hint}" for entry in aligned.unaligned[:3])
        raise WrongAnswerError(f"Not every value stands in the text as it is given: {missing}.")
    if doubts := [doubt for doubt in aligned.ambiguous if doubt.doubt is not Doubt.COMPOUND]:
        unclear = "; ".join(f"a {' or '.join(d.labels)} ({d.doubt.value.replace('_', ' ')})" for d in doubts[:3])
        raise WrongAnswerError(f"It is not clear which places are meant: {unclear}. Answer with tagged_text instead.")
    return Tagged(document["text"], aligned.entities)


def _trim(text: str, entity: Entity) -> Entity:
    start, end = trim_span(text, entity.start, entity.end)
    return dataclasses.replace(entity, start=start, end=end)
