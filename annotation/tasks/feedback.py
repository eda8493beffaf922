"""What a person says besides spans: choices and notes on the document, doubts about regions, from `Annotation.other`.

The results themselves are kept verbatim as Label Studio holds them; this reads those of our own three controls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

import orjson

from goldspan.annotation.types import Annotation

Choice = TypeVar("Choice", bound=StrEnum)
DOCUMENT_CONTROL = "document"
NOTE_CONTROL = "note"
DOUBT_CONTROL = "doubt"


class DocumentChoice(StrEnum):
    """A statement about the document."""

    NO_ENTITIES = "no_entities"
    UNUSABLE = "unusable"
    WRONG_LANGUAGE = "wrong_language"
    UNSURE = "unsure"

    @property
    def words(self) -> str:
        """The choice as shown on the screen."""
        return self.value.replace("_", " ").capitalize()


class RegionDoubt(StrEnum):
    """Why a person is unsure of a region."""

    LABEL = "label"
    BOUNDARY = "boundary"
    ENTITY = "entity"

    @property
    def words(self) -> str:
        """The reason as shown on the screen."""
        return _DOUBT_WORDS[self]


_DOUBT_WORDS = {
    RegionDoubt.LABEL: "Unsure which label",
    RegionDoubt.BOUNDARY: "Unsure where it begins or ends",
    RegionDoubt.ENTITY: "Unsure whether to mark it",
}


@dataclass(frozen=True, slots=True)
class Feedback:
    """The choices and notes of one annotation, and the doubts about its regions by region id."""

    choices: frozenset[DocumentChoice] = frozenset()
    notes: tuple[str, ...] = ()
    doubts: Mapping[str, frozenset[RegionDoubt]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """True if anything was said."""
        return bool(self.choices or self.notes or self.doubts)

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
    doubts: dict[str, frozenset[RegionDoubt]] = {}
    for item in items if isinstance(items, list) else []:
        value = item.get("value") if isinstance(item, Mapping) else None
        if not isinstance(value, Mapping):
            continue
        if item.get("from_name") == DOCUMENT_CONTROL:
            choices |= _read_choices(DocumentChoice, value)
        elif item.get("from_name") == NOTE_CONTROL:
            notes += _read_strings(value.get("text"))
        elif item.get("from_name") == DOUBT_CONTROL and (found := _read_choices(RegionDoubt, value)):
            region = str(item.get("id"))
            doubts[region] = doubts.get(region, frozenset()) | found
    return Feedback(frozenset(choices), tuple(notes), doubts)


def _read_choices(kind: type[Choice], value: Mapping[str, Any]) -> frozenset[Choice]:
    given = _read_strings(value.get("choices"))
    return frozenset(choice for choice in kind if choice.value in given)


def _read_strings(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and one.strip()]
