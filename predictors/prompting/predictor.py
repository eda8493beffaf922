"""A predictor that asks a language model: few-shot prompting over any compatible server, through the live executor.

Every answer is kept as received: a question that was answered is not asked again, also not by a later process.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.annotation.identity import digest
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.generators.providers.credentials import find_key
from goldspan.generators.providers.live.completions import Completions
from goldspan.generators.providers.live.pool import LiveLimits
from goldspan.generators.providers.profiles import find_profile, normalise_url
from goldspan.generators.providers.protocol import Answer, AnswerState, Request
from goldspan.predictors.base import Predictor
from goldspan.predictors.prompting.prompt import (
    STAGE,
    VERSION,
    ParsedAnswer,
    build_messages,
    build_response_format,
    choose_shots,
    read_answer,
)
from goldspan.predictors.windows import merge_readings, split_text

WINDOW, OVERLAP = 6_000, 400
"""Characters a request; longer texts are read in windows that overlap."""


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """How the model is asked; `attempts` counts the questions about one window."""

    model: str
    base_url: str
    api_key: str
    shots: int = 3
    temperature: float | None = 0.0
    attempts: int = 3
    limits: LiveLimits = field(default_factory=LiveLimits)


def make_llm_predictor(
    labels: LabelSchema,
    *,
    provider: str = "compatible",
    model: str = "",
    api_url: str = "",
    shots_file: Path | None = None,
    shots: int = 3,
    temperature: float = 0.0,
    attempts: int = 3,
    workers: int = 4,
    requests_per_minute: int = 0,
    tokens_per_minute: int = 0,
    folder: Path | None = None,
) -> Predictor:
    """The predictor from what a command line says.

    Args:
        labels: the label schema.
        provider: name of a provider profile.
        model: model name; empty for the provider's own.
        api_url: address of a compatible server; empty for the provider's own.
        shots_file: samples to take examples from; None: no examples.
        shots: examples with each text.
        temperature: sampling temperature.
        attempts: how often a text is asked for when answers are wrong.
        workers: requests at a time.
        requests_per_minute: limit of the account, 0 for none.
        tokens_per_minute: limit of the account, 0 for none.
        folder: where answers are kept, one folder a model and address; None: only while the process lives.

    Raises:
        ConfigurationError: there is no model or no key.

    """
    from goldspan.annotation.tasks.store import read_samples

    profile = find_profile(provider)
    name = model or profile.default_model
    if not name:
        raise ConfigurationError(f"The provider {provider} has no model of its own: name one with --model.")
    url = normalise_url(api_url or profile.base_url)
    limits = LiveLimits(workers, requests_per_minute, tokens_per_minute)
    settings = LlmSettings(name, url, find_key(profile, url), shots, temperature, attempts, limits)
    pool = tuple(read_samples([shots_file], labels)) if shots_file else ()
    return LlmPredictor(labels, settings, pool, folder / f"llm-{digest([url, name])}" if folder else None)


class LlmPredictor(Predictor):
    """Asks for tagged text. An answer that changes the text is asked for again, and at last aligned by its values.

    The annotation's score is the share of the last answers' values that could be placed, None when all were exact.
    """

    name = "llm"

    def __init__(
        self, labels: LabelSchema, settings: LlmSettings, pool: tuple[Sample, ...] = (), folder: Path | None = None
    ) -> None:
        self._labels, self._settings, self._pool = labels, settings, pool
        self.version = f"{settings.model}-{VERSION}"
        self._temporary = None if folder else TemporaryDirectory(prefix="goldspan-")
        self._folder = folder or Path(self._temporary.name if self._temporary else "")
        self._desk: Completions | None = None

    async def predict_async_native(self, text: str, language: str = "", country: str = "") -> Annotation:
        """Read one text, each window with questions of its own; the text is never an example for itself.

        Raises:
            ServiceError: the server does not answer, or no answer could be read.

        """
        others = (sample for sample in self._pool if sample.text != text)
        shots = choose_shots(others, language, self._settings.shots)
        windows = split_text(text, WINDOW, OVERLAP)
        readings = await asyncio.gather(*(self._read_window(text[w.start : w.end], shots) for w in windows))
        placed = (
            (w, [_shift(entity, w.start) for entity in reading.entities])
            for w, reading in zip(windows, readings, strict=True)
        )
        worst = min((reading.share for reading in readings if reading.problem), default=None)
        return Annotation(Author.model(self.model_version), merge_readings(placed), score=worst)

    async def aclose(self) -> None:
        """Let the answers on their way come home, and close the connections."""
        if self._desk:
            await self._desk.close()
            self._desk = None
        if self._temporary:
            self._temporary.cleanup()

    async def _read_window(self, text: str, shots: tuple[Sample, ...]) -> ParsedAnswer:
        if not text.strip():
            return ParsedAnswer(())
        problem, room, reading = "", 1_024 + len(text.encode()) // 2, ParsedAnswer(())
        for attempt in range(1, self._settings.attempts + 1):
            answer = await self._ask(text, shots, problem, room, attempt)
            if answer.state is not AnswerState.ANSWERED or answer.refusal:
                problem = answer.message or answer.refusal or "there was no answer"
                reading = ParsedAnswer((), problem, 0.0)
            elif answer.finish_reason == "length":
                room *= 2
                reading = ParsedAnswer((), "the answer was cut off", 0.0)
            else:
                reading = read_answer(answer.content, text, self._labels)
                problem = reading.problem
                if not problem:
                    return reading
        if not reading.share:
            raise ServiceError(f"No answer could be used in {self._settings.attempts} attempts: {reading.problem}.")
        return reading

    async def _ask(self, text: str, shots: tuple[Sample, ...], problem: str, room: int, attempt: int) -> Answer:
        body = {
            "model": self._settings.model,
            "messages": build_messages(text, self._labels, shots, problem),
            "response_format": build_response_format(),
            "max_tokens": room,
            "seed": attempt,
        }
        if self._settings.temperature is not None:
            body["temperature"] = self._settings.temperature
        request = Request(f"{STAGE}-{attempt}-{digest(body, 32)}", STAGE, 0, attempt, body)
        if self._desk is None:
            settings = self._settings
            self._desk = Completions(settings.base_url, settings.api_key, settings.limits, self._folder)
        return await self._desk.ask(request)


def _shift(entity: Entity, offset: int) -> Entity:
    return replace(entity, start=entity.start + offset, end=entity.end + offset)
