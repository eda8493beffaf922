"""Phrases for documents about any subject: read from one TOML file per language in `domain/`.

<who>      a phrase of that list; <Who> begins with a capital
<n>        a number
[this|that]  one of them
{v} {w}    values, as they are; {name} is what the label is called
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random

from goldspan.generators.surrogates.chance import pick

_FALLBACK = "en"
_SLOT = re.compile(r"<(\w+)>|\[([^\[\]<>]+)\]")
_FOLDER = Path(__file__).with_name("domain")


@cache
def load_phrases(language: str) -> Mapping[str, tuple[str, ...]]:
    """The lists of a language; English where there is none of it."""
    path = _FOLDER / f"{language}.toml"
    if language not in {file.stem for file in _FOLDER.glob("*.toml")}:
        path = _FOLDER / f"{_FALLBACK}.toml"
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: tuple(phrases) for name, phrases in document.items()}


def draw_phrase(rng: Random, name: str, phrases: Mapping[str, tuple[str, ...]]) -> str:
    """A phrase of the list with all its slots filled but those of values."""
    text = pick(rng, phrases[name])
    while slot := _SLOT.search(text):
        text = text[: slot.start()] + _fill(rng, slot, phrases) + text[slot.end() :]
    return text


def capitalize(text: str) -> str:
    """The text with its first letter as a capital, behind an opening question mark too."""
    return text[:2].upper() + text[2:] if text.startswith("¿") else text[:1].upper() + text[1:]


def _fill(rng: Random, slot: re.Match[str], phrases: Mapping[str, tuple[str, ...]]) -> str:
    name: str = slot[1]
    if slot[2]:
        return str(pick(rng, slot[2].split("|")))
    if name == "n":
        return str(rng.randint(2, 98))
    phrase = draw_phrase(rng, name.lower(), phrases)
    return capitalize(phrase) if name[0].isupper() else phrase
