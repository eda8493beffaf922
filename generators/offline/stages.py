"""The offline author at each stage of generation, as `goldspan.generators.offline.model` asks for it."""

from __future__ import annotations

from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.alignment import TextSearch
from goldspan.annotation.text.tagged import Tagged, parse_tagged, render_tagged
from goldspan.annotation.types import Entity
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.mistakes import drop_crossing_mentions, make_mistakes
from goldspan.generators.specs.spec import Spec
from goldspan.generators.stages.judging import SCORES
from goldspan.generators.stages.mentions import find_mentions
from goldspan.generators.surrogates.chance import make_random


def author_draft(spec: Spec, labels: LabelSchema, mistake_rate: float = 0.0) -> str:
    """The document with its entities, as tagged text; about `mistake_rate` of them (0 to 1) are wrong."""
    document = compose_document(spec, labels)
    if mistake_rate > 0:
        document = make_mistakes(document, spec, labels, mistake_rate)
    return render_tagged(document.text, document.entities)


def author_coreference(spec: Spec, tagged_text: str, labels: LabelSchema) -> dict[str, Any]:
    """The mentions of the text as chains; none when the text is not this author's own."""
    document = compose_document(spec, labels)
    given = parse_tagged(tagged_text, labels)
    if given.text != document.text:
        return {"chains": []}
    marked = drop_crossing_mentions(document, given.entities)
    chains: dict[str, list[dict[str, Any]]] = {}
    search = TextSearch(marked.text)
    for number, mention in enumerate(marked.mentions):
        words = marked.text[mention.start : mention.end]
        places = find_mentions(search, words, spec.language)
        entry = {"text": words, "nth": places.index((mention.start, mention.end)) + 1, "kind": mention.label}
        chains.setdefault(mention.cluster or f"alone {number}", []).append(entry)
    return {"chains": list(chains.values())}


def author_review(spec: Spec, tagged_text: str, labels: LabelSchema) -> dict[str, Any]:
    """What the reviewer answers: a proposal for each entity that is not as the author meant it.

    A text that is not the author's own gets no proposals.
    """
    document = compose_document(spec, labels)
    given = parse_tagged(tagged_text, labels)
    if given.text != document.text or given.entities == document.entities:
        return {"proposals": [], "tagged_text": tagged_text}
    proposals = [_propose(given, meant) for meant in document.entities if meant not in given.entities]
    return {"proposals": proposals, "tagged_text": render_tagged(given.text, document.entities, given.mentions)}


def author_judgement(spec: Spec, tagged_text: str, labels: LabelSchema) -> dict[str, Any]:
    """What the judge answers: scores drawn by seed, high ones for the author's own text."""
    rng = make_random(spec.seed, spec.index, "judge")
    is_own = parse_tagged(tagged_text, labels).text == compose_document(spec, labels).text
    scores = {name: rng.choice((3, 4, 5) if is_own else (1, 2, 3)) for name in SCORES}
    return {**scores, "remark": "" if is_own else "The text is not what the brief asks for."}


def _propose(given: Tagged, meant: Entity) -> dict[str, str]:
    rivals = _find_rivals(given, meant)
    if not rivals:
        kind, reason = "add", f"This is a {meant.label} without a tag."
    elif (rivals[0].start, rivals[0].end) == (meant.start, meant.end):
        kind, reason = "relabel", f"This is a {meant.label}, not a {rivals[0].label}."
    else:
        kind, reason = "resize", "The tag takes in too much or too little."
    return {"kind": kind, "value": _quote(given, meant), "label": meant.label, "reason": reason}


def _find_rivals(tagged: Tagged, entity: Entity) -> list[Entity]:
    return [other for other in tagged.entities if other.start < entity.end and entity.start < other.end]


def _quote(tagged: Tagged, entity: Entity) -> str:
    return tagged.text[entity.start : entity.end]
