"""Whom or what an erasure is about, and whether a record, a text or some bytes hold it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError
from goldspan.annotation.tombstones import (
    NOTHING,
    Tombstones,
    find_term,
    find_words,
    fold_text,
    fold_words,
    iter_views,
    read_number,
)

_CODE_POINT = re.compile(r"\\+u([0-9a-fA-F]{4})")
_ESCAPE = re.compile(r"\\+[nrtbf\"'/]")
_NO_DIGIT = re.compile(r"\D+")
_AUTHORS = frozenset({"completed_by", "updated_by", "created_username", "model_version"})
"""Keys that name who worked on a record; an annotator's record is not a record about the annotator."""

_NAMED = frozenset({"sample_id", "sample_ids"})
_DISTINCT_ID, _DISTINCT_TEXT = 12, 5
"""Characters of an id, and words of a text, from which it identifies the sample wherever it occurs."""

_FEW = 64
_SHORTEST = 3
"""Letters and digits that a term needs: fewer occur in most texts."""


@dataclass(slots=True)
class Subject:
    """A term (a name, a number, an address, as words) or a sample, and all that is known to belong to it.

    `ids` are looked for; `samples` and `texts` (folded words, joined by blanks) are those of samples found so far;
    `erased` recognises what an earlier erasure found, when the samples themselves are gone already; `key` is that of
    the workspace's tombstones; `unsearched` are files that could not be searched, with the reason.
    """

    words: tuple[str, ...] = ()
    erased: Tombstones = NOTHING
    ids: set[str] = field(default_factory=set)
    samples: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    key: bytes = field(default=b"", repr=False)
    unsearched: dict[Path, str] = field(default_factory=dict)

    @property
    def is_term(self) -> bool:
        """True for a term, False for one sample."""
        return bool(self.words)

    def holds_text(self, text: str) -> bool:
        """True for a text with the term, or of a sample that belongs to the subject."""
        return any(self._holds_term(words) or self._is_text(words) for words in self._iter_words(text))

    def holds_id(self, sample_id: str) -> bool:
        """True for the id of a sample that belongs to the subject."""
        return sample_id in self.ids or self.erased.has_id(sample_id)

    def holds(self, value: Any) -> bool:
        """True if a JSON value (a record, a list, a string) holds the subject, in strings within strings too."""
        if any(self._is_text(fold_words(data["text"])) for data in iter_samples(value)):
            return True
        return any(self._holds_string(key, text) for key, text in iter_strings(value))

    def holds_line(self, line: bytes) -> bool:
        """True for a line of JSON that holds the subject; a broken line is searched as text."""
        if not self.may_hold(line):
            return False
        try:
            return self.holds(orjson.loads(line))
        except orjson.JSONDecodeError:
            return self.holds_bytes(line)

    def may_hold(self, data: bytes) -> bool:
        """False for bytes that certainly do not hold the subject: a quick look before a thorough one."""
        if b"\\u" in data or len(self.ids) > _FEW:
            return True
        text = data.decode("utf-8", "ignore")
        return any(name in text for name in self.ids) or any(True for _ in self._iter_words(text))

    def holds_bytes(self, data: bytes) -> bool:
        """True if bytes of any kind hold the subject: as UTF-8 or Latin-1, with escapes of JSON, and in markup."""
        return any(map(self._holds_view, _decode(data)))

    def collect(self, value: Any) -> None:
        """Learn ids and texts of the samples in a record that holds the subject."""
        for data in iter_samples(value):
            self.texts.add(" ".join(fold_words(data["text"])))
            if isinstance(sample_id := data.get("sample_id"), str) and sample_id:
                self.ids.add(sample_id)
                self.samples.add(sample_id)

    def list_tombstones(self, value: str) -> list[tuple[str, str]]:
        """What tombstones are made of: the term, and every sample found."""
        known = [("id", sample_id) for sample_id in sorted(self.ids)] + [("text", text) for text in sorted(self.texts)]
        given = [("term" if self.is_term else "id", value)]
        return given + ([("number", value)] if read_number(self.words) else []) + known

    def _iter_words(self, text: str) -> Iterator[list[str]]:
        """The words of a text, also as they are without its markup; none where the subject certainly is not."""
        certain = not self.erased and len(self.texts) <= _FEW
        number = read_number(self.words)
        for folded in map(fold_text, iter_views(text)):
            if (
                not certain
                or any(word in folded for word in self._list_rarest())
                or (number and number in _NO_DIGIT.sub("", folded))
            ):
                yield find_words(folded)

    def _list_rarest(self) -> Iterator[str]:
        """One word of the term and of each text, without which it cannot be there: the longest."""
        for words in (self.words, *(text.split(" ") for text in self.texts)):
            if words:
                yield max(words, key=len)

    def _holds_view(self, text: str) -> bool:
        if any(name in text for name in self.ids if len(name) >= _DISTINCT_ID):
            return True
        for words in self._iter_words(_ESCAPE.sub(" ", _CODE_POINT.sub(_read_code_point, text))):
            if self._holds_term(words) or self._quotes_text(" ".join(words)):
                return True
        return False

    def _holds_string(self, key: str, text: str) -> bool:
        if (key in _NAMED or len(text) >= _DISTINCT_ID) and self.holds_id(text):
            return True
        return any(
            self._holds_term(words)
            or (len(words) >= _DISTINCT_TEXT and (self._is_text(words) or self._quotes_text(" ".join(words))))
            for words in self._iter_words(text)
        )

    def _holds_term(self, words: Sequence[str]) -> bool:
        return (bool(self.words) and find_term(words, self.words)) or self.erased.has_term(words)

    def _quotes_text(self, joined: str) -> bool:
        """True if it contains a text of the subject: in a prompt, a note, a file of another format."""
        return any(known in joined for known in self.texts if known.count(" ") >= _DISTINCT_TEXT - 1)

    def _is_text(self, words: Sequence[str]) -> bool:
        joined = " ".join(words)
        return joined in self.texts or self.erased.has_folded(joined)


