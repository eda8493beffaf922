"""Configuration files: TOML, checked against a JSON Schema; errors name file, line, and what would be right."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import goldspan.schemas as schemas
from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.files import read_small

_KEY_PARTS = 64
_MOST_NAMED = 50
"""Problems of one file that are named."""

_LONG_KEY = re.compile(rf"""^\s*\[{{0,2}}(?:\s*(?:[\w-]+|"[^"\n]*"|'[^'\n]*')\s*\.){{{_KEY_PARTS}}}""", re.MULTILINE)
_HEADER = re.compile(r"\s*\[\[?\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?\Z")
_KEY = re.compile(r"""\s*((?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=""")


def list_too_small(settings: object, least: Mapping[str, float]) -> list[str]:
    """What is wrong with settings that must be finite and have a least value, by name; None is unset."""
    values = {name: getattr(settings, name) for name in least}
    return [
        f"{name} is at least {least[name]:g}, not {value}"
        for name, value in values.items()
        if value is not None and not least[name] <= value < math.inf
    ]


def list_wrong_choices(settings: object, choices: Mapping[str, Sequence[str]]) -> list[str]:
    """What is wrong with settings that take one of some values, by name."""
    return [
        f"{name} is {', '.join(known[:-1])} or {known[-1]}"
        for name, known in choices.items()
        if getattr(settings, name) not in known
    ]


def require_least(what: str, settings: object, least: Mapping[str, float]) -> None:
    """Refuse settings that are too small or not finite.

    Raises:
        ConfigurationError: one is; all are named.
    """
    if wrong := list_too_small(settings, least):
        raise ConfigurationError(f"Settings of {what}: {'; '.join(wrong)}.")


def read_configuration(path: Path, schema: str, error: type[InputError]) -> dict[str, Any]:
    """The document of a TOML file that keeps the JSON Schema `schema`.

    Raises:
        error: the file cannot be read, is no TOML, or breaks the schema.
    """
    text, document = _read(path, error)
    if problems := schemas.validator(schema).list_best_problems(document):
        raise error(_explain(path, text, problems))
    return document


def read_toml(path: Path, error: type[InputError] = ConfigurationError) -> dict[str, Any]:
    """The document of a TOML file.

    Raises:
        error: the file cannot be read, or is no TOML.
    """
    return _read(path, error)[1]


def _read(path: Path, error: type[InputError]) -> tuple[str, dict[str, Any]]:
    try:
        text = read_small(path).decode("utf-8-sig")
    except OSError as problem:
        raise error(f"{path} cannot be read: {problem.strerror}.") from None
    except UnicodeDecodeError as problem:
        raise error(f"{path} is not UTF-8 (byte {problem.start}). Save it as UTF-8.") from None
    try:
        return text, parse_toml(text)
    except tomllib.TOMLDecodeError as problem:
        raise error(f"{path} is not readable TOML: {problem}. Correct the line it names.") from None


def _explain(path: Path, text: str, problems: Sequence[schemas.Problem]) -> str:
    """A line for each problem, in the order of the file."""
    places = [(find_line(text, one.pointer), one.pointer.strip("/").replace("/", "."), one.message) for one in problems]
    lines = [
        f"{path}{f':{line}' if line else ''}: {f'{place}: ' if place else ''}{message}."
        for line, place, message in sorted(places)[:_MOST_NAMED]
    ]
    more = len(places) - len(lines)
    return "\n".join([*lines, f"And {more} more."] if more else lines)


def parse_toml(text: str) -> dict[str, Any]:
    """Parse TOML; what would exhaust the stack, the memory or the digits of an integer is an error like any other.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML, nested too deep, or holds an integer that is too long.
    """
    if _LONG_KEY.search(text):
        raise tomllib.TOMLDecodeError(f"a key has more than {_KEY_PARTS} parts")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("it is nested too deep") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise tomllib.TOMLDecodeError("an integer is too long") from None


def find_line(text: str, pointer: str) -> int:
    """The line (from 1) on which the value at a JSON pointer is set, or its nearest parent; 0 if none is found."""
    wanted = pointer.strip("/").split("/") if pointer.strip("/") else []
    best = depth = 0
    table: list[str] = []
    for number, content in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(content):
            table = _split(header[1])
            place = table
        elif key := _KEY.match(content):
            place = [*table, *_split(key[1])]
        else:
            continue
        if place == wanted[: len(place)] and len(place) > depth:
            best, depth = number, len(place)
    return best


def _split(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.split(r"\s*\.\s*", name)]
