"""Situations for documents, written once by a model, kept in the project, and drawn for every brief afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import orjson

from goldspan.annotation.errors import ServiceError
from goldspan.annotation.files import explain_disk, write_atomic
from goldspan.annotation.identity import digest
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.providers.credentials import find_key, require_address
from goldspan.generators.providers.live.completions import Completion, Completions
from goldspan.generators.providers.live.pool import LiveLimits
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.providers.protocol import AnswerState, Request
from goldspan.generators.providers.tolerant_json import load_answer
from goldspan.generators.runs.executors import find_url
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.directions import load_pools, read_scenarios

PER_REQUEST = 20
_SHORTEST, _LONGEST = 12, 240
_BARREN = 3
"""Requests without anything new after which a language is given up."""
_SYSTEM = """\
You think up situations in which people write documents: each one clause without a full stop, concrete, everyday or
unusual, without any name, number or place. They are for training software that finds {subject}. No two are alike.
Answer with JSON: {{"scenarios": ["...", ...]}}"""
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"scenarios": {"type": "array", "items": {"type": "string"}}},
    "required": ["scenarios"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class ScenarioReport:
    """How many situations are new in each language, and how many answers could not be used."""

    added: dict[str, int]
    total: dict[str, int]
    unusable: int


class Asker(Protocol):
    """Answers single requests: `goldspan.generators.providers.live.completions.Completions`."""

    async def complete(self, request: Request) -> Completion:
        """The answer to a request."""
        ...


async def write_scenarios_async(
    settings: RunSettings, labels: LabelSchema, count: int, path: Path, domain: str = ""
) -> ScenarioReport:
    """Ask the model of the settings for `count` situations in each language, and add them to the file at `path`.

    `domain` narrows them down (`a dental practice`). Answers are cached beside the file: asking again costs nothing.

    Raises:
        ConfigurationError: there is no key or no model.
        ServiceError: the provider cannot be used.
        RecordError: the file at `path` is broken.
    """
    profile = find_profile(settings.provider)
    url = find_url(settings, profile)
    key = find_key(profile, url)
    require_address(profile, url, "the settings", f"goldspan generate scenarios --api-url {url}")
    completions = Completions(url, key, LiveLimits(), path.with_suffix(".answers"))
    try:
        return await collect_scenarios(completions, settings, labels, count, path, domain)
    finally:
        await completions.close()


async def collect_scenarios(
    asker: Asker, settings: RunSettings, labels: LabelSchema, count: int, path: Path, domain: str = ""
) -> ScenarioReport:
    """The same with anything that answers."""
    known = {language: list(listed) for language, listed in read_scenarios(path).items()}
    before = {language: len(known.get(language, ())) for language in settings.languages}
    found = await asyncio.gather(
        *(
            _ask_language(asker, settings, labels, language, count, known.setdefault(language, []), domain)
            for language in settings.languages
        )
    )
    lines = [
        orjson.dumps({"language": language, "scenario": text}) for language, listed in known.items() for text in listed
    ]
    with explain_disk(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, b"".join(line + b"\n" for line in lines))
    total = {language: len(known[language]) for language in settings.languages}
    return ScenarioReport({language: total[language] - before[language] for language in total}, total, sum(found))


async def _ask_language(
    asker: Asker,
    settings: RunSettings,
    labels: LabelSchema,
    language: str,
    count: int,
    known: list[str],
    domain: str,
) -> int:
    """Add up to `count` situations to those that are known; returns the answers that could not be used."""
    wanted, unusable, barren, number = len(known) + count, 0, 0, 0
    while len(known) < wanted and barren < _BARREN:
        number += 1
        request = build_scenario_request(settings, labels, language, number, known[-PER_REQUEST:], domain)
        answer, is_cached = await asker.complete(request)
        has_failed = answer.state is not AnswerState.ANSWERED
        if has_failed and not is_cached:
            raise ServiceError(f"The model gave no situations in {language}: {answer.message or answer.error}.")
        read = read_answer(answer.content)
        unusable += read is None
        folded = {text.casefold() for text in known}
        fresh = [text for text in read or () if text.casefold() not in folded]
        barren = 0 if fresh else barren + (not has_failed)
        known += fresh[: wanted - len(known)]
    return unusable


def build_scenario_request(
    settings: RunSettings, labels: LabelSchema, language: str, number: int, known: Sequence[str], domain: str = ""
) -> Request:
    """The request for twenty situations; equal arguments give equal bytes."""
    user = {
        "language": language,
        "count": PER_REQUEST,
        "request": number,
        "domain": domain,
        "examples": list(load_pools(language).parts["situation"][:3]) if labels.purpose.is_pii else [],
        "avoid": list(known),
    }
    body: dict[str, Any] = {
        "model": settings.model,
        "messages": [
            {"role": "system", "content": _SYSTEM.format(subject=labels.purpose.subject)},
            {"role": "user", "content": orjson.dumps({k: v for k, v in user.items() if v}).decode()},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "goldspan_scenarios", "strict": True, "schema": _SCHEMA},
        },
        "max_tokens": settings.max_tokens,
        "seed": number,
    }
    if settings.temperature is not None:
        body["temperature"] = settings.temperature
    return Request(f"scenarios-{number}-1-{digest(body, 8)}", "scenarios", number, 1, body)


def read_answer(content: str) -> list[str] | None:
    """The situations of an answer, tidied; None if it holds none."""
    try:
        listed = load_answer(content, ("scenarios",)).document["scenarios"]
    except (ValueError, KeyError):
        return None
    if not isinstance(listed, list):
        return None
    tidied = [" ".join(str(text).split()).rstrip(".") for text in listed if isinstance(text, str)]
    kept = [text for text in dict.fromkeys(tidied) if _SHORTEST <= len(text) <= _LONGEST]
    return kept or None
