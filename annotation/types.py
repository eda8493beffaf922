"""The core values: a sample and its annotations.

Offsets are half-open `[start, end)` and count Unicode code points of the verbatim text,
which is what Python's `str` and Label Studio's `<Text>` both use: `sample.text[e.start:e.end]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar


class Origin(StrEnum):
    """The origin of a span, as Label Studio records it."""

    MANUAL = "manual"
    PREDICTION = "prediction"
    PREDICTION_CHANGED = "prediction-changed"


class Status(StrEnum):
    """Whether an annotation was submitted."""

    SUBMITTED = "submitted"
    DRAFT = "draft"
    CANCELLED = "cancelled"


class Span(NamedTuple):
    """A half-open range of text with a label: the unit of every comparison."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled range of text."""

    start: int
    end: int
    label: str
    id: str = field(default="", compare=False)
    origin: Origin | None = field(default=None, compare=False)
    score: float | None = field(default=None, compare=False)

    @property
    def span(self) -> Span:
        """Start, end and label."""
        return Span(self.start, self.end, self.label)


@dataclass(frozen=True, slots=True)
class Mention:
    """A range of text that refers to somebody or something.

    `label` is the kind of mention: PRONOUN, REFERENCE or MENTION (a name).
    `cluster` names the referent within its annotation; mentions that share it co-refer.
    Empty: the mention has no cluster. A mention whose `id` equals an entity's `id` is drawn by that
    entity's own region in Label Studio and has no region of its own.
    """

    start: int
    end: int
    label: str
    cluster: str = ""
    id: str = field(default="", compare=False)
    origin: Origin | None = field(default=None, compare=False)

    @property
    def span(self) -> Span:
        """Start, end and label."""
        return Span(self.start, self.end, self.label)


@dataclass(frozen=True, slots=True)
class Author:
    """Who made an annotation: a model (`name` is its model version) or a person (`name` is the user)."""

    kind: str
    name: str

    @classmethod
    def model(cls, version: str) -> Author:
        """An author that is a model."""
        return cls("model", version)

    @classmethod
    def person(cls, name: str) -> Author:
        """An author that is a person."""
        return cls("person", name)

    @property
    def is_model(self) -> bool:
        """True for a model's pre-annotation, False for a person's work."""
        return self.kind == "model"


IMPORTED = Author.model("import")
"""The author of annotations in a file that names none."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation of a sample by one author.

    Entities and mentions are kept sorted by (start, -end, label). Times are ISO 8601 in UTC,
    `lead_time` is seconds. `parent` is the id of the pre-annotation that this one started from. `other` is JSON text:
    what the author gave besides spans (choices, notes, ratings), verbatim as Label Studio holds it.
    """

    author: Author
    entities: tuple[Entity, ...] = ()
    mentions: tuple[Mention, ...] = ()
    id: str = ""
    status: Status = Status.SUBMITTED
    score: float | None = None
    created_at: str | None = None
    updated_at: str | None = None
    lead_time: float | None = None
    parent: str | None = None
    ground_truth: bool = False
    other: str = field(default="", compare=False)

    @property
    def clusters(self) -> dict[str, tuple[Mention, ...]]:
        """Mentions by cluster, in text order; mentions without a cluster are left out."""
        grouped: dict[str, list[Mention]] = {}
        for mention in self.mentions:
            if mention.cluster:
                grouped.setdefault(mention.cluster, []).append(mention)
        return {name: tuple(mentions) for name, mentions in grouped.items()}


@dataclass(frozen=True, slots=True)
class Sample:
    """One text, its language and country, and every annotation of it.

    `language` is ISO 639-1 (`de`), `country` ISO 3166-1 alpha-2 (`DE`) or empty. The text is verbatim:
    it is never stripped or normalised. `provenance` records its origin (run, stages, models).
    """

    text: str
    language: str
    country: str = ""
    document_type: str = ""
    annotations: tuple[Annotation, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    sample_id: str = ""

    @property
    def predictions(self) -> tuple[Annotation, ...]:
        """Annotations by models."""
        return tuple(annotation for annotation in self.annotations if annotation.author.is_model)

    @property
    def reviews(self) -> tuple[Annotation, ...]:
        """Submitted annotations by people."""
        return tuple(
            annotation
            for annotation in self.annotations
            if not annotation.author.is_model and annotation.status is Status.SUBMITTED
        )

    @property
    def best(self) -> Annotation | None:
        """The annotation to use: the first review, which is the one that `pull` chose, else the last prediction."""
        if self.reviews:
            return self.reviews[0]
        return self.predictions[-1] if self.predictions else None


S = TypeVar("S", Entity, Mention)


def sort_spans(spans: Iterable[S]) -> tuple[S, ...]:
    """Text order: by start, the longer one first, then by label."""
    ordered = tuple(spans)
    if all(one.start < other.start for one, other in pairwise(ordered)):
        return ordered
    return tuple(sorted(ordered, key=lambda span: (span.start, -span.end, span.label)))
