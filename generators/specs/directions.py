"""Directions: what a document is about, drawn from pools that combine, as prose in the document's language.

A direction joins a situation, a writer, a topic and a tone (the type of the document decides the channel); a hard
negative also gets things that look like personal data and are none. A project's own situations (`scenarios.jsonl`, one
object a line with language and scenario) are drawn beside the pools.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import orjson

from goldspan.annotation.errors import RecordError
from goldspan.generators.specs.spec import Spec
from goldspan.generators.surrogates.chance import make_random, pick

SCENARIOS = "scenarios.jsonl"
OWN_SHARE = 0.6
"""How often a project's own situation is drawn where there are any."""
_PARTS = ("situation", "writer", "topic", "tone")
_DISTRACTOR_SHARE = 0.3


class Pools(NamedTuple):
    """What directions in one language are made of, and the sentence that joins it."""

    parts: dict[str, tuple[str, ...]]
    distractors: tuple[str, ...]
    sentence: str
    distraction: str
    negative: str


def draw_direction(spec: Spec, scenarios: Sequence[str] = ()) -> str:
    """The direction for a spec: prose in its language, the same for the same seed and index."""
    rng = make_random(spec.seed, spec.index, "direction")
    pools = load_pools(spec.language)
    drawn = {name: pick(rng, pools.parts[name]) for name in _PARTS}
    if scenarios and rng.random() < OWN_SHARE:
        drawn["situation"] = pick(rng, scenarios)
    direction = pools.sentence.format(**drawn)
    if spec.hard_negative:
        two = rng.sample(pools.distractors, 2)
        return f"{direction} {pools.negative.format(first=two[0], second=two[1])}"
    if rng.random() < _DISTRACTOR_SHARE:
        return f"{direction} {pools.distraction.format(first=pick(rng, pools.distractors))}"
    return direction


@cache
def load_pools(language: str) -> Pools:
    """The pools of a language; English ones for a language that has none."""
    folder = Path(__file__).with_name("pools")
    path = folder / f"{language}.toml"
    document = tomllib.loads((path if path.is_file() else folder / "en.toml").read_text(encoding="utf-8"))
    return Pools(
        {name: tuple(document[name]) for name in _PARTS},
        tuple(document["distractors"]),
        document["sentence"],
        document["distraction"],
        document["negative"],
    )


def read_scenarios(path: Path) -> dict[str, tuple[str, ...]]:
    """A project's own situations by language; none if the file is absent.

    Raises:
        RecordError: a line is not an object with a language and a scenario.
    """
    if not path.is_file():
        return {}
    found: dict[str, list[str]] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            entry = orjson.loads(line)
            language, scenario = str(entry["language"]), " ".join(str(entry["scenario"]).split())
        except (ValueError, TypeError, KeyError):
            raise RecordError(
                "A line must be an object with `language` and `scenario`.", file=str(path), line=number
            ) from None
        if scenario and scenario not in found.setdefault(language, []):
            found[language].append(scenario)
    return {language: tuple(listed) for language, listed in found.items()}
