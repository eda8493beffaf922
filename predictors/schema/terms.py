"""Find terms in a text: as many as one likes, in time that grows with the text alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import regex

_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_]+|[^\s\p{L}\p{M}\p{N}_]")


class TermIndex:
    """Terms, their first words, and their lengths: a text is looked up only at words that some term begins with."""

    def __init__(self, terms: Iterable[str], *, ignore_case: bool = False) -> None:
        self._ignore_case = ignore_case
        self._terms: set[str] = set()
        self._firsts: set[str] = set()
        for term in map(self._fold, terms):
            if first := _WORD.match(term):
                self._terms.add(term)
                self._firsts.add(first[0])
        self._lengths = sorted(set(map(len, self._terms)), reverse=True)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Half-open offsets of the longest term at each word; whoever calls checks that it ends with a word."""
        folded = self._fold(text)
        for word in _WORD.finditer(folded):
            if word[0] not in self._firsts:
                continue
            start = word.start()
            for length in self._lengths:
                if folded[start : start + length] in self._terms:
                    yield start, start + length
                    break

    def _fold(self, text: str) -> str:
        """The text without regard to case, in as many code points."""
        if not self._ignore_case:
            return text
        folded = text.casefold()
        if len(folded) == len(text):
            return folded
        return "".join(low if len(low := character.casefold()) == 1 else character for character in text)
