"""Characters that stand for the same in numbers: every finder reads a text in which they are one.

The replacement keeps every offset: one character for one character.
"""

from __future__ import annotations

import sys
import unicodedata
from functools import cache

import regex

_HYPHENS = "\u2010\u2011\u2012\u2212\ufe63\uff0d"
_RANGE = regex.compile(r"(?<=\d)[\u2013\u2014](?=\d)")


@cache
def _table() -> dict[int, str]:
    table = {ord(mark): "-" for mark in _HYPHENS}
    for code in range(0x80, sys.maxunicode + 1):
        character = chr(code)
        category = unicodedata.category(character)
        if category == "Zs":
            table[code] = " "
        elif category == "Nd":
            table[code] = str(unicodedata.digit(character))
        elif 0xFF01 <= code <= 0xFF5E:
            table[code] = chr(code - 0xFEE0)
    return table


def unify_typography(text: str) -> str:
    """The text with all spaces, digits, hyphens and full-width forms as ASCII, as long as before."""
    if text.isascii():
        return text
    return _RANGE.sub("-", text.translate(_table()))
