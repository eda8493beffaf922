"""Tombstones: keyed hashes of what was erased from a workspace, so that it is recognised and refused when it returns.

`privacy/key` (32 random bytes in hex, mode 0600) and `privacy/tombstones.jsonl`, one line a tombstone:

    id      HMAC-SHA-256 of a sample id
    text    HMAC-SHA-256 of the folded words of a sample's text
    term    HMAC-SHA-256 of the folded words of a name, number or address; `words` and `length` say how many words,
            and how long the last one is, so that it can be looked for in any text
    number  HMAC-SHA-256 of the digits of a term that is a number; `length` is how many

Without the key the hashes reveal nothing; with it, only a value that is known already can be recognised.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
import secrets
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import orjson

from goldspan.annotation.errors import RecordError, StateError
from goldspan.annotation.files import write_atomic

FOLDER, KEY, FILE = "privacy", "key", "tombstones.jsonl"
REFUSAL = "erased: this sample, or somebody in it, was erased with `goldspan privacy erase`"
_KEY_BYTES = 32
_NUMBER = 9
"""Digits from which a term is a number: shorter ones occur by chance in times and figures."""

_DIGITS = re.compile(r"([a-z]{0,2})(\d+)")
_LONG = 4
"""Characters from which the last word of a term may have an ending."""

_ENDING = 3
"""Characters that an ending may have: Schmidts, Kowalskiego."""

_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")
_ACCENT = re.compile("[\u0300-\u036f]")
_MARKUP = re.compile(r"<[!/?\\]*[A-Za-z][^<>]*>")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
"""A comment of markup; its group is empty if it has no end. Each character is looked at once."""
_INLINE = re.compile(
    r"<[/\\]*(?:a|abbr|b|bdi|cite|code|del|em|font|i|ins|m|mark|q|s|small|span|strong|sub|sup|u|wbr|[A-Z][A-Z0-9_]*"
    r"|(?:w|a|text):(?!(?:br|cr|h|line-break|p|s|tab|tc)\b)[\w-]+)(?:\s[^<>]*)?/?>"
)
"""Tags within a word: of HTML, of tagged text, of Office documents."""
_REFERENCE = re.compile(r"&(?:#\w+|[A-Za-z]\w*);")


def fold_words(text: str) -> list[str]:
    """The words of a text without case, accents and punctuation; scripts without spaces give one word a character."""
    return find_words(fold_text(text))


def find_words(folded: str) -> list[str]:
    """The words of a folded text."""
    return _WORD.findall(folded)


def fold_text(text: str) -> str:
    """The text without case and accents."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    folded = _ACCENT.sub("", unicodedata.normalize("NFKD", folded)).casefold()
    return unicodedata.normalize("NFC", folded)


def iter_views(text: str) -> Iterator[str]:
    """The text, and if it has markup, what a reader sees: tags and comments are blanks, within words nothing."""
    yield text
    if "<!--" in text or _MARKUP.search(text) or _REFERENCE.search(text):
        yield html.unescape(_MARKUP.sub(" ", _replace_comments(text, " ")))
        yield html.unescape(_MARKUP.sub(" ", _INLINE.sub("", _replace_comments(text, ""))))


def _replace_comments(text: str, instead: str) -> str:
    """The text without its comments; what follows the start of one that has no end stays."""
    return _COMMENT.sub(lambda match: instead if match[1] else match[0], text)


def iter_numbers(words: Sequence[str], length: int) -> Iterator[str]:
    """Every number of so many digits, however it is grouped: the digits of neighbouring words that are numbers."""
    for start in range(len(words)):
        digits = ""
        for word in words[start:]:
            match = _DIGITS.fullmatch(word)
            if match is None or (digits and match[1]) or len(digits) >= length:
                break
            digits += match[2]
        if len(digits) == length:
            yield digits


def read_number(words: Sequence[str]) -> str:
    """The digits of a term that is a number (phone, card, IBAN: two letters may lead); empty for another term."""
    size = sum(character.isdecimal() for word in words for character in word)
    found = next(iter_numbers(words, size), "") if size >= _NUMBER else ""
    return found if all(map(_DIGITS.fullmatch, words)) else ""


def ends_term(word: str, last: str) -> bool:
    """True if a word is the last one of a term, or that with an ending of a few letters."""
    extra = len(word) - len(last)
    return word.startswith(last) and (extra == 0 or (len(last) >= _LONG and extra <= _ENDING))


def find_term(words: Sequence[str], term: Sequence[str]) -> bool:
    """True if the words of a term occur in a text one after the other, or its number however it is grouped."""
    if (number := read_number(term)) and number in iter_numbers(words, len(number)):
        return True
    *first, last = term
    size = len(first)
    return any(
        ends_term(words[place], last) and list(words[place - size : place]) == first
        for place in range(size, len(words))
    )


