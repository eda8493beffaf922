"""Document types and their registers, lengths and weights."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from goldspan.annotation.labels.schema import LabelSchema

DOCUMENT_TYPES: dict[str, str] = {
    "support_email": "formal",
    "chat": "informal",
    "medical_letter": "formal",
    "bank_letter": "formal",
    "job_application": "formal",
    "accident_report": "formal",
    "rental_contract": "formal",
    "hr_memo": "formal",
    "delivery_note": "formal",
    "forum_post": "informal",
    "phone_transcript": "formal",
    "invoice": "formal",
    "email_thread": "formal",
    "sms": "informal",
    "voice_note": "informal",
    "note": "formal",
    "post": "informal",
    "news": "formal",
    "form": "formal",
    "table": "formal",
    "record": "formal",
    "log": "formal",
    "scan": "formal",
}
"""Document types and the register that people write them in."""

_OF_ANY_SUBJECT = (
    "support_email", "email_thread", "chat", "sms", "voice_note", "phone_transcript", "note", "post", "forum_post",
    "news", "form", "table", "record", "log", "scan",
)  # fmt: skip
"""Document types of projects about another subject than personal data that name none of their own."""

LENGTHS = {"short": (60, 250), "medium": (200, 700), "long": (500, 1500)}
"""Length bands and about how many characters they mean."""

_WEIGHTS = {"form": 0.5, "table": 0.5, "record": 0.75, "log": 0.45, "note": 3.5, "post": 3.5, "news": 5.0}
"""Weights of document types; others have 1. A model that learned from many lists misses names in sentences."""

BRIEF = frozenset({"note", "post"})
"""Document types of a sentence or two."""


def list_document_types(labels: LabelSchema) -> tuple[str, ...]:
    """The document types of a project: its own, else those that suit its purpose."""
    return labels.purpose.document_types or (tuple(DOCUMENT_TYPES) if labels.purpose.is_pii else _OF_ANY_SUBJECT)


def draw_type(rng: Random, document_types: Sequence[str]) -> str:
    """One of the document types; lists are rarer than sentences."""
    weights = [_WEIGHTS.get(document_type, 1.0) for document_type in document_types]
    return rng.choices(document_types, weights)[0]
