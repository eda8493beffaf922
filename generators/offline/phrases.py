"""Phrases for documents about any subject: one TOML file per language in `domain/`, and a project's own in their place.

<who>      a phrase of that list; <Who> begins with a capital
<n>        a number
[this|that]  one of them
{v} {w}    values, as they are; {name} is what the label is called
{LABEL}    a value of that label (`sentences.py`)

A project's file has the same lists, which replace those of the language, and lists of its own. A table named like a
document type holds the lists of that type.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from random import Random

from goldspan.annotation.configuration import read_configuration
from goldspan.annotation.errors import SchemaError
from goldspan.generators.surrogates.chance import pick

Phrases = Mapping[str, tuple[str, ...]]

_FALLBACK = "en"
LIST = re.compile(r"<(?!m>)([A-Za-z][a-z_]*)>")
"""A slot for a phrase of a list; `<m>` and labels in capitals are tags."""
_SLOT = re.compile(LIST.pattern + r"|\[([^\[\]<>]+)\]")
_FOLDER = Path(__file__).with_name("domain")


def load_phrases(language: str, own: Path | None = None, document_type: str = "") -> Phrases:
    """The lists of a language, English where there is none of it, with those of a project's folder in their place.

    Raises:
        SchemaError: the project's file cannot be read, or is not as the JSON Schema `phrases` allows.
    """
    file = _find_own_file(own, language)
    return _merge(language, file, file.stat().st_mtime_ns, document_type) if file else _load_built_in(language)


def _find_own_file(own: Path | None, language: str) -> Path | None:
    """The project's phrases of a language; None if it has none."""
    file = own / f"{language}.toml" if own and language.isalpha() else None
    return file if file and file.is_file() else None


@cache
def _load_built_in(language: str) -> Phrases:
    path = _FOLDER / f"{language}.toml"
    if language not in {file.stem for file in _FOLDER.glob("*.toml")}:
        path = _FOLDER / f"{_FALLBACK}.toml"
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    return {name: tuple(phrases) for name, phrases in document.items()}


@cache
def _merge(language: str, file: Path, changed: int, document_type: str) -> Phrases:
    document = read_configuration(file, "phrases", SchemaError)
    shared = {name: tuple(phrases) for name, phrases in document.items() if isinstance(phrases, list)}
    own = document.get(document_type)
    of_type = {name: tuple(phrases) for name, phrases in own.items()} if isinstance(own, dict) else {}
    return {**_load_built_in(language), **shared, **of_type}


def draw_phrase(rng: Random, name: str, phrases: Phrases) -> str:
    """A phrase of the list with all its slots filled but those of values."""
    return fill_phrase(rng, pick(rng, phrases[name]), phrases)


def fill_phrase(rng: Random, text: str, phrases: Phrases) -> str:
    """The phrase with all its slots filled but those of values."""
    while slot := _SLOT.search(text):
        text = text[: slot.start()] + _fill(rng, slot, phrases) + text[slot.end() :]
    return text


def capitalize(text: str) -> str:
    """The text with its first letter as a capital, behind an opening question mark too."""
    return text[:2].upper() + text[2:] if text.startswith("¿") else text[:1].upper() + text[1:]


def _fill(rng: Random, slot: re.Match[str], phrases: Phrases) -> str:
    name: str = slot[1]
    if slot[2]:
        return str(pick(rng, slot[2].split("|")))
    if name == "n":
        return str(rng.randint(2, 98))
    phrase = draw_phrase(rng, name.lower(), phrases)
    return capitalize(phrase) if name[0].isupper() else phrase