class Tombstone(NamedTuple):
    """One line of the file."""

    kind: str
    hash: str
    words: int = 0
    length: int = 0


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What was erased from a workspace; without a key, nothing ever was."""

    key: bytes = field(default=b"", repr=False)
    hashes: frozenset[str] = frozenset()
    shapes: tuple[tuple[int, int], ...] = ()
    numbers: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.hashes)

    def make(self, kind: str, value: str) -> Tombstone:
        """The tombstone of a sample id, a text or a term."""
        if kind == "id":
            return Tombstone(kind, self._hash(kind, value))
        words = fold_words(value)
        if kind == "number":
            return Tombstone(kind, self._hash(kind, read_number(words)), 0, len(read_number(words)))
        size = (len(words), len(words[-1])) if kind == "term" and words else (0, 0)
        return Tombstone(kind, self._hash(kind, " ".join(words)), *size)

    def has_id(self, sample_id: str) -> bool:
        """True for the id of an erased sample."""
        return bool(self.hashes) and self._hash("id", sample_id) in self.hashes

    def has_text(self, text: str) -> bool:
        """True for the text of an erased sample, and for a text with an erased term."""
        if not self.hashes:
            return False
        views = map(fold_words, iter_views(text))
        return any(self.has_folded(" ".join(words)) or self.has_term(words) for words in views)

    def has_folded(self, text: str) -> bool:
        """True for the folded words, joined by blanks, of an erased sample's text."""
        return bool(self.hashes) and self._hash("text", text) in self.hashes

    def has_term(self, words: Sequence[str]) -> bool:
        """True if an erased term is among the words."""
        for count, length in self.shapes:
            for place in range(count - 1, len(words)):
                last = words[place]
                if len(last) >= length and ends_term(last, last[:length]):
                    candidate = " ".join((*words[place - count + 1 : place], last[:length]))
                    if self._hash("term", candidate) in self.hashes:
                        return True
        return any(
            self._hash("number", number) in self.hashes
            for length in self.numbers
            for number in iter_numbers(words, length)
        )

    def refuse(self, sample_id: str, text: str) -> None:
        """Refuse what was erased.

        Raises:
            RecordError: the sample or somebody in its text was erased.
        """
        if self and (self.has_id(sample_id) or self.has_text(text)):
            raise RecordError(REFUSAL)

    def _hash(self, kind: str, value: str) -> str:
        return hmac.digest(self.key, f"{kind}\n{value}".encode("utf-8", "surrogatepass"), hashlib.sha256).hex()


NOTHING = Tombstones()
"""The tombstones of a workspace from which nothing was erased."""


def read_tombstones(root: Path) -> Tombstones:
    """The tombstones of the workspace at `root`.

    Raises:
        StateError: they cannot be read, or their key is gone.
    """
    file = root / FOLDER / FILE
    try:
        status = file.stat()
    except OSError:
        return NOTHING
    return _read(root / FOLDER, status.st_mtime_ns, status.st_size)


def find_tombstones(path: Path) -> Tombstones:
    """The tombstones of the workspace that contains a file or folder; `NOTHING` outside of a workspace."""
    place = path.absolute()
    root = next((folder for folder in (place, *place.parents) if (folder / FOLDER / FILE).is_file()), None)
    return read_tombstones(root) if root else NOTHING


def add_tombstones(root: Path, values: Iterable[tuple[str, str]]) -> Tombstones:
    """Add tombstones for pairs of kind and value; returns all. Those that are there already are not repeated.

    Raises:
        StateError: the disk refused.
    """
    known = read_tombstones(root)
    if not known.key:
        known = Tombstones(open_key(root))
    fresh = {made.hash: made for made in (known.make(*value) for value in values) if made.hash not in known.hashes}
    if fresh:
        file = root / FOLDER / FILE
        before = file.read_bytes() if file.exists() else b""
        at = datetime.now(UTC).date().isoformat()
        lines = (
            orjson.dumps({**made._asdict(), "at": at}, option=orjson.OPT_APPEND_NEWLINE) for made in fresh.values()
        )
        write_atomic(file, before + b"".join(lines))
    return read_tombstones(root)


def open_key(root: Path) -> bytes:
    """The key of the hashes of the workspace at `root`; it is made if there is none.

    Raises:
        StateError: it is broken, or the disk refused.
    """
    path = root / FOLDER / KEY
    if not path.exists():
        write_atomic(path, secrets.token_bytes(_KEY_BYTES).hex().encode())
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise StateError(
            f"{path} is missing or broken, so what was erased cannot be recognised. Restore it from a backup; without "
            f"it, delete {path.parent / FILE} and erase again."
        )
    return key


@lru_cache(maxsize=8)
def _read(folder: Path, changed: int, size: int) -> Tombstones:
    try:
        found = list(_parse((folder / FILE).read_bytes()))
    except (OSError, ValueError, KeyError, TypeError):
        raise StateError(f"{folder / FILE} cannot be read. Restore it from a backup.") from None
    shapes = sorted({(one.words, one.length) for one in found if one.kind == "term"})
    numbers = sorted({one.length for one in found if one.kind == "number"})
    hashes = frozenset(one.hash for one in found)
    return Tombstones(_read_key(folder / KEY), hashes, tuple(shapes), tuple(numbers))


def _parse(data: bytes) -> Iterator[Tombstone]:
    for line in data.splitlines():
        row = orjson.loads(line)
        yield Tombstone(str(row["kind"]), str(row["hash"]), int(row["words"]), int(row["length"]))
