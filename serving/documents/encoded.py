"""Encodings that hold text: base64, base32 and hex (data addresses, tokens, cells), encoded words of mail headers.

A run of base64 counts as text where it has letters of both cases and decodes to printable characters; of a short run
most of them have to be letters, digits and blanks. Shorter runs are words like others, but for values that say how they
are written: of LDIF (`cn:: TcO8bGxlcg==`), of HTTP (`Basic …`), hex with a prefix. Ascii85 is not read: mail, logs
and web pages hold no texts in it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import Header, decode_header, make_header

import regex

from goldspan.serving.documents.embedded import is_file

WORD = r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?="
"""An encoded word of a mail header (RFC 2047)."""

_RUN = regex.compile(
    rf"(?P<words>{WORD}(?:\s+{WORD})*)"
    r"|(?P<prefix>(?<![A-Za-z0-9])(?:0[xX]|\\x|[xX]'))(?P<digits>[0-9a-fA-F]{6,})(?![A-Za-z0-9])"
    r"|(?P<declared>(?<=(?m:^)[\w;-]{1,60}:: |\bBasic )[A-Za-z0-9+/]{4,15}={0,2}(?![A-Za-z0-9+/=]))"
    r"|(?P<spaced>(?<![A-Za-z0-9])(?P<group>(?:[0-9a-fA-F]{2}){1,4})(?:(?P<by>[ :-])[0-9a-fA-F]{2,8})"
    r"(?:(?P=by)[0-9a-fA-F]{2,8})+(?![A-Za-z0-9]))"
    r"|(?:[A-Za-z0-9+/]{60,76}\r?\n[ \t]*)+[A-Za-z0-9+/]{2,76}={0,2}(?![A-Za-z0-9+/])|[A-Za-z0-9+/_-]{16,}={0,6}"
)
_PART = regex.compile(r"[A-Za-z0-9+_-]{16,}={0,6}")
_WORD = regex.compile(r"[A-Za-z0-9]{16,}={0,6}")
_HEX = regex.compile(r"[0-9a-fA-F]+")
_HEX_OF_DIGITS = regex.compile(r"(?:[4-7]\d){0,4}(?:3\d){6,}")
"""Hex without a letter that is no number of its own: of a number, perhaps with letters before it."""

_JSON = regex.compile(r"\s*[\[{]\s*\"\w")
_LEAST, _SHORT = 16, 24
_PLAIN_SHARE, _ASCII_SHARE = 0.7, 0.85
_CUT_OFF = frozenset({"unexpected end of data", "truncated data"})
"""What Python says of a character that the data ends in: what is cut off is read as far as it goes."""

_LAST_OF_UTF16 = 0x2100
"""Letters of alphabets lie below; UTF-16 of others is hardly to be told from random bytes, such as those of a key."""

_URL_SAFE = b"-_"
_LINE = 76


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text that stands encoded at `[start, end)` of a source; `encode` gives another text in the same spelling."""

    start: int
    end: int
    text: str
    encode: Callable[[str], str]


def find_encoded(source: str) -> Iterator[EncodedText]:
    """The encoded texts, in the order of the source."""
    for match in _RUN.finditer(source):
        start, end = match.span()
        if match["words"]:
            found = _read_words(start, end, match["words"])
        elif match["spaced"]:
            found = _read_groups(start, end, match["spaced"], match["by"], len(match["group"]))
        elif match["prefix"]:
            found = _read_hex(start, end, match["prefix"], match["digits"])
        elif match["declared"]:
            found = _read_base64(start, end, match["declared"], 1)
        else:
            found = _read_run(start, end, match.group())
        if found:
            yield found
        elif not match["words"]:
            yield from _find_in_parts(source, start, end)


def _find_in_parts(source: str, start: int, end: int) -> Iterator[EncodedText]:
    """What is encoded between slashes, or hex and base32 between other signs of base64."""
    for part in _PART.finditer(source, start, end):
        found = _read_run(*part.span(), part.group())
        if found:
            yield found
            continue
        for word in _WORD.finditer(source, *part.span()):
            inner = _read_hex(*word.span(), "", word.group()) or _read_base32(*word.span(), word.group())
            if inner:
                yield inner


def _read_run(start: int, end: int, run: str) -> EncodedText | None:
    return _read_hex(start, end, "", run) or _read_base32(start, end, run) or _read_base64(start, end, run)


