from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.testclient import TestClient

from goldspan.annotation.errors import ConfigurationError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.predictors.base import Predictor, TextInput
from goldspan.serving.app import build_app
from goldspan.serving.host import PredictorHost
from goldspan.serving.state import ServerSettings, ServerState
from tests.masking.lexicon import LexiconPredictor
from tests.waiting import SECONDS

RELEASED = threading.Event()
"""Set by a test to let the predictions of texts with HELD end."""


class ServedPredictor(LexiconPredictor):
    """Finds the values of the lexicon; a text that asks for it fails, is slow, or gets a span outside it."""

    def __init__(self, labels: LabelSchema | None = None, version: str = "1") -> None:
        super().__init__(labels)
        self.version = version
        self.closed = False

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        for text in texts:
            if "UNAVAILABLE" in text.text:
                raise TransientServiceError("the model server does not answer")
            if "CRASH" in text.text:
                raise ZeroDivisionError(text.text)
            if "SLOW" in text.text:
                time.sleep(0.4)
            if "HELD" in text.text:
                RELEASED.wait(SECONDS)
        found = super().predict_batch(texts)
        return [
            Annotation(Author.model("x"), (Entity(0, 10**6, "CITY"),)) if "OUTSIDE" in text.text else annotation
            for text, annotation in zip(texts, found, strict=True)
        ]

    async def aclose(self) -> None:
        self.closed = True


class Sources:
    """What the server under test can open: `lexicon`, and others by version."""

    def __init__(self) -> None:
        self.opened: list[ServedPredictor] = []

    def open(self, source: str, labels: LabelSchema, **options: Any) -> Predictor:
        if source == "missing":
            raise ConfigurationError("There is no model at missing.")
        if source == "broken":
            raise ValueError("secret details")
        if source == "outside":
            predictor: ServedPredictor = OutsidePredictor(labels)
        else:
            predictor = ServedPredictor(labels, source.rpartition("-")[2] if "-" in source else "1")
        self.opened.append(predictor)
        return predictor


class OutsidePredictor(ServedPredictor):
    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        return [Annotation(Author.model("x"), (Entity(0, 10**6, "CITY"),)) for _ in texts]


Serve = Callable[..., TestClient]


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def serve(labels: LabelSchema, sources: Sources) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(
            settings: ServerSettings | None = None, names: tuple[str, ...] = ("lexicon",), **parts: Any
        ) -> TestClient:
            host = PredictorHost(labels, {name: name for name in names}, opener=sources.open)
            state = ServerState(host, settings or ServerSettings(), **parts)
            app = build_app(state)
            app.state.goldspan = state
            client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
            return stack.enter_context(client)

        yield start


@pytest.fixture
def client(serve: Serve) -> TestClient:
    return serve()
