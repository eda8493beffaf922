"""What a label says of its values: a pattern, and terms. Both find values, check them, and generate them.

Patterns are the user's and may backtrack without end, so every search has a time limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import regex

from goldspan.annotation.errors import InputError, SchemaError
from goldspan.annotation.labels.schema import Label

TIME_LIMIT = 1.0
"""Seconds that one pattern may take in one text."""

PROBE_LIMIT = 0.25
"""Seconds that a pattern may take for each text that `probe_pattern` tries."""

CHECK_LIMIT = 0.1
"""Seconds that a pattern may take for one value that is checked."""

MAX_TERM = 200
"""Characters of one term."""

_PROBED = 40
"""Repeats of a unit in a probe: an exponential pattern needs far longer than the limit for it."""


def compile_pattern(label: Label) -> regex.Pattern[str]:
    """The label's pattern.

    Raises:
        SchemaError: it is not a regular expression.
    """
    return _compile(label.code, label.pattern, label.ignore_case)


@cache
def _compile(code: str, pattern: str, ignore_case: bool) -> regex.Pattern[str]:
    try:
        return regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    except (regex.error, RecursionError, OverflowError) as error:
        raise SchemaError(f"The pattern of {code} is not a regular expression: {error}.") from None


def search_pattern(label: Label, text: str, time_limit: float = TIME_LIMIT) -> Iterator[tuple[int, int]]:
    """Where the pattern matches, as half-open offsets; empty matches are left out.

    Raises:
        InputError: the pattern took longer than the limit.
    """
    try:
        for match in compile_pattern(label).finditer(text, timeout=time_limit):
            if match.end() > match.start():
                yield match.span()
    except TimeoutError:
        raise InputError(_explain_timeout(label, len(text), time_limit)) from None


def matches_pattern(label: Label, value: str, time_limit: float = TIME_LIMIT) -> bool:
    """True if the pattern matches the whole value.

    Raises:
        InputError: the pattern took longer than the limit.
    """
    try:
        return compile_pattern(label).fullmatch(value, timeout=time_limit) is not None
    except TimeoutError:
        raise InputError(_explain_timeout(label, len(value), time_limit)) from None


def _explain_timeout(label: Label, length: int, limit: float) -> str:
    return (
        f"The pattern of {label.code} took longer than {limit:g} s for a text of {length:,} characters: it backtracks. "
        "Write it without one repeat inside another, such as (a+)+, or make repeats possessive: a++."
    )


def probe_pattern(label: Label) -> str:
    """Why the pattern should be changed: it matches nothing, or backtracks without end on short texts; else empty."""
    pattern = compile_pattern(label)
    if pattern.fullmatch(""):
        return "its pattern matches the empty text"
    marks = [character for character in label.pattern if not character.isalnum()]
    units = dict.fromkeys(
        [*label.pattern, *"a0A- .", "ab", "0a", *(f"{unit}{mark}" for mark in marks for unit in "a0")]
    )
    texts = [*(unit * _PROBED + "\x00" for unit in units), *(f"x{unit * _PROBED}\x00" for unit in "a0 ")]
    try:
        for text in texts:
            pattern.search(text, timeout=PROBE_LIMIT)
    except TimeoutError:
        return "its pattern backtracks without end on a text of 40 characters; avoid one repeat inside another"
    return ""


def load_terms(label: Label) -> tuple[str, ...]:
    """The terms of a label, each once, in their order; lines of a file that are blank or begin with # are left out.

    Raises:
        SchemaError: the file is missing, is not UTF-8, or holds a term that is too long.
    """
    if not label.terms_file:
        return label.terms
    path = Path(label.terms_file)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise SchemaError(f"The terms of {label.code} cannot be read: {path}: {error.strerror}.") from None
    return _read_terms(label.code, path, changed)


def list_known_values(label: Label) -> tuple[str, ...]:
    """Values that the label schema names: the label's terms, else its examples."""
    return load_terms(label) or label.examples


@cache
def _read_terms(code: str, path: Path, changed: int) -> tuple[str, ...]:
    terms: dict[str, None] = {}
    try:
        with path.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, start=1):
                term = line.strip()
                if len(term) > MAX_TERM:
                    raise SchemaError(f"{path}:{number}: a term of {code} has more than {MAX_TERM} characters.")
                if term and not term.startswith("#"):
                    terms[term] = None
    except OSError as error:
        raise SchemaError(f"The terms of {code} cannot be read: {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise SchemaError(f"{path} is not UTF-8 (byte {error.start}). Save it as UTF-8.") from None
    if not terms:
        raise SchemaError(f"{path} holds no term for {code}; write one a line.")
    return tuple(terms)


@cache
def _index_terms(terms: tuple[str, ...], ignore_case: bool) -> frozenset[str]:
    return frozenset(term.casefold() for term in terms) if ignore_case else frozenset(terms)


def is_term(label: Label, value: str) -> bool:
    """True if the value is one of the label's terms."""
    known = _index_terms(load_terms(label), label.ignore_case)
    return (value.casefold() if label.ignore_case else value) in known


def find_mismatch(label: Label, value: str) -> str:
    """Why a value is none of the label's: it breaks the pattern, or is not in the list that all values come from."""
    if label.pattern:
        try:
            return "" if matches_pattern(label, value, CHECK_LIMIT) else "the pattern does not match"
        except InputError:
            return "the pattern backtracks"
    if label.values == "list" and not is_term(label, value):
        return "not in the list of terms"
    return ""
