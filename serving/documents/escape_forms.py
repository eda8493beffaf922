r"""How texts escape characters: percent signs, quoted-printable, entities, code, style sheets, TeX, UTF-7, tags.

Each form is a pattern and what reads a match. Forms that would be ordinary text elsewhere are read only in texts that
tell, by a sign that nothing else has, that they are written so: quoted-printable, TeX.
"""

from __future__ import annotations

import base64
import html
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote

import regex

from goldspan.serving.documents.encoded import WORD

_INVISIBLE = r"\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
"""Soft hyphens, zero-width spaces, marks of direction."""

_SIGNS = frozenset(
    "%&=\\<+_{|ÃÄÅ\x07\x08\x1b\u00ad\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
_BEGINNINGS = ("xn--", "fromCharCode(")
"""A text with none of these has no escapes."""

_QUOTED = r"(?i)quoted-printable|=[CDE][0-9A-F]=[89AB][0-9A-F]|=3D[\"']|=20\r?\n"
_TEX = (
    r"\\(?:documentclass|usepackage|begin\{|end\{|(?:sub)*section|text(?:bf|it|rm|sc|tt)\b|emph\{|cite[pt]?\{|author\{)"
    r"|(?m:^)\s*@[A-Za-z]+\s*\{[^,\s{}]*,|\{\\[\"'`^~=.]\{?[A-Za-z]\}"
)
_DECLARED = (
    r"(?:content|quotes|font-family|background(?:-image)?)\s{0,9}:[^;{}]{0,300}"
    r"|--[\w-]{1,60}\s{0,9}:[^;{}]{0,300}|url\([^)]{0,300}"
)
"""Begin of a declaration of a style sheet with a text or an address, not far before."""

_SIGN = r"[\"'`^~=.]"
_LETTER = r"(?:\\[ij]|[A-Za-z])"
_LETTERS_OF_TEX = (
    "ss ß ae æ AE Æ oe œ OE Œ aa å AA Å o ø O Ø l ł L Ł dh ð DH Ð dj đ DJ Đ th þ TH Þ i ı j ȷ"
    " \" \u0308 ' \u0301 ` \u0300 ^ \u0302 ~ \u0303 = \u0304 . \u0307 c \u0327 v \u030c u \u0306 H \u030b k \u0328"
    " r \u030a d \u0323 b \u0331"
)
_MEANT = MappingProxyType(dict(zip(_LETTERS_OF_TEX.split()[::2], _LETTERS_OF_TEX.split()[1::2], strict=True)))
"""Letters and accents of TeX (The TeXbook, chapter 9) and LaTeX, the accents as combining characters."""

_SPECIAL = rf"\\(?:{'|'.join(name for name, meant in _MEANT.items() if meant.isalpha())})"
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_CODE = regex.compile(
    r"\\U([0-9A-Fa-f]{8})|\\u\{([0-9A-Fa-f]+)\}|\\u([0-9A-Fa-f]{4})|%u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})|_x([0-9A-Fa-f]{4})_"
)
_BASIC = 0xFFFF
"""The last character that is one UTF-16 unit."""

_LAST_BYTE = 0xFF
_SECOND_BYTES = r"\x80-\xaa\xac-\xba\xbc-\xbf€‚ƒ„†‡ˆ‰Š‹ŒŽ•˜™š›œžŸ"
_MARKS = "…–—‘’“”«»"
"""What follows `Ã`, `Ä` or `Å` where these are first bytes of letters in UTF-8; marks also follow words that end so."""

_LAST_OF_UTF7 = 0x2100
"""Letters of alphabets lie below; what decodes to others was most likely no UTF-7."""


class Escape(NamedTuple):
    """The escapes at `[start, end)` of a source, the text that they mean, and where each character of it stands."""

    start: int
    end: int
    text: str
    places: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Form:
    """`read` gives what a match means, None where it is no escape. `declared`: what tells that a text has this form.

    `width`: characters of the source for a byte, where the matches are runs of encoded bytes.
    """

    pattern: str
    read: Callable[[regex.Match[str]], str | None]
    declared: str = ""
    width: int = 0


def may_have_escapes(source: str) -> bool:
    """False, and quickly, for most texts without escapes."""
    return not _SIGNS.isdisjoint(source) or any(beginning in source for beginning in _BEGINNINGS)


def find_escapes(source: str) -> Iterator[Escape]:
    """The escapes of a source in its order, those inside of escapes left out."""
    declared = tuple(sign for sign in (_QUOTED, _TEX) if _compile(sign).search(source))
    for match in _compile_forms(declared).finditer(source):
        form = _FORMS[match.lastgroup or ""]
        text = form.read(match)
        if text is not None:
            yield Escape(*match.span(), text, tuple(_find_places(match, form, text)))


@lru_cache
def _compile(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern)


@lru_cache
def _compile_forms(declared: tuple[str, ...]) -> regex.Pattern[str]:
    forms = ((name, form) for name, form in _FORMS.items() if not form.declared or form.declared in declared)
    return regex.compile("|".join(f"(?P<{name}>{form.pattern})" for name, form in forms))


def _find_places(match: regex.Match[str], form: _Form, text: str) -> list[tuple[int, int]]:
    start, end = match.span()
    if len(text) <= 1:
        return [(start, end)]
    if form.width:
        single = len(text) * form.width == end - start
        widths = [form.width * (1 if single else len(character.encode())) for character in text]
    elif form.read is _read_code:
        units = iter(len(unit.group()) for unit in _CODE.finditer(match.group()))
        braced = "{" in match.group()
        widths = [next(units) + (next(units) if ord(c) > _BASIC and not braced else 0) for c in text]
    else:
        return [(start, end)] * len(text)
    return list(pairwise(accumulate(widths, initial=start)))


def _decode(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _read_percent(match: regex.Match[str]) -> str | None:
    text = unquote(match.group()) if _decode(bytes.fromhex(match.group().replace("%", ""))) is not None else None
    return text if text and text.isprintable() else None


def _read_quoted(match: regex.Match[str]) -> str | None:
    """Quoted-printable (RFC 2045, 6.7); what is no UTF-8 is read as Windows' Latin letters."""
    raw = match.group()
    if raw[1] in " \t\r\n":
        return ""
    data = bytes.fromhex(raw.replace("=", ""))
    text = _decode(data) or data.decode("cp1252", "replace")
    return text if all(character.isprintable() or character in "\t\r\n" for character in text) else None


def _read_octal(match: regex.Match[str]) -> str | None:
    data = bytes(int(one, 8) for one in match.group()[1:].split("\\"))
    return _decode(data) if len(data) > 1 and not data.isascii() else None


def _read_utf7(match: regex.Match[str]) -> str | None:
    """UTF-7 (RFC 2152), and that of names of mail folders (RFC 3501, 5.1.3)."""
    code = match.group()[1:-1].replace(",", "/")
    data = base64.b64decode(code + "A" * (-len(code) % 4))
    size = len(code) * 6 // 16 * 2
    if any(data[size:]):
        return None
    try:
        text = data[:size].decode("utf-16-be")
    except UnicodeDecodeError:
        return None
    letters = all((c.isalnum() or c in " '-.@") and ord(c) < _LAST_OF_UTF7 for c in text)
    return text if letters and not text.isspace() else None


def _read_entity(match: regex.Match[str]) -> str | None:
    text = html.unescape(match.group())
    return None if text == match.group() else text


def _read_code(match: regex.Match[str]) -> str | None:
    units = [int(next(filter(None, unit.groups())), 16) for unit in _CODE.finditer(match.group())]
    if any(unit > 0x10FFFF for unit in units):
        return None
    try:
        return "".join(map(chr, units)).encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _read_host(match: regex.Match[str]) -> str | None:
    """A part of the name of a host in Punycode (RFC 3492), such as `xn--mller-kva`."""
    try:
        text = match.group()[4:].encode().decode("punycode")
    except (UnicodeDecodeError, OverflowError):
        return None
    return text if text.replace("-", "").isalnum() else None


def _read_twice_encoded(match: regex.Match[str]) -> str | None:
    """A letter whose UTF-8 was taken for Windows' Latin letters: `Ã¼` for `ü`."""
    data = b"".join(bytes([ord(c)]) if ord(c) <= _LAST_BYTE else c.encode("cp1252") for c in match.group())
    text = _decode(data)
    return text if text and text.isalpha() else None


def _read_numbers(match: regex.Match[str]) -> str | None:
    numbers = list(map(int, match.group().split(",")))
    return "".join(map(chr, numbers)) if max(numbers) <= _BASIC else None


def _read_style(match: regex.Match[str]) -> str | None:
    """An escape of a style sheet (CSS Syntax 3, 4.3.7), or what is between two strings that are shown as one."""
    digits = match.group()[1:].strip(" \t\r\n\f\"'")
    number = int(digits, 16) if digits else 0
    return None if number > 0x10FFFF else chr(number) if number else ""


def _read_accent(match: regex.Match[str]) -> str | None:
    r"""A letter of TeX: `{\"u}`, `\'{e}`, `\v s`, `{\ss}`."""
    bare: str = regex.sub(r"[{}\s]", "", match.group())[1:]
    if _MEANT.get(bare, "").isalpha():
        return _MEANT[bare]
    letter = bare[1:].lstrip("\\")
    return unicodedata.normalize("NFC", letter + _MEANT[bare[0]]) if letter else ""


def _read_tag(match: regex.Match[str]) -> str | None:
    name = match.group().strip("</ >")
    return "" if name == "wbr" or f"</{name}>" in match.string else None


_FORMS: MappingProxyType[str, _Form] = MappingProxyType(
    {
        "word": _Form(WORD, lambda match: None),
        "percent": _Form(r"(?:%[0-9A-Fa-f]{2})+", _read_percent, width=3),
        "quoted": _Form(r"(?:=[0-9A-Fa-f]{2})+|=[ \t]*\r?\n", _read_quoted, _QUOTED, width=3),
        "accent": _Form(
            rf"\{{\\(?:{_SIGN}|[cvuHkrdb](?![A-Za-z]))\s*(?:\{{\s*{_LETTER}\s*\}}|{_LETTER})\s*\}}"
            rf"|\\(?:{_SIGN}|[cvuHkrdb])\{{\s*{_LETTER}\s*\}}|\{{{_SPECIAL}\s*\}}|{_SPECIAL}\{{\}}"
            r"|(?<=\p{L})\\(?:[\"`^][aeiouyAEIOUY]|~[nao]|'(?:[aeiouyncz]|s(?=\p{L})))",
            _read_accent,
        ),
        "letter": _Form(
            rf"\\{_SIGN}\s*(?:\{{\s*\}}|{_LETTER})|\\[cvuHkrdb][ \t]+{_LETTER}|{_SPECIAL}(?![A-Za-z])[ \t]*",
            _read_accent,
            _TEX,
        ),
        "space": _Form(r"~|\\[ ,;:]", lambda match: " ", _TEX),
        "joint": _Form(
            r"\\[-/!]|(?<=\p{L})%\r?\n[ \t]*|(?<!\\[A-Za-z]{0,30})\{(?=\p{L}{1,60}\}\p{L})"
            r"|(?<=(?<!\\[A-Za-z]{0,30})\{\p{L}{1,60})\}(?=\p{L})",
            lambda match: "",
            _TEX,
        ),
        "command": _Form(r"\\[A-Za-z]{2,}", lambda match: None, _TEX),
        "utf7": _Form(r"(?<![A-Za-z0-9+/]{20})[+&][A-Za-z0-9+/,]{3,}-", _read_utf7),
        "entity": _Form(
            r"&(?:\#0{0,30}[0-9]{1,7};?|\#[xX]0{0,30}[0-9A-Fa-f]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)", _read_entity
        ),
        "code": _Form(
            r"(?:[\\%]u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}(?![0-9A-Fa-f]{8})|\\u\{[0-9A-Fa-f]{1,6}\}|\\U[0-9A-Fa-f]{8}"
            r"|_x[0-9A-Fa-f]{4}_)+",
            _read_code,
        ),
        "control": _Form(r"\\[nrt](?<!(?:\b[A-Za-z]:|\\)\\[^\s\"'<>|]*)", lambda match: _CONTROLS[match.group()[1]]),
        "style": _Form(
            rf"(?:\\(?:[0-9A-Fa-f]{{1,6}}(?:\r\n|[ \t\n\f])?|\r?\n|(?=[g-zG-Z]))|[\"']\s+[\"'])(?<=(?i:{_DECLARED}))",
            _read_style,
        ),
        "host": _Form(r"(?<![A-Za-z0-9])xn--[A-Za-z0-9-]{2,59}(?![A-Za-z0-9])", _read_host),
        "mojibake": _Form(rf"[ÃÄÅ](?:[{_SECOND_BYTES}]|[{_MARKS}](?=\p{{L}}))|Ä…", _read_twice_encoded),
        "numbers": _Form(r"(?<=fromCharCode\(\s{0,9})\d{1,5}(?:\s{0,9},\s{0,9}\d{1,5})*", _read_numbers),
        "terminal": _Form(r"(?:\x1b|\\033|\\e)\[[0-9;:?]*[ -/]*[@-~]", lambda match: ""),
        "octal": _Form(r"(?:\\[0-3][0-7]{2})+", _read_octal, width=4),
        "punctuation": _Form(r"\\[!-/:-@\[-`{-~]", lambda match: match.group()[1:]),
        "parts": _Form(
            r"([\"'])[ \t]*(?:\+|\|\|)[ \t]*([\"'])",
            lambda match: "" if match.group()[0] == match.group()[-1] else None,
        ),
        "overstrike": _Form(r"(?:[^\n\x08]\x08)+[^\n\x08]", lambda match: match.group()[-1]),
        "link": _Form(r"\x1b\]8;[^;\x07\x1b]*;|\x07|\x1b\\\\", lambda match: " "),
        "tag": _Form(r"</?(?:a|abbr|b|bdi|big|code|em|font|i|mark|s|small|span|strong|sub|sup|u|wbr)\s*/?>", _read_tag),
        "invisible": _Form(
            rf"\u00ad\r?\n[ \t]*(?=\p{{Ll}})|[{_INVISIBLE}]"
            r"|(?<=[\p{Latin}\p{N}])[\u200c\u200d](?=[\p{Latin}\p{N}])",
            lambda match: "",
        ),
    }
)
