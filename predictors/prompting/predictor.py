"""Predict with a language model: few-shot prompting over any compatible server, through the live executor.

Every answer is cached: an answered request is not sent again, not even by a later process.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from goldspan.annotation.configuration import require_least
from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.annotation.identity import digest
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.generators.providers.batch.completions import BatchCompletions
from goldspan.generators.providers.credentials import find_key
from goldspan.generators.providers.live.completions import Completion, Completions
from goldspan.generators.providers.live.pool import LiveLimits
from goldspan.generators.providers.profiles import find_profile, normalise_url
from goldspan.generators.providers.protocol import AnswerState, Request
from goldspan.predictors.base import Prediction, RemotePredictor, Usage
from goldspan.predictors.embedding import TextEmbedder
from goldspan.predictors.prompting.prompt import (
    CUT_OFF,
    OVERLAP,
    STAGE,
    VERSION,
    WINDOW,
    ParsedAnswer,
    build_messages,
    build_response_format,
    describe_prompt,
    find_room,
    read_answer,
)
from goldspan.predictors.prompting.shots import Selection, ShotPool
from goldspan.predictors.windows import merge_readings, split_text

_MOST_TOKENS = 65_536
BATCH = "batch"
MODES = ("live", BATCH)
_TEXTS_IN_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class LlmSettings:
    """Settings of the model.

    `mode` is live or batch, `poll` the seconds between two looks at a batch. `attempts` counts the requests per window,
    `shots` the examples with each text; `selection` says how they are chosen, `seed` decides random ones. `seed_field`
    is what the server calls the sampling seed. With `again_failed`, cached answers that cannot be used do not count:
    the model is asked anew.
    """

    model: str
    base_url: str
    api_key: str
    provider: str = "compatible"
    mode: str = "live"
    poll: float = 0.0
    shots: int = 3
    selection: str = Selection.PER_LABEL
    seed: int = 0
    temperature: float | None = 0.0
    attempts: int = 3
    again_failed: bool = False
    seed_field: str = "seed"
    limits: LiveLimits = field(default_factory=LiveLimits)


def open_llm(
    labels: LabelSchema,
    *,
    provider: str = "compatible",
    model: str = "",
    api_url: str = "",
    mode: str = "live",
    poll: float = 0.0,
    shots_file: Path | None = None,
    shots: int = 3,
    selection: str = Selection.PER_LABEL,
    embedder: Path | None = None,
    seed: int = 0,
    temperature: float = 0.0,
    attempts: int = 3,
    again: str = "",
    workers: int = 4,
    requests_per_minute: int = 0,
    tokens_per_minute: int = 0,
    folder: Path | None = None,
) -> LlmPredictor:
    """Open the predictor from command-line options.

    Args:
        labels: the label schema.
        provider: name of a provider profile.
        model: model name; empty for the provider's own.
        api_url: address of a compatible server; empty for the provider's own.
        mode: `live`, or `batch`: cheaper, with answers within a day.
        poll: seconds between two looks at a batch; 0: adaptive.
        shots_file: samples to take examples from; None: no examples.
        shots: examples with each text.
        selection: how they are chosen: `per-label`, `similar` (character n-grams), `embedding` or `random`.
        embedder: for `embedding`: a folder of `goldspan model prepare-embedder`.
        seed: decides random examples.
        temperature: sampling temperature.
        attempts: how often a text is asked for when answers are wrong.
        again: `failed` asks anew where cached answers cannot be used; empty: cached answers are final.
        workers: requests at a time.
        requests_per_minute: limit of the account, 0 for none.
        tokens_per_minute: limit of the account, 0 for none.
        folder: cache of answers, one folder per model and address; None: only while the process lives.

    Raises:
        ConfigurationError: there is no model or no key, or `again` or `mode` has another value.
    """
    from goldspan.annotation.tasks.store import read_samples

    if again not in ("", "failed"):
        raise ConfigurationError(f"The option again of the predictor llm is `failed` or empty, not {again[:40]!r}.")
    if mode not in MODES:
        raise ConfigurationError(f"The option mode of the predictor llm is live or batch, not {mode[:40]!r}.")
    profile = find_profile(provider)
    if mode == BATCH and not profile.windows:
        raise ConfigurationError(f"Goldspan makes no batches at {provider}: use --option mode=live.")
    name = model or profile.default_model
    if not name:
        raise ConfigurationError(f"The provider {provider} has no model of its own: name one with --option model=NAME.")
    url = normalise_url(api_url or profile.base_url)
    limits = LiveLimits(workers, requests_per_minute, tokens_per_minute)
    settings = LlmSettings(
        name,
        url,
        find_key(profile, url),
        provider=provider,
        mode=mode,
        poll=poll,
        shots=shots,
        selection=selection,
        seed=seed,
        temperature=temperature,
        attempts=attempts,
        again_failed=again == "failed",
        seed_field=profile.seed_field,
        limits=limits,
    )
    require_least("the predictor llm", settings, {"shots": 0, "attempts": 1, "poll": 0, "temperature": 0})
    require_least("the predictor llm", limits, {"max_workers": 1, "requests_per_minute": 0, "tokens_per_minute": 0})
    pool = tuple(read_samples([shots_file], labels)) if shots_file else ()
    cache = f"llm-{digest([url, name])}{'-batch' if mode == BATCH else ''}"
    opened = TextEmbedder(embedder) if embedder and selection == Selection.EMBEDDING else None
    return LlmPredictor(labels, settings, pool, folder / cache if folder else None, opened)


class LlmPredictor(RemotePredictor):
    """Asks for tagged text. An answer that changes the text is asked for again, and at last aligned by its values.

    The annotation's score is the share of the last answers' values that could be placed, None when all were exact.
    """

    name = "llm"

    def __init__(
        self,
        labels: LabelSchema,
        settings: LlmSettings,
        pool: tuple[Sample, ...] = (),
        folder: Path | None = None,
        embedder: TextEmbedder | None = None,
    ) -> None:
        self._labels, self._settings = labels, settings
        self._embedder = embedder
        self._pool = ShotPool(pool, settings.selection, settings.seed, embedder)
        self.version = f"{settings.model}-{VERSION}"
        self.labels = labels.entity_codes
        self.least_workers = _TEXTS_IN_BATCH if settings.mode == BATCH else 0
        self._temporary = None if folder else TemporaryDirectory(prefix="goldspan-")
        self._folder = folder or Path(self._temporary.name if self._temporary else "")
        self._completions: Completions | BatchCompletions | None = None

    def describe(self) -> dict[str, Any]:
        """Model, prompt and examples; the digest is that of the instructions, which follow from the label schema."""
        settings = self._settings
        return {
            "provider": settings.provider,
            "mode": settings.mode,
            "model": settings.model,
            **describe_prompt(self._labels),
            "temperature": settings.temperature,
            "shots": min(settings.shots, len(self._pool)),
            "selection": settings.selection,
            "embedder": self._embedder.digest[:16] if self._embedder else "",
            "seed": settings.seed,
            "pool": len(self._pool),
            "pool_digest": self._pool.digest if len(self._pool) else "",
        }

    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        """Read one text, each window with questions of its own; the text is never an example for itself.

        Raises:
            ServiceError: the server does not answer, or no answer could be read.
        """
        begun = perf_counter()
        shots = self._pool.choose(text, language, self._settings.shots)
        windows = split_text(text, WINDOW, OVERLAP)
        answers = await asyncio.gather(*(self._read_window(text[w.start : w.end], shots) for w in windows))
        placed = (
            (w, [_shift(entity, w.start) for entity in parsed.entities])
            for w, (parsed, _) in zip(windows, answers, strict=True)
        )
        worst = min((parsed.share for parsed, _ in answers if parsed.problem), default=None)
        annotation = Annotation(Author.model(self.model_version), merge_readings(placed), score=worst)
        return Prediction(annotation, sum((usage for _, usage in answers), Usage()), perf_counter() - begun)

    async def aclose(self) -> None:
        """Wait for the answers on their way, and close the connections."""
        if self._completions:
            await self._completions.close()
            self._completions = None
        if self._temporary:
            self._temporary.cleanup()

    async def _read_window(self, text: str, shots: tuple[Sample, ...]) -> tuple[ParsedAnswer, Usage]:
        if not text.strip():
            return ParsedAnswer(()), Usage()
        usage = Usage()
        problem, room, parsed = "", find_room(text), ParsedAnswer(())
        attempt = asked = 0
        while True:
            attempt += 1
            request = self._make_request(text, shots, problem, room, attempt)
            if asked >= self._settings.attempts and not self._open().is_cached(request):
                break
            completion = await self._open().complete(request)
            asked += not (completion.cached and self._settings.again_failed)
            answer, usage = completion.answer, usage + _count_usage(completion)
            if answer.state is not AnswerState.ANSWERED or answer.refusal:
                problem = answer.message or answer.refusal or "there was no answer"
                parsed = ParsedAnswer((), problem, 0.0)
            elif answer.finish_reason == "length":
                room = min(2 * room, _MOST_TOKENS)
                parsed = ParsedAnswer((), CUT_OFF, 0.0)
            else:
                parsed = read_answer(answer.content, text, self._labels)
                if not parsed.problem:
                    return parsed, usage
                if parsed.problem == CUT_OFF:
                    room *= 2
                else:
                    problem = parsed.problem
        if not parsed.share:
            raise ServiceError(f"No answer could be used in {self._settings.attempts} attempts: {parsed.problem}.")
        return parsed, usage

    def _make_request(self, text: str, shots: tuple[Sample, ...], problem: str, room: int, attempt: int) -> Request:
        body = {
            "model": self._settings.model,
            "messages": build_messages(text, self._labels, shots, problem),
            "response_format": build_response_format(),
            "max_tokens": room,
            self._settings.seed_field: attempt,
        }
        if self._settings.temperature is not None:
            body["temperature"] = self._settings.temperature
        return Request(f"{STAGE}-{attempt}-{digest(body, 32)}", STAGE, 0, attempt, body)

    def _open(self) -> Completions | BatchCompletions:
        settings = self._settings
        if self._completions is None and settings.mode == BATCH:
            self._completions = BatchCompletions(
                find_profile(settings.provider), settings.base_url, settings.api_key, self._folder, settings.poll
            )
        elif self._completions is None:
            self._completions = Completions(settings.base_url, settings.api_key, settings.limits, self._folder)
        return self._completions


def _count_usage(completion: Completion) -> Usage:
    if completion.cached:
        return Usage(cached=1)
    return Usage(completion.answer.tokens_in, completion.answer.tokens_out, requests=1)


def _shift(entity: Entity, offset: int) -> Entity:
    return replace(entity, start=entity.start + offset, end=entity.end + offset)
