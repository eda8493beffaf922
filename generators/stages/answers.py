"""Judge an answer: finish reason first, then JSON, its schema, tagged text, labels, the brief, checks.

A truncated answer is never mended: it is asked again with more room. Everything else that can be mended without doubt
is mended, and each repair is named in the result. Every refusal carries a reason that is written for the model that is
asked again, and that quotes no more of the text than a tag.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.checks import Issue, check_annotation, check_text, has_errors
from goldspan.annotation.errors import GoldspanError, TaggedTextError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.language import find_other_language
from goldspan.annotation.text.residue import find_residue
from goldspan.annotation.text.tagged import Tagged, parse_tagged, render_tagged
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.generators.providers.lenient_parser import TruncatedJsonError
from goldspan.generators.providers.protocol import Answer, AnswerState
from goldspan.generators.providers.tolerant_json import LoadedAnswer, load_answer, strip_reasoning
from goldspan.generators.stages.brief import match_brief
from goldspan.generators.stages.reviews import apply_proposals
from goldspan.generators.stages.tag_reader import fold_tag_case, has_label_tags, read_leniently

_AUTHOR = Author.model("draft")
_MAY_LACK = 0.25
"""Share of the brief's values that the last attempt at a draft may leave out."""
_ALIASES = {
    "value": ("value", "text", "entity", "word", "span", "surface"),
    "label": ("label", "type", "entity_type", "category", "tag"),
}
_TYPOGRAPHY = str.maketrans("’‘“”„«»–—‐‑\u00a0\u202f", '\'\'"""""----  ')
_FENCE_LINES = "```"


@dataclass(frozen=True, slots=True)
class AnswerVerdict:
    """How a row ends. `state` is a decided row state, `result` what the next stage works with when it is `ok`."""

    state: str
    reason: str = ""
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What an answer is checked against: labels, brief, and the input tagged text (empty for a draft).

    `is_final`: no attempt is left after this one.
    """

    labels: LabelSchema
    brief: Mapping[str, Any]
    tagged_text: str = ""
    is_final: bool = False

    @property
    def language(self) -> str:
        """ISO 639-1, from the brief."""
        return str(self.brief.get("language", ""))

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2, from the brief."""
        return str(self.brief.get("country", ""))


class _WrongAnswerError(GoldspanError):
    """The answer cannot be used; the text is the reason."""


def judge_answer(answer: Answer, stage: str, context: AnswerContext) -> AnswerVerdict:
    """Read one answer of a stage."""
    if answer.state is not AnswerState.ANSWERED:
        return AnswerVerdict(answer.state.value, ": ".join(part for part in (answer.error, answer.message) if part))
    if answer.finish_reason == "length":
        return AnswerVerdict("truncated", "The answer was cut off at the token limit.")
    if answer.refusal or answer.finish_reason == "content_filter":
        return AnswerVerdict(
            "refused", schemas.shorten(answer.refusal or "The provider's content filter stopped it.", 200)
        )
    try:
        loaded = _load(answer.content, stage, context)
        repairs = [*answer.repairs, *loaded.repairs]
        result = _READERS[stage](loaded.document, context, repairs)
    except TruncatedJsonError:
        return AnswerVerdict("truncated", "The answer ends in the middle.")
    except GoldspanError as error:
        return AnswerVerdict("invalid", schemas.shorten(str(error), 400))
    if repairs:
        result["repairs"] = list(dict.fromkeys(repairs))
    return AnswerVerdict("ok", result=result)


def _load(content: str, stage: str, context: AnswerContext) -> LoadedAnswer:
    if not content.strip():
        raise _WrongAnswerError("The answer is empty.")
    try:
        loaded = load_answer(content, _list_keys(stage))
    except TruncatedJsonError:
        raise
    except ValueError as error:
        loaded = _load_bare(content, stage, context, error)
    document = _name_fields(loaded.document)
    problems = answer_validator(stage).problems(document)
    if problems:
        raise _WrongAnswerError(
            "The JSON does not fit: " + "; ".join(f"{p.pointer or '/'} {p.message}" for p in problems[:3])
        )
    return LoadedAnswer(document, loaded.repairs)


def _load_bare(content: str, stage: str, context: AnswerContext, error: ValueError) -> LoadedAnswer:
    """A document that came with its tags but without its JSON."""
    repairs: list[str] = []
    body = strip_reasoning(content, repairs).strip()
    if _FENCE_LINES in body:
        _, _, inner = body.partition(_FENCE_LINES)
        body = inner.partition("\n")[2].partition(_FENCE_LINES)[0].strip()
    if stage == "review" or body[:1] in {"{", "["} or not has_label_tags(body, context.labels):
        raise _WrongAnswerError(f"The answer is not JSON of the form that was asked for: {error}.") from None
    return LoadedAnswer({"tagged_text": body}, (*repairs, "bare_text"))


