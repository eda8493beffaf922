from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from goldspan.annotation.errors import TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.predictors.base import LocalPredictor, Outcome, Prediction, Predictor, RemotePredictor, TextInput


class Waiting(RemotePredictor):
    name = "waiting"

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.started: list[str] = []

    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        self.running += 1
        self.most = max(self.most, self.running)
        self.started.append(text)
        await asyncio.sleep(0.002 if int(text) % 2 else 0)
        self.running -= 1
        if text == "13":
            raise TransientServiceError("busy")
        return Prediction(Annotation(Author.model(self.model_version), id=text))


class Computing(LocalPredictor):
    name = "computing"
    version = "2"
    max_batch = 4

    def __init__(self, labels: LabelSchema | None = None, *, size: int = 1, strict: bool = False) -> None:
        self.size, self.strict = size, strict
        self.batches: list[list[str]] = []

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        self.batches.append([text.text for text in texts])
        if any(text.text == "bad" for text in texts):
            raise NotImplementedError("no such operator")
        return [Annotation(Author.model(self.model_version), id=f"{threading.get_ident()}") for _ in texts]


def make_samples(number: int) -> list[Sample]:
    return [Sample(str(index), "en") for index in range(number)]


async def collect(predictor: Predictor, samples: list[Sample], workers: int) -> list[Outcome]:
    return [outcome async for outcome in predictor.predict_many(samples, workers=workers)]


async def test_a_computing_predictor_runs_in_another_thread() -> None:
    annotation = (await Computing().predict("text")).annotation
    assert annotation.author == Author.model("computing-2")
    assert annotation.id != str(threading.get_ident())


async def test_a_waiting_predictor_runs_in_the_loop() -> None:
    assert (await Waiting().predict("1")).annotation.id == "1"


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


async def test_texts_that_wait_together_are_computed_together() -> None:
    predictor = Computing()
    await asyncio.gather(*(predictor.predict(str(number)) for number in range(10)))
    assert [len(batch) for batch in predictor.batches] == [4, 4, 2]
    assert [text for batch in predictor.batches for text in batch] == [str(number) for number in range(10)]


async def test_a_text_that_breaks_its_batch_fails_alone() -> None:
    predictor = Computing()
    found = await asyncio.gather(*(predictor.predict(text) for text in ("a", "bad", "c")), return_exceptions=True)
    assert [type(one).__name__ for one in found] == ["Prediction", "NotImplementedError", "Prediction"]


async def test_a_caller_that_gives_up_does_not_hold_up_the_others() -> None:
    predictor = Computing()
    gone = asyncio.create_task(predictor.predict("gone"))
    kept = asyncio.create_task(predictor.predict("kept"))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await kept).annotation.author.name == "computing-2"


async def test_predict_sync_works_inside_a_running_loop() -> None:
    assert Waiting().predict_sync("1").id == "1"


def test_predict_sync_works_without_a_loop() -> None:
    assert Waiting().predict_sync("2").id == "2"


class Careless(Computing):
    """A predictor of somebody else: gives what it is told to give, raises what it is told to raise."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def predict_batch(self, texts: Sequence[TextInput]) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (RuntimeError("the text is 0"), "computing failed with RuntimeError at test_base.py:"),
        (None, "one Annotation for each of 1 text"),
        ([], "one Annotation for each of 1 text"),
        ([{"entities": []}], "one Annotation for each of 1 text"),
        ([Annotation(Author.model("m"), (Entity(0, 99, "CITY"),))], "outside the text"),
    ],
)
async def test_what_a_careless_predictor_does_is_an_error_of_its_text(answer: Any, reason: str) -> None:
    (outcome,) = await collect(Careless(answer), make_samples(1), 1)
    assert outcome.annotation is None
    assert reason in str(outcome.error)
    assert "the text is" not in str(outcome.error)
