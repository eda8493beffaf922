"""Recognise values that look like annotations, in more forms than are read: what is found is never carried along."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from typing import Any

from goldspan.annotation.formats.rows.raw import RowError, parse_literal, read_offset
from goldspan.annotation.formats.rows.span_keys import (
    END,
    LABEL,
    SPAN_KEYS,
    START,
    TOKEN_KEYS,
    VALUE,
    drop_score,
    find_part,
    labels_places,
    open_place,
    simplify_key,
)
from goldspan.annotation.labels.schema import LabelSchema

_TRIPLE = r"[(\[]?\d+[,\s]+\d+[,\s]+{}[)\]]?[\s,;|]*"
_TRIPLES = re.compile(rf"(?:{_TRIPLE.format('[A-Z][A-Z_]{2,}')}|(?:{_TRIPLE.format('[A-Za-z][A-Za-z_]{2,}')}){{2,}})\Z")
"""`0 3 PERSON`, `0,3,person|18,22,city`: offsets and labels in a string; a single label is in capitals."""

_MASKED = re.compile(r"(?:(?<![\[<{(])[\[<{(]++([A-Z][A-Z0-9_]*?)(?:_\d+)?[\]>})]+|\*{3,}|█+)")
_PAIR = re.compile(r"(?<![^:=|;,\n])([^:=|;,\n]++)[:=|]([^:=|;,\n]++)")
"""Two parts of a list in a string: `Lyon:CITY`."""
_MARKUP = re.compile(r"</?([A-Za-z][\w-]*)>")
"""A tag without attributes: `<CITY>`, `</first_name>`."""
_KEYED = re.compile(r"""["']([A-Z][A-Z0-9_]+)["']\s*:""")
_TOKEN_LABELS = frozenset({"label", "entity", "entitylabel", "ner", "nertag", "enttype", "entiob"})
_TAG = re.compile(r"(?:[BIESLU]-\S+|O)\Z")
_BETWEEN = re.compile(r"[\s,;|]+")
_DEEPEST = 4
_FEW_TAGS = 12


def looks_like_spans(value: Any, length: int, depth: int = 0) -> bool:
    """True if a value looks like annotations of a text of this length: offsets, labelled values, or BIO tags."""
    if depth > _DEEPEST:
        return False
    if isinstance(value, str):
        words = _BETWEEN.split(value.strip(), _FEW_TAGS)[:_FEW_TAGS]
        if len(words) > 1 and all(_TAG.match(word) for word in words):
            return any(word != "O" for word in words)
        if _TRIPLES.match(value):
            return True
        if value.lstrip()[:1] not in {"[", "{"} or len(value) <= len("[[]]"):
            return False
        try:
            return looks_like_spans(parse_literal(value, ""), length, depth + 1)
        except RowError:
            return False
    if isinstance(value, Mapping):
        if _looks_like_span(value, length):
            return True
        return any(looks_like_spans(entry, length, depth + 1) for entry in value.values())
    if isinstance(value, list | tuple) and value:
        if all(isinstance(entry, str) for entry in value):
            tags = len(value) > 1 and all(map(_TAG.match, value)) and any(entry != "O" for entry in value)
            return tags or all(map(_TRIPLES.match, value))
        return any(
            _looks_like_tuple(entry, length) or looks_like_spans(entry, length, depth + 1) for entry in value[:20]
        )
    return False


def _looks_like_span(entry: Mapping[str, Any], length: int) -> bool:
    if len(entry) == 1 and labels_places(entry):
        return _looks_like_tuple(next(iter(entry.values())), length)
    with suppress(RowError):
        entry = open_place(entry, "") if find_part(entry, LABEL) else entry
    start, end = read_offset(find_part(entry, START)), read_offset(find_part(entry, END))
    if start is not None and end is None and (size := read_offset(entry.get("length"))) is not None:
        end = start + size
    if start is not None and end is not None:
        label = find_part(entry, (*LABEL, "entity"))
        return isinstance(label, str | list) or 0 <= start < end <= length
    return isinstance(find_part(entry, VALUE), str) and isinstance(find_part(entry, ("label",)), str | list)


def holds_unread_spans(key: str, value: Any, length: int) -> bool:
    """True if a key that no reader has taken must not be carried along."""
    if isinstance(value, int | float) or value in (None, "", [], {}):
        return False
    if key in TOKEN_KEYS:
        return isinstance(value, list) and any(_is_labelled_token(token) for token in value)
    return key in SPAN_KEYS or looks_like_spans(value, length) or _names_spans(value)


def _is_labelled_token(token: Any) -> bool:
    """True for a token that says which entity it belongs to."""
    found = token.items() if isinstance(token, Mapping) else ()
    return any(simplify_key(key) in _TOKEN_LABELS and part not in (None, "", "O") for key, part in found)


def names_own_span(fields: Mapping[str, Any]) -> bool:
    """True if the fields of a row are those of one span, such as start, end and label."""
    start, label = (
        find_part(fields, [name for name in START if name not in {"from", "offset"}]),
        find_part(fields, LABEL),
    )
    places = start if isinstance(start, list) else [start]
    return isinstance(label, str) and bool(places) and all(read_offset(place) is not None for place in places)


def _names_spans(value: Any, depth: int = 0) -> bool:
    """True if an object holds, at any depth, something under a key that holds annotations."""
    listed = [("", entry) for entry in value] if isinstance(value, list) else []
    entries = list(value.items()) if isinstance(value, Mapping) else listed
    return depth < _DEEPEST and any(
        (name in SPAN_KEYS and isinstance(entry, list | Mapping) and bool(entry)) or _names_spans(entry, depth + 1)
        for name, entry in entries
    )


def _looks_like_tuple(entry: Any, length: int) -> bool:
    if not isinstance(entry, list | tuple) or len(entry) not in {2, 3, 4}:
        return False
    entry = drop_score(entry)
    numbers = [read_offset(part) for part in entry if not isinstance(part, str)]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return False
    last = numbers[1] + (len(entry) == 2)  # a pair may end with its last character
    return 0 <= numbers[0] < last <= length + (len(entry) == 2)


def find_named_labels(text: str, fields: Mapping[str, Any], labels: LabelSchema) -> str:
    """The key of a masked or tagged copy of the text, or of values with labels (`"CITY": …`, `Lyon:CITY`); or empty."""
    codes = labels.entity_codes
    for name, value in fields.items():
        if isinstance(value, Mapping):
            pairs = [(str(key), str(part)) for key, part in value.items()]
        elif isinstance(value, str) and not any(code in codes for code in _KEYED.findall(value)):
            pairs = [(key.strip(), part.strip()) for key, part in _PAIR.findall(value)]
        elif isinstance(value, str):
            return name
        else:
            continue
        if any((a in codes and b in text) or (b in codes and a in text) for a, b in pairs if a and b):
            return name
        if isinstance(value, str) and (_is_masked_copy(value, text, codes) or _is_tagged_copy(value, text, codes)):
            return name
    return ""


def _is_masked_copy(value: str, text: str, codes: Set[str]) -> bool:
    """True for the text with labels of the schema, or most of it with other marks, in place of some words."""
    pieces = _MASKED.split(value)
    if len(pieces) < 2 or value == text or not _follows(pieces[::2], text):
        return False
    return any(code in codes for code in pieces[1::2]) or 2 * sum(map(len, pieces[::2])) >= len(text)


def _is_tagged_copy(value: str, text: str, codes: Set[str]) -> bool:
    """True for the text with tags that name labels around some words; those of HTML are in small letters."""
    names = set(_MARKUP.findall(value)) - set(_MARKUP.findall(text))
    if not any(name.upper() in codes or name.isupper() or "_" in name for name in names):
        return False
    return _MARKUP.sub("", value).split() == _MARKUP.sub("", text).split()


def _follows(pieces: Sequence[str], text: str) -> bool:
    """True if the pieces of a masked text stand in the text, one after the other."""
    cursor = 0
    for piece in pieces:
        place = text.find(piece, cursor)
        if place < 0:
            return False
        cursor = place + len(piece)
    return True
