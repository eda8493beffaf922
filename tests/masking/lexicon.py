"""A predictor that knows a few values, and annotations from values."""

from __future__ import annotations

from collections.abc import Sequence

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.words import find_occurrences
from goldspan.annotation.types import Annotation, Author, Entity, Mention, sort_spans
from goldspan.predictors.base import LocalPredictor, TextInput

VALUES = {
    "Ann": "FIRSTNAME",
    "Anna": "FIRSTNAME",
    "Bob": "FIRSTNAME",
    "Zoë": "FIRSTNAME",
    "Smith": "SURNAME",
    "Jones": "SURNAME",
    "Müller": "SURNAME",
    "Berlin": "CITY",
    "ann.smith@mail.com": "EMAIL",
    "bob@mail.com": "EMAIL",
    "3 March 1988": "DATEOFBIRTH",
    "4111 1111 1111 1111": "CREDITCARDNUMBER",
    "DE89 3704 0044 0532 0130 00": "IBAN",
    "+1 415 555 0132": "PHONENUMBER",
}


class LexiconPredictor(LocalPredictor):
    """Finds the values of a dictionary, each wherever it stands alone."""

    name = "lexicon"

    def __init__(self, labels: LabelSchema | None = None, values: dict[str, str] | None = None) -> None:
        self.values = VALUES if values is None else values
        self.labels = frozenset(self.values.values())

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        return [annotate(text.text, self.values) for text in texts]


def annotate(text: str, values: dict[str, str], mentions: Sequence[Mention] = ()) -> Annotation:
    """Every stand-alone occurrence of the values; a value inside a longer one is left out."""
    found: list[Entity] = []
    for value in sorted(values, key=len, reverse=True):
        for start, end in find_occurrences(text, value):
            if not any(start < one.end and one.start < end for one in found):
                found.append(Entity(start, end, values[value], score=0.9))
    return Annotation(Author.model("lexicon-1"), sort_spans(found), tuple(mentions))