def _read_words(start: int, end: int, words: str) -> EncodedText | None:
    try:
        text = str(make_header(decode_header(words)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return None
    return EncodedText(start, end, text, lambda new: new if new.isascii() else Header(new, "utf-8").encode())


def _read_groups(start: int, end: int, spaced: str, separator: str, size: int) -> EncodedText | None:
    """Hex in groups of equal size, as dumps show it; the last group may be shorter."""
    *groups, last = spaced.split(separator)
    if any(len(group) != size for group in groups) or len(last) > size or len(spaced) < _LEAST:
        return None
    return _read_hex(start, end, "", "".join([*groups, last]), separator, size // 2)


def _read_hex(start: int, end: int, prefix: str, digits: str, separator: str = "", size: int = 0) -> EncodedText | None:
    if len(digits) % 2 or not _HEX.fullmatch(digits) or (digits.isdigit() and not _HEX_OF_DIGITS.fullmatch(digits)):
        return None
    text, charset = _decode(bytes.fromhex(digits))
    if not text or not _is_plain(text):
        return None

    def encode(new: str) -> str:
        raw = new.encode(charset)
        return prefix + (raw.hex(separator, -size) if separator else raw.hex())

    return EncodedText(start, end, text, encode)


def _read_base64(start: int, end: int, run: str, least: int = _LEAST) -> EncodedText | None:
    body = "".join(run.split())
    bare = body.rstrip("=")
    if len(bare) % 4 == 1 and len(bare) > _LEAST:
        return _read_base64(start, end, run[:-1])
    if len(bare) % 4 == 1 or len(bare) < least or bare.islower() or bare.isupper() or bare.isdigit():
        return None
    url_safe = "-" in bare or "_" in bare
    try:
        data = base64.b64decode(bare + "=" * (-len(bare) % 4), altchars=_URL_SAFE if url_safe else None, validate=True)
    except (binascii.Error, ValueError):
        return None
    text, charset = _decode(data)
    if not text or (len(bare) < _SHORT and not _is_plain(text)):
        return None
    padded, wrapped = body != bare or len(bare) % 4 == 0, body != run

    def encode(new: str) -> str:
        coded = base64.b64encode(new.encode(charset, "replace"), _URL_SAFE if url_safe else None).decode()
        if not padded:
            coded = coded.rstrip("=")
        return "\n".join(coded[at : at + _LINE] for at in range(0, len(coded), _LINE)) if wrapped else coded

    return EncodedText(start, end, text, encode)


def _read_base32(start: int, end: int, run: str) -> EncodedText | None:
    bare = run.rstrip("=")
    if not bare.islower() and not bare.isupper():
        return None
    try:
        text, charset = _decode(base64.b32decode(bare + "=" * (-len(bare) % 8), casefold=True))
    except binascii.Error:
        return None
    if not text or not _is_plain(text):
        return None
    padded = run != bare or len(bare) % 8 == 0

    def encode(new: str) -> str:
        coded = base64.b32encode(new.encode(charset)).decode()
        coded = coded if padded else coded.rstrip("=")
        return coded.lower() if bare.islower() else coded

    return EncodedText(start, end, text, encode)


def _decode(data: bytes) -> tuple[str, str]:
    """The text of bytes and its encoding; empty where they are no text."""
    charset = "utf-16-le" if b"\0" in data else "utf-8"
    try:
        text = data.decode(charset)
    except UnicodeDecodeError as error:
        if error.reason in _CUT_OFF:
            text = data[: error.start].decode(charset)
        else:
            charset, text = "cp1252", data.decode("cp1252", "replace")
            if len(data) < _SHORT or sum(byte < 0x80 for byte in data) < _ASCII_SHARE * len(data):
                return "", charset
    printable = all(character.isprintable() or character in "\r\n\t\ufeff" for character in text)
    is_random = charset == "utf-16-le" and max(map(ord, text.lstrip("\ufeff")), default=0) >= _LAST_OF_UTF16
    return (text if printable and not is_random and "\ufffd" not in text and not is_file(text) else ""), charset


def _is_plain(text: str) -> bool:
    plain = sum(character.isalnum() or character == " " for character in text) >= _PLAIN_SHARE * len(text)
    return plain or _JSON.match(text) is not None
