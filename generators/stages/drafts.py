"""Read drafts: tagged text however it is tagged, held to its brief."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.language import find_other_language
from goldspan.annotation.text.residue import find_residue
from goldspan.annotation.text.tagged import Tagged, parse_tagged, render_tagged
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Entity
from goldspan.generators.stages.brief import match_brief
from goldspan.generators.stages.context import AnswerContext, WrongAnswerError, check_tagged
from goldspan.generators.stages.tag_reader import has_other_tags, read_leniently

_MAY_LACK = 0.25
"""Share of the brief's values that the last attempt at a draft may leave out."""


def read_draft(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    """The result of a draft: tagged text and warnings; `repairs` gets what was mended.

    Raises:
        GoldspanError: the draft cannot be used; the text is the reason.

    """
    labels, brief = context.labels, context.brief
    lost: tuple[tuple[int, int], ...] = ()
    refusal: TaggedTextError | None = None
    if "entities" in document:
        tagged = _read_values(document, context)
    else:
        written = document["tagged_text"]
        try:
            tagged = parse_tagged(written, labels)
        except TaggedTextError as error:
            refusal = error
        if refusal or has_other_tags(written, labels):
            reading = read_leniently(written, labels)
            tagged, lost = Tagged(reading.text, reading.entities), reading.lost
            repairs += reading.repairs
    text = tagged.text
    entities: Sequence[Entity] = tuple(_trim(text, entity) for entity in tagged.entities)
    if brief.get("hard_negative") and entities:
        raise WrongAnswerError("The brief asks for a document without any entity, but there are entities in it.")
    _require_clean(text, entities, context)
    match = match_brief(text, entities, brief.get("values", ()))
    repairs += match.repairs
    entities = match.entities
    if refusal and not all(_is_covered(text, span, entities) for span in lost):
        raise refusal
    given = {str(entry["label"]) for entry in brief.get("values", ())} | {entity.label for entity in entities}
    invented = [str(label) for label in brief.get("labels", ()) if label not in given]
    absent = (*match.absent, *invented)
    _require_brief(absent, match.unclear, context)
    warnings = check_tagged(Tagged(text, tuple(entities)), context)
    warnings += [f"missing_{label}" for label in sorted(absent)]
    return {"tagged_text": render_tagged(text, entities), "warnings": warnings}


def _is_covered(text: str, span: tuple[int, int], entities: Sequence[Entity]) -> bool:
    """True if every letter and digit of a span belongs to an entity."""
    inside = [(entity.start, entity.end) for entity in entities]
    return all(
        not text[place].isalnum() or any(start <= place < end for start, end in inside) for place in range(*span)
    )


def _require_clean(text: str, entities: Sequence[Entity], context: AnswerContext) -> None:
    """Refuse traces of the model, placeholders, and a text in another language."""
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
    if other := find_other_language(text, context.language):
        raise WrongAnswerError(f"The text is in another language ({other}) than the brief asks for.")


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
