from collections.abc import Callable, Sequence

import pytest

from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.evaluation.matching.documents import Document

TEXTS = [
    (
        "en",
        '<m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m> moved to <CITY>Lyon</CITY>.',
        '<m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m> moved to Lyon.',
    ),
    (
        "en",
        "Write to <EMAIL>ann@example.org</EMAIL> before noon.",
        "Write to <EMAIL>ann@example.org</EMAIL> before <FIRSTNAME>noon</FIRSTNAME>.",
    ),
    (
        "de",
        "Der Zug nach <CITY>Bad Honnef</CITY> ist voll.",
        "Der Zug nach Bad <CITY>Honnef</CITY> ist voll.",
    ),
    ("de", "Heute regnet es.", "Heute regnet es."),
    ("fr", "<FIRSTNAME>Rose</FIRSTNAME> est là.", "<SURNAME>Rose</SURNAME> est là."),
]
"""Language, gold and prediction: right but for a missed city, a false name, a cut city, a wrong label."""


@pytest.fixture(scope="session")
def labels() -> LabelSchema:
    return load_labels()


@pytest.fixture(scope="session")
def make_document(labels: LabelSchema) -> Callable[[str, str], Document]:
    """A document from gold and prediction in tagged text."""

    def make(gold: str, predicted: str, sample_id: str = "sample") -> Document:
        one, other = parse_tagged(gold, labels), parse_tagged(predicted, labels)
        assert one.text == other.text
        return Document(
            sample_id,
            one.text,
            Annotation(Author.person("ann"), one.entities, one.mentions),
            Annotation(Author.model("toy-1"), other.entities, other.mentions),
        )

    return make


@pytest.fixture(scope="session")
def samples(labels: LabelSchema) -> Sequence[Sample]:
    """The five texts, each with a review and a prediction."""
    made = []
    for number, (language, gold, predicted) in enumerate(TEXTS):
        one, other = parse_tagged(gold, labels), parse_tagged(predicted, labels)
        readings = (
            Annotation(Author.model("toy-1"), other.entities, other.mentions, id=f"p{number}"),
            Annotation(Author.person("ann"), one.entities, one.mentions, id=f"a{number}"),
        )
        made.append(Sample(one.text, language, language.upper(), "note", readings, sample_id=f"sample-{number}"))
    return tuple(made)
