"""Base64 that holds text: data addresses, tokens, cells of tables, headers of other programs.

A run of base64 counts as text where it has letters of both cases and decodes to printable characters; of a short run
most of them have to be letters, digits and blanks. Runs below 16 characters are words like others.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass

import regex

_RUN = regex.compile(
    r"(?:[A-Za-z0-9+/]{60,76}\r?\n[ \t]*)+[A-Za-z0-9+/]{2,76}={0,2}(?![A-Za-z0-9+/])|[A-Za-z0-9+/_-]{16,}={0,2}"
)
_PART = regex.compile(r"[A-Za-z0-9+_-]{16,}={0,2}")
_LEAST, _SHORT = 16, 24
_PLAIN_SHARE = 0.7
_LARGEST_CHARACTER = 4
"""Bytes of UTF-8 that may be missing at the end: what is cut off is read as far as it goes."""

_URL_SAFE = b"-_"
_LINE = 76


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text that stands as base64 at `[start, end)` of a source."""

    start: int
    end: int
    text: str
    charset: str
    url_safe: bool
    padded: bool
    wrapped: bool

    def encode(self, text: str) -> str:
        """Another text in the same spelling."""
        data = base64.b64encode(text.encode(self.charset), _URL_SAFE if self.url_safe else None).decode()
        if not self.padded:
            data = data.rstrip("=")
        return "\n".join(data[at : at + _LINE] for at in range(0, len(data), _LINE)) if self.wrapped else data


def find_encoded(source: str) -> Iterator[EncodedText]:
    """The texts in base64, in the order of the source."""
    for match in _RUN.finditer(source):
        found = _decode(*match.span(), match.group())
        if found:
            yield found
            continue
        for part in _PART.finditer(source, *match.span()):
            inner = _decode(*part.span(), part.group())
            if inner:
                yield inner


def _decode(start: int, end: int, run: str) -> EncodedText | None:
    body = "".join(run.split())
    bare = body.rstrip("=")
    if len(bare) % 4 == 1 and len(bare) > _LEAST:
        return _decode(start, end, run[:-1])
    if len(bare) % 4 == 1 or len(bare) < _LEAST or bare.islower() or bare.isupper() or bare.isdigit():
        return None
    url_safe = "-" in bare or "_" in bare
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=_URL_SAFE if url_safe else None, validate=True)
    except (binascii.Error, ValueError):
        return None
    charset = "utf-16-le" if b"\0" in data else "utf-8"
    try:
        text = data.decode(charset)
    except UnicodeDecodeError as error:
        if error.start < len(data) - _LARGEST_CHARACTER:
            return None
        text = data[: error.start].decode(charset)
    if not all(character.isprintable() or character in "\r\n\t\ufeff" for character in text):
        return None
    plain = sum(character.isalnum() or character == " " for character in text)
    if len(bare) < _SHORT and plain < _PLAIN_SHARE * len(text):
        return None
    padded = body != bare or len(bare) % 4 == 0
    return EncodedText(start, end, text, charset, url_safe, padded, wrapped=body != run)
