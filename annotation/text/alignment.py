"""Align values without offsets to exact spans.

Older data sets and some models give values without offsets. Alignment finds every word-bounded occurrence of every
value, the longest value first, so that a labelled value is never left unlabelled elsewhere. Values are compared under
an offset-preserving folding (`goldspan.annotation.text.folding`); spans are always those of the verbatim text.
What is ambiguous is reported and left out, never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from goldspan.annotation.text.affixes import is_known_affix
from goldspan.annotation.text.folding import FoldedText, fold_text, fold_value, is_plain
from goldspan.annotation.text.homographs import is_homograph
from goldspan.annotation.text.taken import is_taken, take_range
from goldspan.annotation.text.unspaced import count_unsupported, find_script
from goldspan.annotation.text.words import find_occurrences, fold, joins_compound, splits_word
from goldspan.annotation.types import Entity, sort_spans

Place = tuple[int, int]


class Doubt(StrEnum):
    """Why an occurrence was left unlabelled."""

    SEVERAL_LABELS = "several_labels"
    SHORT_NUMBER = "short_number"
    SINGLE_CHARACTER = "single_character"
    OVERLAP = "overlap"
    COMPOUND = "compound"
    COMMON_WORD = "common_word"
    INSIDE_WORD = "inside_word"
    CHANGED = "changed"
    SEVERAL_PLACES = "several_places"


@dataclass(frozen=True, slots=True)
class Unaligned:
    """A value that does not occur in the text; `hint` names the nearest match."""

    value: str
    label: str
    hint: str


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Places of a value that may or may not carry a label; none of them was labelled."""

    value: str
    labels: tuple[str, ...]
    places: tuple[Place, ...]
    doubt: Doubt


@dataclass(frozen=True, slots=True)
class Alignment:
    """Entities found, values not found, and places left out."""

    entities: tuple[Entity, ...]
    unaligned: tuple[Unaligned, ...] = ()
    ambiguous: tuple[Ambiguity, ...] = ()


def align_values(text: str, values: Sequence[tuple[str, str]], language: str = "") -> Alignment:
    """Find `(value, label)` pairs in a text; `language` is ISO 639-1 or empty.

    Rules, in order:
      1. A place is word-bounded: `Ann` is not found in `Anna`. Prefixes and endings that the language writes onto
         names do not count as part of the word (`ب` in Arabic, `s` in German).
      2. Typography does not matter: spaces, quotes, dashes, Unicode form, soft hyphens, words divided at a line's
         end. Letter case matters unless the value stands nowhere in its own case.
      3. Longer values take their places first: `Ann` is not looked for inside `Ann Lee`. A place that crosses the
         place of a longer value is ambiguous.
      4. A value given with two labels is ambiguous everywhere.
      5. A number of up to four digits, a single character, or a name that is also a common word (`May`, or any value
         that stands in small letters too) is ambiguous if it stands more often than it was given.
      6. In a script without spaces, a place that may lie inside a longer word is ambiguous.
      7. A place tied to another word (`Ann` in `Ann-Marie`, `ann` in `ann@mail.net`) counts only if the value
         stands nowhere by itself; otherwise it is reported.
    """
    given = Counter(value for value, _ in values)
    labels_of: dict[str, list[str]] = {}
    for value, label in values:
        known = labels_of.setdefault(value, [])
        if label not in known:
            known.append(label)
    search = TextSearch(text)
    taken = bytearray(len(text))
    entities: list[Entity] = []
    unaligned: list[Unaligned] = []
    ambiguous: list[Ambiguity] = []
    held: list[tuple[str, tuple[str, ...], list[Place]]] = []
    for value in sorted(labels_of, key=lambda value: (-len(value), value)):
        labels = tuple(labels_of[value])
        everywhere = search.find(value, language) if value == value.strip() else []
        if not everywhere:
            unaligned += [Unaligned(value, label, _explain_absence(text, value)) for label in labels]
            continue
        free = [place for place in everywhere if not is_taken(taken, *place)]
        if crossing := tuple(place for place in everywhere if place not in free and not all(taken[slice(*place)])):
            ambiguous.append(Ambiguity(value, labels, crossing, Doubt.OVERLAP))
        if len(labels) > 1:
            ambiguous.append(Ambiguity(value, labels, tuple(free), Doubt.SEVERAL_LABELS))
            continue
        repeated = sum(not joins_compound(text, *place) for place in free) > given[value]
        if repeated and (doubt := _doubt_value(value, search)):
            ambiguous.append(Ambiguity(value, labels, tuple(free), doubt))
            continue
        for start, end in free:
            take_range(taken, start, end)
        held.append((value, labels, free))
    for value, labels, free in held:
        sure, inside = _split_unspaced(text, free, taken, given[value])
        if inside:
            ambiguous.append(Ambiguity(value, labels, tuple(inside), Doubt.INSIDE_WORD))
        alone = [place for place in sure if not joins_compound(text, *place)]
        if alone and len(alone) < len(sure):
            tied = tuple(place for place in sure if place not in alone)
            ambiguous.append(Ambiguity(value, labels, tied, Doubt.COMPOUND))
        entities += [Entity(start, end, labels[0]) for start, end in alone or sure]
    return Alignment(sort_spans(entities), tuple(unaligned), tuple(ambiguous))


