r"""A text as a reader sees it: entities, percent signs, escapes of JSON and JavaScript, and inline tags undone.

Documents of every format hold addresses, code and markup in their texts, in which `Müller` stands as `M%C3%BCller`,
`M&uuml;ller`, `M\u00fcller` or `<b>Mül</b>ler`. Only what is read is undone: what is not masked stays as it was.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from urllib.parse import unquote

import regex

_MAX_DEPTH = 3
"""How often the escapes of escapes are undone."""

_SIGNS = frozenset("%&\\<\u00ad\u200b\u2060\ufeff")
_ESCAPE = regex.compile(
    r"(?P<percent>(?:%[0-9A-Fa-f]{2})+)"
    r"|(?P<entity>&(?:\#[0-9]{1,7}|\#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});)"
    r"|(?P<code>(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|\\u\{[0-9A-Fa-f]{1,6}\})+)"
    r"|(?P<punctuation>\\[!-/:-@\[-`{-~])"
    r"|(?P<tag></?(?P<name>a|abbr|b|bdi|big|code|em|font|i|mark|s|small|span|strong|sub|sup|u|wbr)\s*/?>)"
    r"|(?P<invisible>[\u00ad\u200b\u2060\ufeff])"
)
_CODE = regex.compile(r"\\u\{([0-9A-Fa-f]+)\}|\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")

_BASIC = 0xFFFF
"""The last character that is one UTF-16 unit."""

Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class OpenText:
    """A text with its escapes undone; `places` are the stretches of the source of its characters, None if the same."""

    text: str
    places: tuple[tuple[int, int], ...] | None = None

    def locate(self, edits: Sequence[Edit]) -> list[Edit]:
        """Edits of this text as edits of the source; what lies between the parts of a value stays."""
        if self.places is None:
            return list(edits)
        found: list[Edit] = []
        for start, end, new in edits:
            parts: list[tuple[int, int]] = []
            for place in self.places[start:end]:
                if parts and place[0] <= parts[-1][1]:
                    parts[-1] = (parts[-1][0], max(parts[-1][1], place[1]))
                else:
                    parts.append(place)
            found += [(*part, new if number == 0 else "") for number, part in enumerate(parts)]
        return found


def open_escapes(source: str) -> OpenText:
    """The text with its escapes undone, those inside of escapes too."""
    opened = OpenText(source)
    for _ in range(_MAX_DEPTH):
        if _SIGNS.isdisjoint(opened.text):
            break
        deeper = _open_once(opened.text)
        if deeper.places is None:
            break
        places = deeper.places
        if opened.places is not None:
            outer = opened.places
            places = tuple((outer[start][0], outer[end - 1][1]) for start, end in places)
        opened = OpenText(deeper.text, places)
    return opened


def _open_once(source: str) -> OpenText:
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    cursor = 0
    for match in _ESCAPE.finditer(source):
        found = _read(match)
        if found is None:
            continue
        start, end = match.span()
        pieces += (source[cursor:start], found)
        places += [(n, n + 1) for n in range(cursor, start)]
        places += _find_places(match, found)
        cursor = end
    if not cursor:
        return OpenText(source)
    places += [(n, n + 1) for n in range(cursor, len(source))]
    return OpenText("".join([*pieces, source[cursor:]]), tuple(places))


def _read(match: regex.Match[str]) -> str | None:
    """What an escape stands for; None where it is none."""
    raw: str = match.group()
    if match["percent"]:
        text = unquote(raw, errors="strict") if _is_utf8(raw) else None
        return text if text and text.isprintable() else None
    if match["entity"]:
        text = html.unescape(raw)
        return None if text == raw else text
    if match["code"]:
        return _read_code(raw)
    if match["tag"] and match["name"] != "wbr" and f"</{match['name']}>" not in match.string:
        return None
    return raw[1:] if match["punctuation"] else ""


def _is_utf8(raw: str) -> bool:
    try:
        bytes.fromhex(raw.replace("%", "")).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _read_code(raw: str) -> str | None:
    units = [int(next(filter(None, match.groups())), 16) for match in _CODE.finditer(raw)]
    if any(unit > 0x10FFFF for unit in units):
        return None
    text = "".join(map(chr, units))
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _find_places(match: regex.Match[str], found: str) -> list[tuple[int, int]]:
    """The stretch of the source of each character of an escape, or of several in a row."""
    start, end = match.span()
    if len(found) <= 1:
        return [(start, end)] * len(found)
    if match["percent"]:
        widths = [3 * len(character.encode()) for character in found]
    elif match["code"]:
        units = iter(len(unit.group()) for unit in _CODE.finditer(match.group()))
        braced = "{" in match.group()
        widths = [next(units) + (next(units) if ord(c) > _BASIC and not braced else 0) for c in found]
    else:
        return [(start, end)] * len(found)
    ends = list(accumulate(widths, initial=start))
    return list(pairwise(ends))
