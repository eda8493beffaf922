"""JSON and JSON Lines: strings, keys and numbers in their place; everything that is not masked stays byte for byte."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import regex

from goldspan.annotation.errors import InputError, RecordError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, choose_fields, mask_units, read_document
from goldspan.serving.documents.flow import MaskedRuns, Run, mask_runs, search_values

_TOKEN = regex.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d[\d.eE+-]*)|(?P<sign>[{}\[\],:])')
_MAX_LINE = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class JsonPlace:
    """A string, key or number `[start, end)` of a JSON text, and its pointer with `*` for positions of arrays."""

    start: int
    end: int
    pointer: str
    is_key: bool


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    text: str
    places: tuple[JsonPlace, ...]


async def mask_json_lines(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a JSON Lines file, line by line."""
    counts = FileCounts()
    seen: set[str] = set()
    with target.open("wb") as out:
        units = ((_make_runs(line, settings), line) for line in _read_lines(source, settings, seen))
        async for runs, line, result in mask_units(units, masker, settings):
            place = f"{source.name}, line {line.number}"
            out.write(_write(line, runs, result, place).encode("utf-8", "surrogatepass"))
            counts.add(runs, result)
    _check_paths(source, settings, seen)
    return counts


async def mask_json(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a JSON document."""
    counts = FileCounts()
    written = await mask_json_text(_decode(read_document(source), source), masker, settings, source, counts)
    target.write_bytes(written.encode())
    return counts


async def mask_json_text(text: str, masker: Masker, settings: FileSettings, source: Path, counts: FileCounts) -> str:
    """The masked JSON text; `source` names it in errors.

    Raises:
        RecordError: it is not JSON.
        MaskingError: it cannot be masked safely.
    """
    seen: set[str] = set()
    line = _parse(text, source, 1, settings, seen)
    _check_paths(source, settings, seen)
    runs = _make_runs(line, settings)
    result = await mask_runs(runs, masker, settings.language, settings.country)
    counts.add(runs, result)
    return _write(line, runs, result, source.name)


def find_places(text: str) -> Iterator[JsonPlace]:
    """Every string, key and number of a valid JSON text, in its order."""
    path: list[str] = []
    kinds: list[str] = []
    key = ""
    expects_key = False
    for match in _TOKEN.finditer(text):
        sign = match["sign"]
        if sign in ("{", "["):
            path.append(key if kinds and kinds[-1] == "{" else "*" if kinds else "")
            kinds.append(sign)
            expects_key, key = sign == "{", ""
        elif sign in ("}", "]"):
            kinds.pop()
            path.pop()
            expects_key = False
        elif sign == ",":
            expects_key = kinds[-1] == "{"
        elif sign == ":":
            expects_key = False
        elif match["string"] and expects_key:
            key = str(orjson.loads(match.group())).replace("~", "~0").replace("/", "~1")
            yield JsonPlace(*match.span(), "/".join([*path, key]), is_key=True)
        else:
            last = [key] if kinds and kinds[-1] == "{" else ["*"] if kinds else []
            yield JsonPlace(*match.span(), "/".join([*path, *last]), is_key=False)


def edit_json(text: str, edit: Callable[[str], str]) -> str:
    """A JSON text with each string that `edit` changes written anew, keys included."""
    pieces: list[str] = []
    cursor = 0
    for place in find_places(text):
        value = _value(text, place)
        changed = edit(value) if text[place.start] == '"' else value
        if changed != value:
            pieces += (text[cursor : place.start], orjson.dumps(changed).decode())
            cursor = place.end
    return "".join([*pieces, text[cursor:]])


def _read_lines(source: Path, settings: FileSettings, seen: set[str]) -> Iterator[_Line]:
    try:
        with source.open("rb") as stream:
            number = 0
            while data := stream.readline(_MAX_LINE):
                number += 1
                if len(data) >= _MAX_LINE and not data.endswith(b"\n"):
                    raise RecordError(f"the line is longer than {_MAX_LINE >> 20} MiB", file=str(source), line=number)
                text = _decode(data, source, number)
                yield (
                    _parse(text, source, number, settings, seen)
                    if text.strip("\ufeff \t\r\n")
                    else _Line(number, text, ())
                )
    except OSError as error:
        raise InputError(f"{source} cannot be read: {error.strerror}.") from None


def _decode(data: bytes, source: Path, line: int = 0) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RecordError(f"not UTF-8 (byte {error.start})", file=str(source), line=line) from None


def _parse(text: str, source: Path, number: int, settings: FileSettings, seen: set[str]) -> _Line:
    try:
        orjson.loads(text.removeprefix(codecs.BOM_UTF8.decode()))
    except orjson.JSONDecodeError as error:
        raise RecordError(f"not valid JSON: {error.msg}", file=str(source), line=number) from None
    labels = choose_fields(settings.fields)
    places = tuple(find_places(text))
    seen.update(place.pointer for place in places if not place.is_key)
    if labels:
        places = tuple(place for place in places if place.pointer in labels and not place.is_key)
    return _Line(number, text, places)


def _check_paths(source: Path, settings: FileSettings, seen: set[str]) -> None:
    for name in choose_fields(settings.fields):
        if name not in seen:
            known = ", ".join(sorted(seen)[:12])
            raise InputError(f"{source} has nothing at {name}. It has: {known}. Positions of arrays are written *.")


def _make_runs(line: _Line, settings: FileSettings) -> list[Run]:
    labels = choose_fields(settings.fields)
    return [Run(_value(line.text, place), "\n", labels.get(place.pointer, "")) for place in line.places]


def _value(text: str, place: JsonPlace) -> str:
    token = text[place.start : place.end]
    return str(orjson.loads(token)) if token.startswith('"') else token


def _write(line: _Line, runs: list[Run], result: MaskedRuns, name: str) -> str:
    pieces: list[str] = []
    cursor = 0
    for place, text, edits in zip(line.places, result.texts, result.edits, strict=True):
        if edits:
            pieces += (line.text[cursor : place.start], orjson.dumps(text).decode())
            cursor = place.end
    written = "".join([*pieces, line.text[cursor:]])
    _verify(line, written, runs, result, name)
    return written


def _verify(line: _Line, written: str, runs: list[Run], result: MaskedRuns, name: str) -> None:
    """Read the written JSON again: same shape, what was not chosen is equal, no masked value in what was."""
    if not any(result.edits):
        return
    before, after = (_list_values(orjson.loads(text.lstrip("\ufeff"))) for text in (line.text, written))
    if len(before) != len(after):
        raise InputError(f"{name}: the JSON did not keep its shape; two keys became one.")
    changed = sum(old != new for old, new in zip(before, after, strict=True))
    if changed > sum(bool(edits) for edits in result.edits):
        raise InputError(f"{name}: values changed that were not chosen.")
    whole = len(runs) == sum(1 for _ in find_places(line.text))
    texts = [_value(written, place) for place in find_places(written)] if whole else result.texts
    search_values(result.values, texts, name)


def _list_values(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in (key, *_list_values(inner))]
    if isinstance(value, list):
        return [one for inner in value for one in _list_values(inner)]
    return [value]