class TextSearch:
    """Finds the places of values in one text; folded forms of the text are made when they are needed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._folded: dict[tuple[bool, bool], FoldedText] = {}
        self._plain, self._divided = is_plain(text), "\n" in text

    def find(self, value: str, language: str = "") -> list[Place]:
        """Word-bounded places in text order: exact and typographic variants, else other capitals.

        Endings that `language` writes onto names do not count as part of a word.
        """
        if not value:
            return []
        for case in (False, True):
            places = set() if case else set(find_occurrences(self.text, value))
            if case or not self._plain or not is_plain(value):
                for joined in (True, False) if self._divided else (True,):
                    places.update(self._find_folded(value, language, case=case, joined=joined))
            elif language:
                places.update(self._find_folded(value, language, case=False, joined=True))
            if places:
                return _drop_overlaps(places)
        return []

    def has_common_form(self, value: str) -> bool:
        """True if the text has the value in small letters, as a word, while the value begins with a capital."""
        return value != value.lower() and any(True for _ in find_occurrences(self.text, value.lower()))

    def _find_folded(self, value: str, language: str, *, case: bool, joined: bool) -> Iterator[Place]:
        key = case, joined
        if key not in self._folded:
            self._folded[key] = fold_text(self.text, case=case, joined=joined)
        folded, wanted = self._folded[key], fold_value(value, case=case, joined=joined)
        position = folded.text.find(wanted) if wanted.strip() else -1
        while position >= 0:
            place = folded.locate(position, position + len(wanted))
            if place and self._is_bounded(*place, language):
                yield place
                position = folded.text.find(wanted, position + len(wanted))
            else:
                position = folded.text.find(wanted, position + 1)

    def _is_bounded(self, start: int, end: int, language: str) -> bool:
        return not splits_word(self.text, start, end) or is_known_affix(self.text, start, end, language)


def _drop_overlaps(places: set[Place]) -> list[Place]:
    kept: list[Place] = []
    for start, end in sorted(places, key=lambda place: (place[0], -place[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept


def _doubt_value(value: str, search: TextSearch) -> Doubt | None:
    if len(value) <= 4 and value.isdigit():
        return Doubt.SHORT_NUMBER
    if len(value) == 1:
        return Doubt.SINGLE_CHARACTER
    return Doubt.COMMON_WORD if is_homograph(value) or search.has_common_form(value) else None


def _split_unspaced(text: str, places: list[Place], taken: bytearray, given: int) -> tuple[list[Place], list[Place]]:
    """Places whose borders are certain, and those that may lie inside a longer word of an unspaced script."""
    sure: list[Place] = []
    inside: list[Place] = []
    for start, end in places:
        script = find_script(text[start])
        left, right = count_unsupported(text, start, end)
        left = left and not taken[start - 1]
        right = right and not taken[end]
        lenient = script == "hangul" or (script == "han" and len(places) <= given)
        doubtful = (left and right) if lenient else (left or right)
        if script == "katakana" or not (script or find_script(text[end - 1])):
            doubtful = False
        (inside if doubtful else sure).append((start, end))
    return sure, inside


def _explain_absence(text: str, value: str) -> str:
    if not value.strip():
        return "the value is empty"
    if value != value.strip():
        return "the value has white space at its edges"
    if fold(value) in fold(text):
        return "stands only inside other words"
    return "does not stand in the text"
