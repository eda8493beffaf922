"""Headers of a part of a message: every header, and every parameter of those that have some, as a text of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header
from email.message import Message
from email.utils import collapse_rfc2231_value

import regex

from goldspan.serving.documents.flow import Run
from goldspan.serving.documents.markup import edit_source

_PARAMETERS = ("content-type", "content-disposition")
"""Headers of parameters: each value is a text of its own, in one of three encodings."""

_STRUCTURAL = frozenset({"charset", "format", "delsp", "type", "report-type", "protocol", "micalg"})
"""Parameters that hold no text."""

_WORD_START = regex.compile(r"=\?[^?\s]+\?[bBqQ]\?")
_WORD = regex.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
_WORDS = regex.compile(r"\w+", regex.ASCII)
_UNFOLD = regex.compile(r"\r?\n(?=[ \t])")


@dataclass(frozen=True, slots=True)
class HeaderPlace:
    """Where a text of a part's headers stands: a header by its number, or a parameter of one by its name."""

    header: str
    number: int
    parameter: str = ""


def read_headers(part: Message) -> tuple[list[HeaderPlace], list[Run]]:
    """The texts of the headers of a part, and where each stands."""
    places: list[HeaderPlace] = []
    runs: list[Run] = []
    for number, (name, raw) in enumerate(part.raw_items()):
        if name.lower() in _PARAMETERS:
            for parameter, value in (part.get_params(header=name) or [])[1:]:
                if parameter.lower() not in _STRUCTURAL:
                    places.append(HeaderPlace(name, number, parameter))
                    runs.append(Run(decode_header_text(collapse_rfc2231_value(value)), "\n"))
        else:
            places.append(HeaderPlace(name, number))
            runs.append(Run(decode_header_text(_UNFOLD.sub("", read_raw(raw))), "\n"))
    return places, runs


def read_raw(raw: object) -> str:
    """A header or preamble as UTF-8, or as Latin-1 where it is not: its bytes have no declared encoding."""
    data = str(raw).encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def write_headers(
    part: Message,
    places: Sequence[HeaderPlace],
    runs: Sequence[Run],
    edits: Sequence[tuple[tuple[int, int, str], ...]],
) -> None:
    """Headers in their order; parameters that change are written anew, in UTF-8 where they need it."""
    items = list(part.raw_items())
    for place, run, changes in zip(places, runs, edits, strict=True):
        if not changes:
            continue
        text = edit_source(run.text, changes)
        if place.parameter == "boundary":
            text = "_".join(_WORDS.findall(text))
        if place.parameter:
            holder = Message()
            holder[place.header] = items[place.number][1]
            charset = "" if text.isascii() else "utf-8"
            holder.set_param(place.parameter, text, header=place.header, charset=charset or None)
            items[place.number] = (place.header, str(holder[place.header]))
        else:
            items[place.number] = (place.header, text if text.isascii() else Header(text, "utf-8").encode())
    for name in dict.fromkeys(part.keys()):
        del part[name]
    for name, value in items:
        part.set_raw(name, value)


def decode_header_text(value: str) -> str:
    """A header value with its encoded words (RFC 2047) read, the whole ones first where others are damaged."""
    if len(_WORD_START.findall(value)) != len(_WORD.findall(value)):
        value = _WORD.sub(lambda word: _decode_words(word.group()), value)
    return _decode_words(value)


def _decode_words(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return value
