"""The brief as gold standard: every value it gave must stand in the text, tagged with its label.

What is there but untagged, tagged otherwise, or tagged too widely is mended without asking again: the place and the
label are known. What is not there, or not clear, is reported.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.text.homographs import is_homograph
from goldspan.annotation.text.words import find_occurrences, joins_compound, splits_word
from goldspan.annotation.types import Entity, sort_spans

Span = tuple[int, int]
_WORD = re.compile(r"[^\W_]+")
_TITLES = frozenset(
    {"mr", "mrs", "ms", "miss", "dr", "prof", "sir", "herr", "frau", "monsieur", "madame", "mme", "mlle", "m"}
    | {"señor", "señora", "sr", "sra", "don", "doña", "heer", "mevrouw", "mevr", "dhr"}
)
_UNITS = frozenset({"jahr", "jahre", "jahren", "lebensjahr", "lebensjahre"})
"""Nouns beside an age that begin with a capital, as German ones do."""

_SEPARATORS = frozenset(" \u00a0\u202f\u2009-./()\u2010\u2011\u2013'’")


@dataclass(frozen=True, slots=True)
class BriefMatch:
    """Entities after mending, the mends by kind, and the labels of values that are absent or unclear."""

    entities: tuple[Entity, ...]
    repairs: tuple[str, ...]
    absent: tuple[str, ...]
    unclear: tuple[str, ...]


@dataclass(slots=True)
class _Work:
    text: str
    entities: list[Entity]
    claimed: list[Entity] = field(default_factory=list)
    rests: list[Entity] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    unclear: list[str] = field(default_factory=list)

    def is_claimed(self, start: int, end: int) -> bool:
        return any(entity.start < end and start < entity.end for entity in self.claimed)


def match_brief(
    text: str, entities: Sequence[Entity], values: Sequence[Mapping[str, Any]], *, is_trusted: bool = False
) -> BriefMatch:
    """Hold a text and its entities to the values of its brief.

    Longer values take their places first. A value given with two labels counts as tagged with either. A short number or
    single character that stands more often than it was given is mended only where a model tagged it itself. A trusted
    author is not searched for values that stand in another form beside the given one.
    """
    labels_of: dict[str, list[str]] = {}
    given: Counter[str] = Counter()
    for entry in values:
        value, label = str(entry["value"]), str(entry["label"])
        given[value] += 1
        if label not in labels_of.setdefault(value, []):
            labels_of[value].append(label)
    work = _Work(text, list(entities))
    absent: list[str] = []
    for value in sorted(labels_of, key=lambda value: (-len(value), value)):
        exact = list(find_occurrences(text, value))
        altered = [] if exact and (is_trusted or is_homograph(value)) else find_altered(text, value)
        if exact:
            altered = [place for place in altered if _is_repeat(text, place, value, exact)]
        if not (exact or altered):
            absent += labels_of[value]
        places = [place for place in sorted({*exact, *altered}) if not work.is_claimed(*place)]
        if places:
            _settle_value(work, value, labels_of[value], places, given[value], exact)
    for rest in work.rests:
        _settle_rest(work, rest)
    return BriefMatch(
        sort_spans([*work.entities, *work.claimed]),
        tuple(sorted(work.repairs)),
        tuple(absent),
        tuple(work.unclear),
    )


def find_altered(text: str, value: str) -> list[Span]:
    """Where a value stands in capitals, in another Unicode form, or with other separators in it.

    A name in small letters is left alone (`may` is no May), and so is a number of fewer than six digits.
    """
    wanted, _ = _squeeze(value)
    if len(wanted) < 3 or (wanted.isdigit() and len(wanted) < 6):
        return []
    is_name = wanted.isalpha()
    squeezed, offsets = _squeeze(text)
    found: list[Span] = []
    position = squeezed.find(wanted)
    while position >= 0:
        start, end = offsets[position], offsets[position + len(wanted) - 1] + 1
        while end < len(text) and unicodedata.combining(text[end]):
            end += 1
        is_sound = not splits_word(text, start, end) and "\n" not in text[start:end]
        if is_sound and not joins_compound(text, start, end) and not (is_name and text[start].islower()):
            found.append((start, end))
        position = squeezed.find(wanted, position + len(wanted))
    return found


def _is_repeat(text: str, place: Span, value: str, exact: Sequence[Span]) -> bool:
    """True if a value stands at a place in another form, apart from the places where it stands as given."""
    start, end = place
    return _fold(text[start:end]) == _fold(value) and not any(a < end and start < b for a, b in exact)


def _fold(value: str) -> str:
    """A value whatever its case and Unicode form, a number whatever its separators; letters keep their accents."""
    folded = unicodedata.normalize("NFKC", value).casefold()
    is_number = any(character.isdigit() for character in folded)
    return "".join(character for character in folded if not (is_number and character in _SEPARATORS))


def _squeeze(text: str) -> tuple[str, list[int]]:
    characters: list[str] = []
    offsets: list[int] = []
    for offset, character in enumerate(text):
        if character in _SEPARATORS or unicodedata.combining(character):
            continue
        for part in unicodedata.normalize("NFKD", character.casefold()):
            if not unicodedata.combining(part):
                characters.append(part)
                offsets.append(offset)
    return "".join(characters), offsets


def _settle_value(
    work: _Work, value: str, labels: list[str], places: list[Span], times: int, exact: list[Span]
) -> None:
    """Give every place of a value its label; at those that are not `exact` it stands in another form."""
    tagged = {(e.start, e.end): e for e in work.entities if (e.start, e.end) in places and e.label in labels}
    untagged = [place for place in places if place not in tagged]
    if _is_doubtful(value) and len(places) > times:
        for entity in tagged.values():
            _claim(work, entity, "")
        if not tagged:
            work.unclear += labels
        return
    alone = [place for place in untagged if not joins_compound(work.text, *place)]
    for place in places:
        if place in tagged:
            _claim(work, tagged[place], "")
        elif place in alone:
            _mend(work, place, labels, is_altered=place not in exact)
    if not (tagged or alone):
        work.unclear += labels


def _mend(work: _Work, place: Span, labels: list[str], *, is_altered: bool) -> None:
    start, end = place
    overlapping = [e for e in work.entities if e.start < end and start < e.end]
    if len(labels) > 1:
        if not overlapping:
            work.unclear += labels
        return
    entity = Entity(start, end, labels[0])
    if not overlapping:
        _claim(work, entity, "altered_value_tagged" if is_altered else "tagged")
    elif len(overlapping) == 1 and (overlapping[0].start, overlapping[0].end) == place:
        _claim(work, entity, "relabelled")
    else:
        _claim(work, entity, "resized")


def _claim(work: _Work, entity: Entity, repair: str) -> None:
    """Take a place for an entity; what overlaps it goes."""
    gone = [e for e in work.entities if e.start < entity.end and entity.start < e.end]
    work.entities = [e for e in work.entities if e not in gone]
    work.rests += [e for e in gone if (e.start, e.end) != (entity.start, entity.end)]
    work.claimed.append(entity)
    if repair:
        work.repairs[repair] += 1


def _settle_rest(work: _Work, wide: Entity) -> None:
    """Words of an entity that was too wide must belong to other values, or be words that no entity needs."""
    for match in _WORD.finditer(work.text, wide.start, wide.end):
        start, end = match.span()
        covered = any(e.start <= start and end <= e.end for e in (*work.claimed, *work.entities))
        if not covered and not (match[0].islower() or match[0].casefold() in _TITLES | _UNITS):
            work.unclear.append(wide.label)
            return


def _is_doubtful(value: str) -> bool:
    return len(value) == 1 or (len(value) <= 4 and value.isdigit())
