"""Judge an answer: finish reason first, then JSON, its schema, tagged text, labels, the brief, checks.

A truncated answer is never mended: it is asked again with more room. Everything else that can be mended without doubt
is mended, and each repair is named in the result. Every refusal carries a reason that is written for the model that is
asked again, and that quotes no more of the text than a tag.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.providers.lenient_parser import TruncatedJsonError
from goldspan.generators.providers.plain_answers import find_plain, strip_template, unwrap_document
from goldspan.generators.providers.protocol import Answer, AnswerState
from goldspan.generators.providers.tolerant_json import LoadedAnswer, load_answer, strip_reasoning
from goldspan.generators.stages.answer_shapes import DOCUMENT_KEYS, pick_tagged, shape_document
from goldspan.generators.stages.context import AnswerContext, WrongAnswerError
from goldspan.generators.stages.drafts import read_draft
from goldspan.generators.stages.judging import name_scores, read_judgement
from goldspan.generators.stages.mentions import name_chains
from goldspan.generators.stages.revisions import read_coreference, read_review
from goldspan.generators.stages.tag_reader import has_label_tags, is_cut

_FENCE_LINES = "```"
_FORMS = {"draft": ("draft", "draft_values"), "coreference": ("coreference", "coreference_tagged")}
"""Forms in which a stage may be answered, the one that is asked for first."""
_OTHER_KEYS = {"coreference": ("mentions",), "judge": ("scores",)}
_TEXT_STAGES = frozenset({"draft", "coreference"})
"""Stages whose answer may be a tagged text alone, in whatever notation."""
_UNBOUNDED = frozenset({"yaml", "markdown", "bare_text"})
"""Repairs of answers that have no end mark: whether they are whole has to be seen from the text."""


@dataclass(frozen=True, slots=True)
class AnswerVerdict:
    """How a row ends. `state` is a decided row state, `result` what the next stage works with when it is `ok`."""

    state: str
    reason: str = ""
    result: dict[str, Any] | None = None


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


def load_content(content: str, stage: str, labels: LabelSchema) -> LoadedAnswer:
    """The object of an answer, in whatever notation: the fields that a stage may be answered with.

    Raises:
        TruncatedJsonError: the answer ends in the middle.
        WrongAnswerError: there is no such object.
    """
    if not content.strip():
        raise WrongAnswerError("The answer is empty.")
    repairs: list[str] = []
    body = strip_template(strip_reasoning(content, repairs), repairs)
    loaded = _load_plain(body, stage) or _load_json(body, stage, labels)
    if _UNBOUNDED & set(loaded.repairs) and is_cut(loaded.document["tagged_text"], labels):
        raise TruncatedJsonError("the text ends inside an entity")
    return LoadedAnswer(loaded.document, (*repairs, *loaded.repairs))


def _load(content: str, stage: str, context: AnswerContext) -> LoadedAnswer:
    loaded = load_content(content, stage, context.labels)
    document, repairs = loaded.document, list[str]()
    if stage == "coreference" and (chains := name_chains(document)) is not None:
        document = chains
    elif stage == "judge":
        document = name_scores(document, repairs)
    elif stage in _TEXT_STAGES:
        values: dict[str, set[str]] = {}
        for entry in context.brief.get("values", ()):
            values.setdefault(str(entry["label"]), set()).add(str(entry["value"]))
        document = shape_document(document, context.labels, values)
        if document != loaded.document:
            repairs.append("shape")
    if wrong := answer_validator(stage).explain(document):
        raise WrongAnswerError(f"The JSON does not fit: {wrong}")
    return LoadedAnswer(document, (*repairs, *loaded.repairs))


def _load_plain(body: str, stage: str) -> LoadedAnswer | None:
    """A tagged text that is named in another notation than JSON."""
    repairs: list[str] = []
    text = find_plain(body, "tagged_text", repairs) if stage in _TEXT_STAGES else None
    return None if text is None else LoadedAnswer({"tagged_text": text}, tuple(repairs))


def _load_json(body: str, stage: str, labels: LabelSchema) -> LoadedAnswer:
    try:
        return load_answer(body, _list_keys(stage))
    except TruncatedJsonError:
        raise
    except ValueError as error:
        if stage in _TEXT_STAGES and (found := _load_bare(body, labels)):
            return found
        raise WrongAnswerError(f"The answer is not JSON of the form that was asked for: {error}.") from None


def _load_bare(body: str, labels: LabelSchema) -> LoadedAnswer | None:
    """A document that came with its tags but under another name, or without its JSON."""
    repairs: list[str] = []
    with contextlib.suppress(ValueError):
        loaded = load_answer(body, DOCUMENT_KEYS)
        if found := pick_tagged(loaded.document, labels):
            return LoadedAnswer(found, (*loaded.repairs, "key_spelling"))
    body = body.strip()
    if _FENCE_LINES in body:
        _, _, inner = body.partition(_FENCE_LINES)
        body = inner.partition("\n")[2].partition(_FENCE_LINES)[0].strip()
    body = unwrap_document(body, repairs)
    if body[:1] in {"{", "["} or not has_label_tags(body, labels):
        return None
    return LoadedAnswer({"tagged_text": body}, (*repairs, "bare_text"))


@cache
def _list_keys(stage: str) -> tuple[str, ...]:
    definitions = schemas.load("generation-answer")["$defs"]
    keys = (key for name in _list_forms(stage) for key in definitions[name]["properties"])
    return (*keys, *_OTHER_KEYS.get(stage, ()))


def _list_forms(stage: str) -> tuple[str, ...]:
    return _FORMS.get(stage, (stage,))


@cache
def answer_validator(stage: str) -> schemas.Validator:
    """The compiled validator of what a stage may answer, in each of its forms."""
    document = schemas.load("generation-answer")
    definitions = document["$defs"]
    names = _list_forms(stage)
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


_READERS: Mapping[str, Callable[[Mapping[str, Any], AnswerContext, list[str]], dict[str, Any]]] = {
    "draft": read_draft,
    "coreference": read_coreference,
    "review": read_review,
    "judge": read_judgement,
}
