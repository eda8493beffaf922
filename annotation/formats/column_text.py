"""The text of sentences in columns: as a comment states it, or of their tokens, and the place of every word."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

import orjson

from goldspan.annotation.formats.reading import LineError
from goldspan.annotation.formats.tags import Place, join_tokens, place_tokens


@dataclass(slots=True)
class Sentence:
    """Rows of tokens with their line numbers, the text that a comment states, and what CoNLL-U says of spaces.

    `contracted` has the last word, the form and the space of a token of several words, by its first word; `hidden`
    counts the mentions that begin in empty nodes.
    """

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    stated: str | None = None
    spaces: list[bool] = field(default_factory=list)
    contracted: dict[int, tuple[int, str, bool]] = field(default_factory=dict)
    hidden: int = 0

    def contract(self, words: Sequence[str]) -> tuple[list[str], list[bool], list[int]]:
        """The tokens of the text, whether a space follows each, and how many words each of them is."""
        tokens, spaces, sizes, number = [], [], [], 0
        given = self.spaces if len(self.spaces) == len(words) else [True] * len(words)
        while number < len(words):
            last, form, space = self.contracted.get(number + 1, (number + 1, words[number], given[number]))
            tokens.append(form)
            spaces.append(space)
            sizes.append(max(1, min(last, len(words)) - number))
            number += sizes[-1]
        return tokens, spaces, sizes


def make_text(sentences: list[Sentence], token_column: int, first: int) -> tuple[str, list[Place]]:
    """The text of the sentences, a line each, and the place of every row; `first` is the line of the first one.

    Raises:
        LineError: a comment that states the text has other tokens.
    """
    pieces: list[str] = []
    places: list[Place] = []
    offset = 0
    for sentence in sentences:
        text, found = _place_sentence(sentence, token_column, first)
        places += [(offset + start, offset + end) for start, end in found]
        pieces.append(text)
        offset += len(text) + 1
    return "\n".join(pieces), places


def _place_sentence(sentence: Sentence, token_column: int, first: int) -> tuple[str, list[Place]]:
    """The text that a comment states, or else the tokens joined; words of a contraction stand in its place."""
    words = [columns[token_column] for _, columns in sentence.rows]
    tokens, spaces, sizes = sentence.contract(words)
    if sentence.stated is not None:
        text, quoted = _read_stated(sentence.stated, tokens, first)
        if (places := place_tokens(text, tokens)) is not None:
            return text, _expand(places, sizes, words, text)
        if quoted:
            line = _find_stranger(text, sentence.rows, token_column)
            raise LineError("the token does not come next in the text", line)
    text, places = join_tokens(tokens) if all(spaces) else _join_marked(tokens, spaces)
    return text, _expand(places, sizes, words, text)


def _expand(places: Sequence[Place], sizes: Sequence[int], words: Sequence[str], text: str) -> list[Place]:
    """The place of each word, from the places of tokens that hold one or more of them."""
    expanded: list[Place] = []
    for (start, end), size in zip(places, sizes, strict=True):
        inside = words[len(expanded) : len(expanded) + size]
        if "".join(inside) == text[start:end]:
            borders = list(accumulate(map(len, inside), initial=start))
            expanded += pairwise(borders)
        else:
            expanded += [(start, end)] * size
    return expanded


def _read_stated(stated: str, tokens: Sequence[str], first: int) -> tuple[str, bool]:
    """The text, and whether it is stated as JSON; a text that begins with a quotation mark may stand as it is."""
    if not stated.startswith('"') or "".join(stated.split()) == "".join("".join(tokens).split()):
        return stated, False
    try:
        return str(orjson.loads(stated)), True
    except orjson.JSONDecodeError:
        raise LineError("the comment text is neither the tokens nor a JSON string", first) from None


def _find_stranger(text: str, rows: list[tuple[int, list[str]]], token_column: int) -> int:
    """The line of the first token that does not come next in the text."""
    words = [columns[token_column] for _, columns in rows]
    place = bisect_left(range(len(rows)), True, key=lambda last: place_tokens(text, words[: last + 1]) is None)
    return rows[place if place < len(rows) else 0][0]


def _join_marked(words: list[str], spaces: list[bool]) -> tuple[str, list[Place]]:
    pieces: list[str] = []
    places: list[Place] = []
    offset = 0
    for number, (word, space) in enumerate(zip(words, spaces, strict=True)):
        places.append((offset, offset + len(word)))
        piece = word + (" " if space and number + 1 < len(words) else "")
        pieces.append(piece)
        offset += len(piece)
    return "".join(pieces), places
