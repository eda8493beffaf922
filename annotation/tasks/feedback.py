"""What a person says about a whole document: choices and notes of the labelling screen, read from `Annotation.other`.

The results themselves are kept verbatim as Label Studio holds them; this reads those of our own two controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from goldspan.annotation.types import Annotation

DOCUMENT_CONTROL = "document"
NOTE_CONTROL = "note"


class DocumentChoice(StrEnum):
    """A statement about the document."""

    NO_ENTITIES = "no_entities"
    UNUSABLE = "unusable"
    WRONG_LANGUAGE = "wrong_language"
    UNSURE = "unsure"

    @property
    def words(self) -> str:
        """The choice as it stands on the screen."""
        return self.value.replace("_", " ").capitalize()


@dataclass(frozen=True, slots=True)
class Feedback:
    """The choices and the notes of one annotation."""

    choices: frozenset[DocumentChoice] = frozenset()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """True if anything was said."""
        return bool(self.choices or self.notes)

    @property
    def is_unusable(self) -> bool:
        """True for a document that should not be trained on."""
        return bool(self.choices & {DocumentChoice.UNUSABLE, DocumentChoice.WRONG_LANGUAGE})


def read_feedback(annotation: Annotation) -> Feedback:
    """The feedback of an annotation; what is not readable is no feedback."""
    try:
        items = orjson.loads(annotation.other) if annotation.other else []
    except orjson.JSONDecodeError:
        return Feedback()
    choices: set[DocumentChoice] = set()
    notes: list[str] = []
    for item in items if isinstance(items, list) else []:
        value = item.get("value") if isinstance(item, Mapping) else None
        if not isinstance(value, Mapping):
            continue
        if item.get("from_name") == DOCUMENT_CONTROL:
            choices |= {choice for choice in DocumentChoice if choice.value in _read_strings(value.get("choices"))}
        elif item.get("from_name") == NOTE_CONTROL:
            notes += _read_strings(value.get("text"))
    return Feedback(frozenset(choices), tuple(notes))


def _read_strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and one.strip()]
