"""Transfer spans from an altered copy of a text to the text itself, through a diff.

A model that is asked to tag a text sometimes changes it on the way: a space lost, a quote straightened, a word
repeated or left out. The positions of its tags are known; they are mapped, never searched for again.

Both texts are folded and cut into tokens (words, single characters of unspaced scripts, marks). Tokens that occur once
in each anchor the alignment (patience diff, Bram Cohen); what lies between is aligned by longest common
subsequences. It is done from the front and from the back: a token whose partner differs has no certain place.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import regex

from goldspan.annotation.text.alignment import Ambiguity, Doubt
from goldspan.annotation.text.folding import FoldedText, fold_text
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import Entity, Mention, S, sort_spans

_TOKEN = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]|[\p{L}\p{M}\p{N}_]+|\S"
)
_LARGEST = 4_000_000
"""Pairs of tokens that are compared between two anchors; beyond it nothing there is aligned."""


@dataclass(frozen=True, slots=True)
class PositionMap:
    """Where each token of an altered copy stands in the text; -1: nowhere, or not certain."""

    altered: FoldedText
    text: FoldedText
    altered_tokens: tuple[tuple[int, int], ...]
    text_tokens: tuple[tuple[int, int], ...]
    partners: tuple[int, ...]
    uncertain: frozenset[int]
    similarity: float

    def map_span(self, start: int, end: int) -> tuple[int, int] | None:
        """The span of the text for a span of the copy; None if its characters changed or its place is not certain."""
        low, high = self._find_tokens(start, end)
        if low >= high or self.partners[low] < 0:
            return None
        first = self.partners[low]
        if any(self.partners[number] != first + number - low for number in range(low, high)):
            return None
        begin, finish = self.altered.find(start, end)
        left = self.text_tokens[first][0] + max(0, begin - self.altered_tokens[low][0])
        right = self.text_tokens[first + high - low - 1][1] - max(0, self.altered_tokens[high - 1][1] - finish)
        return self.text.locate(left, right)

    def is_uncertain(self, start: int, end: int) -> bool:
        """True if a token of the span has several possible places."""
        return any(number in self.uncertain for number in range(*self._find_tokens(start, end)))

    def _find_tokens(self, start: int, end: int) -> tuple[int, int]:
        begin, finish = self.altered.find(start, end)
        low = bisect_left(self.altered_tokens, begin + 1, key=lambda token: token[1])
        high = bisect_left(self.altered_tokens, finish, key=lambda token: token[0])
        return low, high


@dataclass(frozen=True, slots=True)
class Transfer:
    """Spans at their places in the text; `lost` are those that have none; `similarity` of the two texts (0 to 1)."""

    entities: tuple[Entity, ...]
    mentions: tuple[Mention, ...]
    lost: tuple[Ambiguity, ...]
    similarity: float


def map_positions(altered: str, text: str) -> PositionMap:
    """Align an altered copy with the text it was made from."""
    source, target = fold_text(altered), fold_text(text)
    ours = tuple(match.span() for match in _TOKEN.finditer(source.text))
    theirs = tuple(match.span() for match in _TOKEN.finditer(target.text))
    words = [source.text[slice(*token)].casefold() for token in ours]
    others = [target.text[slice(*token)].casefold() for token in theirs]
    forward = _align(words, others)
    backward = _mirror(_align(words[::-1], others[::-1]), len(words), len(others))
    uncertain = frozenset(
        number
        for number in range(len(words))
        if forward.get(number) != backward.get(number) and (number in forward or number in backward)
    )
    partners = tuple(-1 if number in uncertain else forward.get(number, -1) for number in range(len(words)))
    total = len(words) + len(others)
    similarity = 2 * len(forward) / total if total else 1.0
    return PositionMap(source, target, ours, theirs, partners, uncertain, similarity)


def transfer_spans(tagged: Tagged, text: str) -> Transfer:
    """Place the spans of an altered copy in the text; each that cannot be placed is in `lost` with its doubt."""
    positions = map_positions(tagged.text, text)
    lost: list[Ambiguity] = []
    entities = _place(tagged.text, tagged.entities, positions, lost)
    mentions = _place(tagged.text, tagged.mentions, positions, lost)
    return Transfer(entities, mentions, tuple(lost), positions.similarity)


def _place(copy: str, spans: Sequence[S], positions: PositionMap, lost: list[Ambiguity]) -> tuple[S, ...]:
    placed: list[S] = []
    for span in spans:
        place = positions.map_span(span.start, span.end)
        if place is None:
            doubt = Doubt.SEVERAL_PLACES if positions.is_uncertain(span.start, span.end) else Doubt.CHANGED
            lost.append(Ambiguity(copy[span.start : span.end], (span.label,), (), doubt))
        else:
            placed.append(replace(span, start=place[0], end=place[1]))
    return sort_spans(placed)


def _mirror(pairs: dict[int, int], length: int, other: int) -> dict[int, int]:
    return {length - 1 - left: other - 1 - right for left, right in pairs.items()}


def _align(left: Sequence[str], right: Sequence[str]) -> dict[int, int]:
    """Partners of equal tokens, in order on both sides."""
    pairs: dict[int, int] = {}
    pending = [(0, len(left), 0, len(right))]
    while pending:
        low, high, begin, end = pending.pop()
        while low < high and begin < end and left[low] == right[begin]:
            pairs[low] = begin
            low, begin = low + 1, begin + 1
        while low < high and begin < end and left[high - 1] == right[end - 1]:
            high, end = high - 1, end - 1
            pairs[high] = end
        if low == high or begin == end:
            continue
        anchors = _find_anchors(left, right, (low, high, begin, end))
        if not anchors:
            if (high - low) * (end - begin) <= _LARGEST:
                matcher = SequenceMatcher(None, left[low:high], right[begin:end], autojunk=False)
                for block in matcher.get_matching_blocks():
                    pairs.update((low + block.a + step, begin + block.b + step) for step in range(block.size))
            continue
        for one, other in anchors:
            pairs[one] = other
            pending.append((low, one, begin, other))
            low, begin = one + 1, other + 1
        pending.append((low, high, begin, end))
    return pairs


def _find_anchors(
    left: Sequence[str], right: Sequence[str], window: tuple[int, int, int, int]
) -> list[tuple[int, int]]:
    """Tokens that occur once on each side, as the longest increasing sequence of their places."""
    low, high, begin, end = window
    ours, theirs = Counter(left[low:high]), Counter(right[begin:end])
    places = {word: number for number, word in enumerate(right[begin:end], start=begin) if theirs[word] == 1}
    unique = [(n, places[left[n]]) for n in range(low, high) if ours[left[n]] == 1 and left[n] in places]
    tails: list[int] = []
    chain: list[int] = []
    previous: list[int] = []
    for number, (_, place) in enumerate(unique):
        at = bisect_left(tails, place)
        previous.append(chain[at - 1] if at else -1)
        if at == len(tails):
            tails.append(place)
            chain.append(number)
        else:
            tails[at], chain[at] = place, number
    found: list[tuple[int, int]] = []
    number = chain[-1] if chain else -1
    while number >= 0:
        found.append(unique[number])
        number = previous[number]
    return found[::-1]
