"""Tokens for formats that need them: words and single other characters, cut where a span begins or ends."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import regex

_TOKEN = regex.compile(r"[\p{L}\p{M}\p{N}_]+|\S")


class Token(NamedTuple):
    """A token's place in the text."""

    start: int
    end: int


def split_tokens(text: str, borders: Iterable[int] = ()) -> list[Token]:
    """Tokens in text order. No token holds white space or one of the borders inside it."""
    cuts = sorted(set(borders))
    tokens: list[Token] = []
    position = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        while position < len(cuts) and cuts[position] <= start:
            position += 1
        inside = position
        while inside < len(cuts) and cuts[inside] < end:
            inside += 1
        tokens += [Token(*pair) for pair in pairwise([start, *cuts[position:inside], end])]
        position = inside
    return tokens


def find_range(tokens: list[Token], start: int, end: int) -> tuple[int, int]:
    """Numbers of the first token in the span and of the first after it; equal if the span holds only white space."""
    low, high = _bisect(tokens, start), _bisect(tokens, end)
    return low, high


def _bisect(tokens: list[Token], place: int) -> int:
    low, high = 0, len(tokens)
    while low < high:
        middle = (low + high) // 2
        if tokens[middle].start < place:
            low = middle + 1
        else:
            high = middle
    return low
