"""Read answers that annotate a given text again: coreference and review."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from typing import Any

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.text.tagged import Tagged, render_tagged
from goldspan.annotation.types import Mention
from goldspan.generators.stages.context import AnswerContext, WrongAnswerError, check_tagged, read_tagged
from goldspan.generators.stages.mentions import resolve_chains
from goldspan.generators.stages.reviews import apply_proposals
from goldspan.generators.stages.tag_reader import fold_tag_case, strip_entity_tags

_TYPOGRAPHY = str.maketrans("’‘“”„«»–—‐‑\u00a0\u202f", '\'\'"""""----  ')


def require_same_text(before: Tagged, after: Tagged) -> None:
    """Refuse an answer that changed the text.

    Raises:
        GoldspanError: names the first character that differs.
    """
    if before.text != after.text:
        pairs = zip(before.text, after.text, strict=False)
        place = next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(before.text), len(after.text)))
        raise WrongAnswerError(f"The text was changed: it differs from the one given from character {place} on.")


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
    before = read_tagged(context.tagged_text, context.labels)
    folded = fold_tag_case(document["tagged_text"], context.labels)
    if folded != document["tagged_text"]:
        repairs.append("tag_case")
    after = _restore_text(before, read_tagged(folded, context.labels), repairs)
    require_same_text(before, after)
    return before, after


def read_coreference(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    """The result of the coreference stage: the entities that went in, with the mentions of the answer.

    Raises:
        GoldspanError: a mention cannot be placed, or mentions cross one another; or the text was changed.
    """
    before = read_tagged(context.tagged_text, context.labels)
    if "chains" in document:
        mentions = resolve_chains(document["chains"], before, context, repairs)
    else:
        mentions = _read_mention_tags(document, before, context, repairs)
    marked = Tagged(before.text, before.entities, mentions)
    warnings = check_tagged(marked, context)
    return {"tagged_text": render_tagged(marked.text, marked.entities, marked.mentions), "warnings": warnings}


def _read_mention_tags(
    document: Mapping[str, Any], before: Tagged, context: AnswerContext, repairs: list[str]
) -> tuple[Mention, ...]:
    """The mentions of an answer that repeats the text; its entity tags mean nothing, so changed ones are restored."""
    answered: Tagged | None = None
    with contextlib.suppress(TaggedTextError):
        answered = read_tagged(document["tagged_text"], context.labels)
    if answered is None or answered.entities != before.entities:
        repairs.append("entity_tags")
        answered = read_tagged(strip_entity_tags(document["tagged_text"], context.labels), context.labels)
    after = _restore_text(before, answered, repairs)
    require_same_text(before, after)
    return after.mentions


def read_review(document: Mapping[str, Any], context: AnswerContext, repairs: list[str]) -> dict[str, Any]:
    """The result of a review: the annotation with every change that has a reason and is sound.

    Raises:
        GoldspanError: the text was changed.
    """
    before, after = _read_same(document, context, repairs)

    def is_sound(tagged: Tagged) -> bool:
        try:
            check_tagged(tagged, context)
        except WrongAnswerError:
            return False
        return True

    reviewed, proposals = apply_proposals(before, after, document["proposals"], is_sound)
    return {
        "tagged_text": render_tagged(reviewed.text, reviewed.entities, reviewed.mentions),
        "proposals": proposals,
        "warnings": check_tagged(reviewed, context),
    }