def make_term(value: str, erased: Tombstones) -> Subject:
    """The subject of a term.

    Raises:
        InputError: it is too short to tell anybody.
    """
    words = tuple(fold_words(value))
    if sum(map(len, words)) < _SHORTEST and (not words or words[0].isascii()):
        raise InputError(f"{value[:20]!r} is too short to search for: give at least {_SHORTEST} letters or digits.")
    return Subject(words, erased)


def iter_strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every string of a JSON value but names of authors, with its key; a string that is JSON itself is opened."""
    if isinstance(value, str):
        inner = _open(value)
        if inner is None:
            yield key, value
        else:
            yield from iter_strings(inner, key)
    elif isinstance(value, dict):
        for name, child in value.items():
            if name not in _AUTHORS:
                yield key, name
                yield from iter_strings(child, name)
    elif isinstance(value, list):
        for child in value:
            yield from iter_strings(child, key)


def iter_samples(value: Any) -> Iterator[dict[str, Any]]:
    """The `data` of every task in a JSON value: objects with a text."""
    if isinstance(value, dict):
        if isinstance(value.get("data"), dict) and isinstance(value["data"].get("text"), str):
            yield value["data"]
        for key, child in value.items():
            if key != "data":
                yield from iter_samples(child)
    elif isinstance(value, list):
        for child in value:
            yield from iter_samples(child)


def _decode(data: bytes) -> Iterator[str]:
    """The text of bytes: as UTF-8, and where they are not, also as Latin-1."""
    text = data.decode("utf-8", "ignore")
    yield text
    if len(text.encode()) != len(data):
        yield data.decode("cp1252", "ignore")


def _open(text: str) -> Any:
    if text[:1] not in ("{", "[") or len(text) < 2:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _read_code_point(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))
