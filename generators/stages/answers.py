"""Judge an answer: finish reason first, then JSON, its schema, tagged text, labels, checks.

A truncated answer is never mended: it is asked again with more room. Every refusal carries a reason that is written
for the model that is asked again, and that quotes no more of the text than a tag.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.checks import Issue, check_annotation, check_text, has_errors
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.alignment import Doubt, align_values
from goldspan.annotation.text.tagged import Tagged, parse_tagged, render_tagged
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.generators.providers.protocol import Answer, AnswerState, load_json
from goldspan.generators.stages.reviews import apply_proposals

_AUTHOR = Author.model("draft")
_MAY_LACK = 0.5
"""Share of the brief's values that a draft may leave out."""


@dataclass(frozen=True, slots=True)
class AnswerVerdict:
    """How a row ends. `state` is a decided row state, `result` what the next stage works with when it is `ok`."""

    state: str
    reason: str = ""
    result: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """What an answer is checked against: labels, brief, and the input tagged text (empty for a draft)."""

    labels: LabelSchema
    brief: Mapping[str, Any]
    tagged_text: str = ""

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
        return AnswerVerdict("ok", result=_READERS[stage](_parse_json(answer.content, stage), context))
    except GoldspanError as error:
        return AnswerVerdict("invalid", schemas.shorten(str(error), 400))


def _parse_json(content: str, stage: str) -> dict[str, Any]:
    try:
        document = load_json(content)
    except ValueError as error:
        raise _WrongAnswerError(f"The answer is not JSON: {error}.") from None
    problems = answer_validator(stage).problems(document)
    if problems:
        raise _WrongAnswerError(
            "The JSON does not fit: " + "; ".join(f"{p.pointer or '/'} {p.message}" for p in problems[:3])
        )
    answer: dict[str, Any] = document
    return answer


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


def _read_draft(document: Mapping[str, Any], context: AnswerContext) -> dict[str, Any]:
    tagged = (
        _read_values(document, context)
        if "entities" in document
        else parse_tagged(document["tagged_text"], context.labels)
    )
    entities = tuple(_trim(tagged.text, entity) for entity in tagged.entities)
    warnings = _check(Tagged(tagged.text, entities), context)
    _require_brief(tagged.text, entities, context.brief)
    return {"tagged_text": render_tagged(tagged.text, entities), "warnings": warnings}


def _require_brief(text: str, entities: Sequence[Entity], brief: Mapping[str, Any]) -> None:
    if brief.get("hard_negative") and entities:
        raise _WrongAnswerError("The brief asks for a document without personal data, but there are entities in it.")
    missing = [entry["label"] for entry in brief.get("values", ()) if entry["value"] not in text]
    if len(missing) > len(brief.get("values", ())) * _MAY_LACK:
        raise _WrongAnswerError(f"These values of the brief do not stand in the text: {', '.join(missing)}.")


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


def _read_coreference(document: Mapping[str, Any], context: AnswerContext) -> dict[str, Any]:
    before = parse_tagged(context.tagged_text, context.labels)
    after = parse_tagged(document["tagged_text"], context.labels)
    require_same_text(before, after)
    if before.entities != after.entities:
        count = len(set(before.entities) ^ set(after.entities))
        raise _WrongAnswerError(f"{count} entity tags were changed; only <m> tags may be added.")
    warnings = _check(after, context)
    return {"tagged_text": render_tagged(after.text, after.entities, after.mentions), "warnings": warnings}


def _read_review(document: Mapping[str, Any], context: AnswerContext) -> dict[str, Any]:
    before = parse_tagged(context.tagged_text, context.labels)
    after = parse_tagged(document["tagged_text"], context.labels)
    require_same_text(before, after)

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


_READERS: Mapping[str, Callable[[Mapping[str, Any], AnswerContext], dict[str, Any]]] = {
    "draft": _read_draft,
    "coreference": _read_coreference,
    "review": _read_review,
}