@cache
def _list_keys(stage: str) -> tuple[str, ...]:
    definitions = schemas.load("generation-answer")["$defs"]
    names = [name for name in (stage, f"{stage}_values") if name in definitions]
    return tuple(key for name in names for key in definitions[name]["properties"])


def _name_fields(document: dict[str, Any]) -> dict[str, Any]:
    """The document without what its schema does not know: a draft's values under other names, a second form."""
    if "tagged_text" in document:
        return {key: value for key, value in document.items() if key not in {"text", "entities"}}
    entities = document.get("entities")
    if isinstance(entities, list):
        return {**document, "entities": [_name_value(entry) for entry in entities]}
    return document


def _name_value(entry: Any) -> Any:
    if not isinstance(entry, Mapping):
        return entry
    found = {
        name: next((entry[alias] for alias in aliases if isinstance(entry.get(alias), str)), None)
        for name, aliases in _ALIASES.items()
    }
    return {name: value for name, value in found.items() if value is not None}


@cache
def answer_validator(stage: str) -> schemas.Validator:
    """The compiled validator of what a stage may answer; a draft may also come as values without places."""
    document = schemas.load("generation-answer")
    definitions = document["$defs"]
    names = [name for name in (stage, f"{stage}_values") if name in definitions]
    chosen = (
        {"$ref": f"#/$defs/{names[0]}"} if len(names) == 1 else {"anyOf": [{"$ref": f"#/$defs/{n}"} for n in names]}
    )
    return schemas.Validator({"$schema": document["$schema"], "$defs": definitions, **chosen})


def answer_schema(stage: str) -> dict[str, Any]:
    """The JSON Schema that a provider is asked to hold the model to: the stage's own object.

    Strict structured outputs know no lengths of strings, so these are checked here alone.
    """
    strict: dict[str, Any] = _drop_lengths(schemas.load("generation-answer")["$defs"][stage])
    return strict


def _drop_lengths(schema: Any) -> Any:
    if isinstance(schema, Mapping):
        return {name: _drop_lengths(value) for name, value in schema.items() if name != "minLength"}
    return [_drop_lengths(value) for value in schema] if isinstance(schema, list) else schema


def _read_draft(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    labels, brief = context.labels, context.brief
    lost: tuple[tuple[int, int], ...] = ()
    refusal: TaggedTextError | None = None
    if "entities" in document:
        tagged = _read_values(document, context)
    else:
        try:
            tagged = parse_tagged(document["tagged_text"], labels)
        except TaggedTextError as error:
            reading = read_leniently(document["tagged_text"], labels)
            tagged, lost, refusal = Tagged(reading.text, reading.entities), reading.lost, error
            repairs += reading.repairs
    text = tagged.text
    entities: Sequence[Entity] = tuple(_trim(text, entity) for entity in tagged.entities)
    if brief.get("hard_negative") and entities:
        raise _WrongAnswerError("The brief asks for a document without any entity, but there are entities in it.")
    _require_clean(text, entities, context)
    match = match_brief(text, entities, brief.get("values", ()))
    repairs += match.repairs
    entities = match.entities
    if refusal and not all(_is_covered(text, span, entities) for span in lost):
        raise refusal
    _require_brief(match.absent, match.unclear, context)
    warnings = _check(Tagged(text, tuple(entities)), context)
    warnings += [f"missing_{label}" for label in sorted(match.absent)]
    return {"tagged_text": render_tagged(text, entities), "warnings": warnings}


def _is_covered(text: str, span: tuple[int, int], entities: Sequence[Entity]) -> bool:
    """True if every letter and digit of a span belongs to an entity."""
    inside = [(entity.start, entity.end) for entity in entities]
    return all(
        not text[place].isalnum() or any(start <= place < end for start, end in inside) for place in range(*span)
    )


def _require_clean(text: str, entities: Sequence[Entity], context: AnswerContext) -> None:
    """Refuse traces of the model, placeholders, and a text in another language."""
    for residue in find_residue(text):
        if not any(entity.start <= residue.start and residue.end <= entity.end for entity in entities):
            place = f"from character {residue.start} to {residue.end}"
            raise _WrongAnswerError(
                f"The text holds a placeholder {place}; write the value itself."
                if residue.kind == "placeholder"
                else f"The text holds more than the document ({residue.kind}) {place}; give the document alone."
            )
    if other := find_other_language(text, context.language):
        raise _WrongAnswerError(f"The text is in another language ({other}) than the brief asks for.")


def _require_brief(absent: Sequence[str], unclear: Sequence[str], context: AnswerContext) -> None:
    if unclear:
        names = ", ".join(dict.fromkeys(unclear))
        raise _WrongAnswerError(f"It is not clear which places of the text are these values of the brief: {names}.")
    count = len(context.brief.get("values", ()))
    if absent and not (context.is_final and len(absent) <= count * _MAY_LACK):
        raise _WrongAnswerError(f"These values of the brief do not stand in the text: {', '.join(absent)}.")


def _read_values(document: Mapping[str, Any], context: AnswerContext) -> Tagged:
    values = [(entry["value"], entry["label"]) for entry in document["entities"]]
    if unknown := sorted({label for _, label in values} - context.labels.entity_codes):
        raise _WrongAnswerError(f"There are no labels {', '.join(unknown)}.")
    aligned = align_values(document["text"], values)
    if aligned.unaligned:
        missing = "; ".join(f"a {entry.label} {entry.hint}" for entry in aligned.unaligned[:3])
        raise _WrongAnswerError(f"Not every value stands in the text as it is given: {missing}.")
    if doubts := [doubt for doubt in aligned.ambiguous if doubt.doubt is not Doubt.COMPOUND]:
        unclear = "; ".join(f"a {' or '.join(d.labels)} ({d.doubt.value.replace('_', ' ')})" for d in doubts[:3])
        raise _WrongAnswerError(f"It is not clear which places are meant: {unclear}. Answer with tagged_text instead.")
    return Tagged(document["text"], aligned.entities)


def _trim(text: str, entity: Entity) -> Entity:
    start, end = trim_span(text, entity.start, entity.end)
    return dataclasses.replace(entity, start=start, end=end)


def _check(tagged: Tagged, context: AnswerContext) -> list[str]:
    annotation = Annotation(_AUTHOR, tagged.entities, tagged.mentions)
    issues: list[Issue] = check_text(tagged.text)
    issues += check_annotation(tagged.text, annotation, context.labels, context.language, context.country)
    if has_errors(issues):
        raise _WrongAnswerError("; ".join(dict.fromkeys(i.message for i in issues if i.severity == "error")))
    return sorted(issue.code for issue in issues)


def require_same_text(before: Tagged, after: Tagged) -> None:
    """Refuse an answer that changed the text.

    Raises:
        GoldspanError: names the first character that differs.

    """
    if before.text != after.text:
        pairs = zip(before.text, after.text, strict=False)
        place = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(before.text), len(after.text)))
        raise _WrongAnswerError(f"The text was changed: it differs from the one given from character {place} on.")


