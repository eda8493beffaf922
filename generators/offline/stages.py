"""The offline author at each stage of generation, as `generators.responder` asks for it."""

from __future__ import annotations

from typing import Any

from annotation.labels import LabelSchema
from annotation.tagged import parse_tagged, render_tagged
from generators.offline.author import compose_document
from generators.specs import Spec


def author_draft(spec: Spec, labels: LabelSchema) -> str:
    """The document with its entities, as tagged text."""
    document = compose_document(spec, labels)
    return render_tagged(document.text, document.entities)


def author_coreference(spec: Spec, tagged_text: str, labels: LabelSchema) -> str:
    """The same tagged text with mentions; unchanged when the text is not this author's own."""
    document = compose_document(spec, labels)
    given = parse_tagged(tagged_text, labels)
    if (given.text, given.entities) != (document.text, document.entities):
        return tagged_text
    return render_tagged(document.text, document.entities, document.mentions)


def author_review(spec: Spec, tagged_text: str, labels: LabelSchema) -> dict[str, Any]:
    """What the reviewer answers: the author's own annotation needs no correction."""
    return {"proposals": [], "tagged_text": tagged_text}
