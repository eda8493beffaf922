from __future__ import annotations

from collections.abc import Sequence

from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.predictors.base import LocalPredictor, Prediction, RemotePredictor, TextInput, Usage
from goldspan.predictors.combined import combine_predictors


class Fixed(LocalPredictor):
    def __init__(self, version: str, *entities: Entity) -> None:
        self.name = version
        self.entities = entities
        self.labels = frozenset(entity.label for entity in entities)
        self.attribution = {"work": version}

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        return [Annotation(Author.model(self.model_version), self.entities) for _ in texts]


class Remote(RemotePredictor):
    name = "remote"

    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        annotation = Annotation(Author.model(self.model_version), (Entity(20, 26, "CITY"), Entity(36, 38, "CITY")))
        return Prediction(annotation, Usage(10, 5, 1), 0.5)


FIRST = Fixed("one", Entity(0, 5, "CITY"), Entity(20, 25, "AGE"))
SECOND = Fixed("two", Entity(3, 9, "STATE"), Entity(5, 9, "ZIP"), Entity(30, 35, "AGE"))
MERGED = [(0, 5, "CITY"), (5, 9, "ZIP"), (20, 25, "AGE"), (30, 35, "AGE")]


async def test_of_parts_that_overlap_the_earlier_one_stays() -> None:
    combined = combine_predictors([FIRST, SECOND])
    annotation = (await combined.predict("x" * 40)).annotation
    assert [entity.span for entity in annotation.entities] == MERGED
    assert annotation.author == Author.model("one-1+two-1")
    assert [entry["work"] for entry in combined.attributions] == ["one", "two"]
    assert combined.labels == {"CITY", "AGE", "STATE", "ZIP"}


def test_parts_that_compute_make_one_that_computes() -> None:
    combined = combine_predictors([FIRST, SECOND])
    assert isinstance(combined, LocalPredictor)
    assert [len(a.entities) for a in combined.predict_batch([TextInput("x" * 40)] * 3)] == [4, 4, 4]


async def test_a_part_that_waits_makes_one_that_waits_and_usage_adds_up() -> None:
    combined = combine_predictors([FIRST, Remote(), Remote()])
    assert isinstance(combined, RemotePredictor)
    prediction = await combined.predict("x" * 40)
    assert [entity.span for entity in prediction.annotation.entities] == [*MERGED[:1], MERGED[2], (36, 38, "CITY")]
    assert prediction.usage == Usage(20, 10, 2)