def _restore_text(before: Tagged, after: Tagged, repairs: list[str]) -> Tagged:
    """The answer on the text as it was given, where it only lost white space at its ends or changed typography."""
    if after.text == before.text:
        return after
    offset = len(before.text) - len(before.text.lstrip())
    stripped = after.text.strip()
    shift = offset - (len(after.text) - len(after.text.lstrip()))
    if stripped.translate(_TYPOGRAPHY) != before.text.strip().translate(_TYPOGRAPHY):
        return after
    repairs.append("typography")
    return Tagged(
        before.text,
        tuple(dataclasses.replace(e, start=e.start + shift, end=e.end + shift) for e in after.entities),
        tuple(dataclasses.replace(m, start=m.start + shift, end=m.end + shift) for m in after.mentions),
    )


def _read_same(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> tuple[Tagged, Tagged]:
    """What went in, and what came back on the same text."""
    before = parse_tagged(context.tagged_text, context.labels)
    folded = fold_tag_case(document["tagged_text"], context.labels)
    if folded != document["tagged_text"]:
        repairs.append("tag_case")
    after = _restore_text(before, parse_tagged(folded, context.labels), repairs)
    require_same_text(before, after)
    return before, after


def _read_coreference(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    before, after = _read_same(document, context, repairs)
    if before.entities != after.entities:
        count = len(set(before.entities) ^ set(after.entities))
        raise _WrongAnswerError(f"{count} entity tags were changed; only <m> tags may be added.")
    warnings = _check(after, context)
    return {"tagged_text": render_tagged(after.text, after.entities, after.mentions), "warnings": warnings}


def _read_review(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    before, after = _read_same(document, context, repairs)

    def is_sound(tagged: Tagged) -> bool:
        try:
            _check(tagged, context)
        except _WrongAnswerError:
            return False
        return True

    reviewed, proposals = apply_proposals(before, after, document["proposals"], is_sound)
    return {
        "tagged_text": render_tagged(reviewed.text, reviewed.entities, reviewed.mentions),
        "proposals": proposals,
        "warnings": _check(reviewed, context),
    }


_READERS: Mapping[str, Callable[[Mapping[str, Any], AnswerContext, list[str]], dict[str, Any]]] = {
    "draft": _read_draft,
    "coreference": _read_coreference,
    "review": _read_review,
}
