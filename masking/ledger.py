"""Which replacement stands for which value: the memory that makes masking consistent and reversible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import regex

from goldspan.annotation.text.words import splits_word
from goldspan.masking.keys import MaskingKey, draw_key
from goldspan.masking.persons import FIRST, LAST, PersonIndex

PLACEHOLDER = regex.compile(r"\[[A-Z][A-Z0-9_]*_\d+(?:\.\d+)?\]")
"""What `number` writes: `[FIRSTNAME_1]`, and `[FIRSTNAME_1.2]` for the second form of the same name."""

NAMES = frozenset({"FIRSTNAME", "SURNAME", "MIDDLENAME", "PERSON", "FULLNAME"})
"""Labels of which one value may belong to several persons."""

ERASED = "erased"
_PREFIX = 3


class LedgerEntry(NamedTuple):
    """One replacement. `kind` is `number`, `fake`, or `run`: a replacement with the rest of the word it stands in.

    `erased` is a placeholder whose value was erased: it stands for nothing, and its number is not given out again.
    """

    kind: str
    label: str
    referent: str
    value: str
    replacement: str


class Ledger:
    """Replacements chosen so far, in memory; one text or conversation, or many texts with one mapping.

    Not safe for several threads at once. New entries belong to the text at work until `commit`. `key` decides which
    surrogates are drawn where the caller has no key.
    """

    def __init__(self, entries: Iterable[LedgerEntry] = (), key: MaskingKey | None = None) -> None:
        self.key = key or draw_key()
        self._known: dict[tuple[str, str, str, str], list[str]] = {}
        self._values: dict[str, str] = {}
        self._used: dict[str, dict[str, int]] = {}
        self._numbers: dict[str, dict[str, int]] = {}
        self._highest: dict[str, int] = {}
        self._surrogates: dict[str, set[str]] = {}
        self._texts = ReplacementIndex()
        self.persons = PersonIndex()
        self._new: list[LedgerEntry] = []
        for entry in entries:
            self._take(entry)

    def __len__(self) -> int:
        return len(self._values)

    def find(self, kind: str, label: str, referent: str, value: str) -> tuple[str, ...]:
        """Replacements of a value, the oldest first: the referent's, else of one that is no name whoever has it."""
        own = self._known.get((kind, label, referent, value))
        return tuple(own or ((self._known.get((kind, label, "", value)) or ()) if label not in NAMES else ()))

    def count_forms(self, kind: str, label: str, referent: str) -> int:
        """How many values of the label the referent has so far."""
        return self._used.get(kind, {}).get(f"{label}|{referent}", 0)

    def find_surrogates(self, referent: str) -> frozenset[str]:
        """Every invented value that the referent has."""
        return frozenset(self._surrogates.get(referent, ()))

    def find_original(self, replacement: str) -> str | None:
        """The value that a replacement stands for; None for an unknown one."""
        return self._values.get(replacement)

    def choose_number(self, label: str, referent: str) -> int:
        """The referent's number within a label: the one it has, else the one it has elsewhere, else a new one."""
        own = self._numbers.setdefault(label, {})
        if referent not in own:
            taken = set(own.values())
            others = (numbers[referent] for numbers in self._numbers.values() if referent in numbers)
            free = [number for number in others if number not in taken]
            own[referent] = free[0] if free else self._highest.get(label, 0) + 1
            self._highest[label] = max(self._highest.get(label, 0), own[referent])
        return own[referent]

    def skip_number(self, label: str, referent: str) -> None:
        """Give the referent a new number within a label: the text holds the placeholder of the one it has."""
        self._highest[label] = self._highest.get(label, 0) + 1
        self._numbers[label][referent] = self._highest[label]

    def add(self, entry: LedgerEntry) -> None:
        """Take a new entry."""
        self._take(entry)
        self._new.append(entry)

    def commit(self) -> None:
        """Make the new entries lasting. The text that they belong to is given out only after this."""
        self._save(self._new)
        self._new = []

    def find_replacements(self, text: str) -> Iterator[tuple[int, int]]:
        """Places of a text where a known replacement stands, in text order, the longest at each place."""
        return self._texts.find(text)

    def list_values(self) -> Mapping[str, str]:
        """Every replacement with the value that it stands for."""
        return dict(self._values)

    def _save(self, entries: list[LedgerEntry]) -> None:
        """In memory, nothing is to be done."""

    def _take(self, entry: LedgerEntry) -> None:
        if entry.kind == ERASED:
            self._highest[entry.label] = max(self._highest.get(entry.label, 0), _read_number(entry.replacement))
            return
        self._values[entry.replacement] = entry.value
        self._texts.add(entry.replacement)
        if entry.kind == "run":
            return
        for referent in {entry.referent, ""}:
            self._known.setdefault((entry.kind, entry.label, referent, entry.value), []).append(entry.replacement)
        if entry.label in (FIRST, LAST) and entry.referent:
            self.persons.add(entry.label, entry.referent, entry.value)
        used = self._used.setdefault(entry.kind, {})
        form = f"{entry.label}|{entry.referent}"
        used[form] = used.get(form, 0) + 1
        if entry.kind == "fake":
            self._surrogates.setdefault(entry.referent, set()).add(entry.replacement)
        if entry.kind == "number":
            number = _read_number(entry.replacement)
            self._numbers.setdefault(entry.label, {})[entry.referent] = number
            self._highest[entry.label] = max(self._highest.get(entry.label, 0), number)


class ReplacementIndex:
    """Finds many replacements in a text: placeholders by their form, others by their first characters."""

    def __init__(self, replacements: Iterable[str] = ()) -> None:
        self._placeholders: set[str] = set()
        self._by_prefix: dict[str, list[str]] = {}
        for replacement in replacements:
            self.add(replacement)

    def add(self, replacement: str) -> None:
        """Take a replacement."""
        if PLACEHOLDER.fullmatch(replacement):
            self._placeholders.add(replacement)
            return
        candidates = self._by_prefix.setdefault(replacement[:_PREFIX], [])
        if replacement not in candidates:
            candidates.append(replacement)
            candidates.sort(key=len, reverse=True)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Places in text order without overlap; a replacement counts where it is not part of a longer word."""
        places = [m.span() for m in PLACEHOLDER.finditer(text, overlapped=False) if m.group() in self._placeholders]
        if self._by_prefix:
            places = sorted([*places, *self._find_others(text)], key=lambda place: (place[0], -place[1]))
        end = 0
        for place in places:
            if place[0] >= end:
                yield place
                end = place[1]

    def _find_others(self, text: str) -> Iterator[tuple[int, int]]:
        position = 0
        while position < len(text):
            found = self._match(text, position)
            if found:
                yield position, found
                position = found
            else:
                position += 1

    def _match(self, text: str, start: int) -> int:
        longest = 0
        for size in range(1, _PREFIX + 1):
            for candidate in self._by_prefix.get(text[start : start + size], ()):
                end = start + len(candidate)
                if end > longest and text.startswith(candidate, start) and not splits_word(text, start, end):
                    longest = end
                    break
        return longest


def _read_number(placeholder: str) -> int:
    """The number in `[LABEL_1]` or `[LABEL_1.2]`."""
    return int(placeholder.rpartition("_")[2].rstrip("]").partition(".")[0])
