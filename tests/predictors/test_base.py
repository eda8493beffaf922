from __future__ import annotations

import asyncio
import threading

import pytest

from goldspan.annotation.errors import ConfigurationError, TransientServiceError, UnknownNameError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.predictors.base import Outcome, Predictor
from goldspan.predictors.combined import CombinedPredictor
from goldspan.predictors.registry import list_predictors, make_predictor, register_predictor


class Waiting(Predictor):
    name = "waiting"

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.started: list[str] = []

    async def predict_async_native(self, text: str, language: str = "", country: str = "") -> Annotation:
        self.running += 1
        self.most = max(self.most, self.running)
        self.started.append(text)
        await asyncio.sleep(0.002 if int(text) % 2 else 0)
        self.running -= 1
        if text == "13":
            raise TransientServiceError("busy")
        return Annotation(Author.model(self.model_version), id=text)


class Computing(Predictor):
    name = "computing"
    version = "2"

    def predict_sync(self, text: str, language: str = "", country: str = "") -> Annotation:
        return Annotation(Author.model(self.model_version), id=f"{threading.get_ident()}")


def make_samples(number: int) -> list[Sample]:
    return [Sample(str(index), "en") for index in range(number)]


async def collect(predictor: Predictor, samples: list[Sample], workers: int) -> list[Outcome]:
    return [outcome async for outcome in predictor.predict_many(samples, workers=workers)]


async def test_a_computing_predictor_runs_in_another_thread() -> None:
    annotation = await Computing().predict("text")
    assert annotation.author == Author.model("computing-2")
    assert annotation.id != str(threading.get_ident())


async def test_a_waiting_predictor_runs_in_the_loop() -> None:
    assert (await Waiting().predict("1")).id == "1"


async def test_order_is_kept_and_workers_are_bounded() -> None:
    predictor = Waiting()
    outcomes = await collect(predictor, make_samples(40), 3)
    assert [outcome.sample.text for outcome in outcomes] == [str(index) for index in range(40)]
    assert 1 < predictor.most <= 3


async def test_one_failure_leaves_the_others_alone() -> None:
    outcomes = await collect(Waiting(), make_samples(20), 4)
    failed = [outcome for outcome in outcomes if outcome.error]
    assert [(outcome.sample.text, str(outcome.error), outcome.annotation) for outcome in failed] == [
        ("13", "busy", None)
    ]
    assert all(outcome.annotation for outcome in outcomes if not outcome.error)


async def test_a_reader_that_stops_early_leaves_nothing_running() -> None:
    predictor = Waiting()
    outcomes = predictor.predict_many(make_samples(1000), workers=2)
    await anext(outcomes)
    await outcomes.aclose()
    await asyncio.sleep(0.01)
    assert len(predictor.started) <= 8


async def test_samples_are_drawn_only_as_needed() -> None:
    drawn = 0

    def draw():
        nonlocal drawn
        for sample in make_samples(1000):
            drawn += 1
            yield sample

    outcomes = Waiting().predict_many(draw(), workers=2)
    await anext(outcomes)
    await outcomes.aclose()
    assert drawn == 8


def test_unknown_names_and_options_say_what_there_is() -> None:
    labels = load_labels()
    with pytest.raises(UnknownNameError, match="Did you mean regex"):
        make_predictor("regexp", labels)
    with pytest.raises(ConfigurationError, match="takes no options"):
        make_predictor("regex", labels, shots=3)


def test_predictors_can_be_registered() -> None:
    register_predictor("computing", lambda labels, *, size=1: Computing())
    labels = load_labels()
    assert "computing" in list_predictors()
    assert isinstance(make_predictor("computing", labels, size=None), Computing)
    with pytest.raises(ConfigurationError, match="no option wrong; it takes size"):
        make_predictor("computing", labels, wrong=1)


class Fixed(Predictor):
    def __init__(self, version: str, *entities: Entity) -> None:
        self.name = version
        self.entities = entities
        self.attribution = {"work": version}

    def predict_sync(self, text: str, language: str = "", country: str = "") -> Annotation:
        return Annotation(Author.model(self.model_version), self.entities)


async def test_of_parts_that_overlap_the_earlier_one_stays() -> None:
    first = Fixed("one", Entity(0, 5, "CITY"), Entity(20, 25, "AGE"))
    second = Fixed("two", Entity(3, 9, "STATE"), Entity(5, 9, "ZIP"), Entity(30, 35, "AGE"))
    combined = CombinedPredictor([first, second])
    annotation = await combined.predict("x" * 40)
    assert [entity.span for entity in annotation.entities] == [
        (0, 5, "CITY"),
        (5, 9, "ZIP"),
        (20, 25, "AGE"),
        (30, 35, "AGE"),
    ]
    assert annotation.author == Author.model("one-1+two-1")
    assert [entry["work"] for entry in combined.attributions] == ["one", "two"]


def test_names_joined_with_plus_make_one_predictor() -> None:
    labels = load_labels()
    register_predictor("computing", lambda labels, *, size=1: Computing())
    predictor = make_predictor("regex+computing", labels, size=2)
    assert predictor.model_version == "regex-1+computing-2"
    with pytest.raises(ConfigurationError, match="no option wrong; it takes size"):
        make_predictor("regex+computing", labels, wrong=2)
    with pytest.raises(UnknownNameError, match="'nothing'"):
        make_predictor("regex+nothing", labels)
