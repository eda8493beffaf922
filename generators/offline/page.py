"""A text being written, with its spans."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Set

from goldspan.annotation.text.words import find_occurrences
from goldspan.annotation.types import Entity, Mention
from goldspan.generators.offline.marks import split_marked

_PERSON = frozenset({"FIRSTNAME", "SURNAME"})
_TWO_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")


class Page:
    """Collects text, entities and mentions; offsets are right by construction, white space is tidied."""

    def __init__(self, newline: str = "\n", labels: Set[str] = frozenset(), spell: Callable[[str], str] = str) -> None:
        """An empty page; marked entities (marks.py) with one of the labels become spans, others plain text.

        `spell` is applied to all text but entities.
        """
        self._labels, self._spell = labels, spell
        self._parts: list[str] = []
        self._tail = ""
        self._newline = newline
        self.length = 0
        self.capitalises_next = False
        self.entities: list[Entity] = []
        self.mentions: list[Mention] = []

    @property
    def text(self) -> str:
        """Everything written so far."""
        return "".join(self._parts)

    @property
    def at_sentence_start(self) -> bool:
        """True where a sentence would begin with a capital."""
        tail = self._tail.rstrip(" ")
        return not tail or tail[-1] in ".!?\n•"

    @property
    def after_sentence(self) -> bool:
        """True where the next sentence of a paragraph begins."""
        return self._tail.rstrip(" ")[-1:] in (".", "!", "?") and not self._tail.endswith("\n")

    @property
    def at_line_start(self) -> bool:
        """True at the start of a line."""
        return not self._tail or self._tail.endswith("\n")

    @property
    def at_field_start(self) -> bool:
        """True where a value stands alone: at the start of a line, after a colon or another mark of a speaker."""
        tail = self._tail.rstrip(" ")
        return not tail or tail[-1] in ":>]\n•*-"

    @property
    def after_speaker(self) -> bool:
        """True after the mark of a speaker, whose turn is still empty."""
        return self._tail.rstrip(" ")[-1:] in (":", ">", "]")

    def write(self, text: str) -> None:
        """Write text: no double blanks or full stops, no blank at a line's edge, at most one empty line."""
        start = -1
        for label, piece in split_marked(text):
            if start >= 0 and label not in _PERSON and piece != " ":
                start = self._close_name(start)
            if label in self._labels:
                start = self.length if start < 0 and label in _PERSON else start
                begins = self.capitalises_next and not piece.islower()
                self.write_entity(label, piece[0].upper() + piece[1:] if begins else piece)
            else:
                self._write_plain(piece)
        self._close_name(start)

    def _close_name(self, start: int) -> int:
        """A mention of the person whose name begins at `start` and ends with the last entity; -1 is no start."""
        if start >= 0:
            self.mentions.append(Mention(start, self.entities[-1].end, "MENTION", ""))
        return -1

    def _write_plain(self, text: str) -> None:
        text = _TWO_STOPS.sub(".", self._spell(text))
        if self.capitalises_next and text:
            text, self.capitalises_next = text[0].upper() + text[1:], False
        if self._tail.endswith(".") and text.startswith(".") and not text.startswith(".."):
            text = text[1:]
        for number, line in enumerate(text.split("\n")):
            if number:
                self._break_line()
            if line.startswith(" ") and (not self._tail or self._tail[-1] in " \n"):
                line = line.lstrip(" ")
            self._append(line)

    def write_entity(self, label: str, value: str) -> None:
        """Write a value and its span."""
        start = self.length
        self.capitalises_next = False
        self._append(value)
        self.entities.append(Entity(start, self.length, label))

    def add_mention(self, start: int, kind: str, cluster: str) -> None:
        """A mention from `start` to here."""
        self.mentions.append(Mention(start, self.length, kind, cluster))

    def keep_clusters(self) -> tuple[Mention, ...]:
        """The mentions of everybody who is referred to at least twice, and those that stand alone."""
        sizes = Counter(mention.cluster for mention in self.mentions)
        return tuple(mention for mention in self.mentions if sizes[mention.cluster] > 1 or not mention.cluster)

    def drop_trailing_space(self) -> None:
        """Take away white space at the end."""
        while self._parts and not self._parts[-1].strip():
            self.length -= len(self._parts.pop())
        if self._parts:
            last = self._parts[-1].rstrip()
            self.length -= len(self._parts[-1]) - len(last)
            self._parts[-1] = last

    def _append(self, piece: str) -> None:
        if piece:
            self._parts.append(piece)
            self._tail = (self._tail + piece)[-2:]
            self.length += len(piece)

    def _break_line(self) -> None:
        while self._parts and self._parts[-1].endswith(" "):
            last = self._parts[-1].rstrip(" ")
            self.length -= len(self._parts[-1]) - len(last)
            if last:
                self._parts[-1] = last
            else:
                self._parts.pop()
        self._tail = "".join(self._parts[-2:])[-4:].replace("\r", "")[-2:]
        if self._parts and self._tail != "\n\n":
            self._parts.append(self._newline)
            self.length += len(self._newline)
            self._tail = (self._tail + "\n")[-2:]


def has_unlabelled_repeat(text: str, entities: Iterable[Entity]) -> bool:
    """True if the surface of an entity stands anywhere else as a word without a label."""
    covered = [(entity.start, entity.end) for entity in entities]
    for surface in {text[start:end] for start, end in covered}:
        if text.count(surface) > 1:
            for start, end in find_occurrences(text, surface):
                if not any(first < end and start < last for first, last in covered):
                    return True
    return False
