"""Spans in the forms that data sets and annotation tools use, whatever the key they stand under.

Read are `[start, end, label]` (and `[label, start, end]`), objects with offsets or a value and a label under any of
the usual names, `{label: [[start, end], …]}`, `{label: {value: [[start, end], …]}}` (CLUENER), `{label: [value, …]}`
and `{label: [{start, end}, …]}`, objects of equally long lists, and strings that hold one of these as JSON or as a
Python literal. `looks_like_spans` recognises more than is read: what it finds is never carried along.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from goldspan.annotation.formats.rows.raw import (
    Code,
    RawRelation,
    RawSpan,
    RowError,
    parse_literal,
    read_offset,
    transpose,
)

START = (
    "start", "startoffset", "startposition", "startchar", "begin", "startidx", "offset", "from",
    "beginoffset", "startpos", "startindex", "charstart", "beginchar",
)  # fmt: skip
END = (
    "end", "endoffset", "endposition", "endchar", "stop", "endidx", "to", "endpos", "endindex", "charend", "stopoffset",
)  # fmt: skip
LABEL = (
    "label", "labels", "entitytype", "type", "types", "tag", "entitygroup", "class", "category", "ner", "name",
    "entitylabel", "tagname", "labelname", "classname", "obj",
)  # fmt: skip
VALUE = ("value", "text", "entityvalue", "surface", "spantext", "word", "entity", "mention", "coveredtext")
IDENTIFIER = ("id", "entitymentionid", "uid")
"""Names of the parts of a span, without case and underscores, as `_first` looks for them."""

_PLACE = ("span", "spans", "range", "offset", "offsets", "indices", "interval", "value")
"""Names of a part that holds the offsets of a span: a pair, a list of one pair, or an object."""
_PREFIX = re.compile(
    r"(?:entity|ent|span|mention|annotation|extraction|char)(?=(?:start|begin|end|label|type|class|text|value|interval))"
)
_TRIPLE = r"[(\[]?\d+[,\s]+\d+[,\s]+{}[)\]]?[\s,;|]*"
_TRIPLES = re.compile(
    rf"(?:{_TRIPLE.format('[A-Z][A-Z_]{2,}')}|(?:{_TRIPLE.format('[A-Za-z][A-Za-z_]{2,}')}){{2,}})+\Z"
)
"""`0 3 PERSON`, `0,3,PERSON|18,22,CITY`: offsets and labels in a string."""

_TOKEN_LABELS = frozenset({"label", "entity", "entitylabel", "ner", "nertag", "enttype", "entiob"})
_TAG = re.compile(r"(?:[BIESLU]-\S+|O)\Z")
_DEEPEST = 4
_FEW_TAGS = 12
SPAN_KEYS = frozenset(
    {
        "spans",
        "entities",
        "ents",
        "ner",
        "ner_tags",
        "annotations",
        "annotation",
        "privacy_mask",
        "pii_spans",
        "span_labels",
    }
)
"""Keys that hold annotations wherever they hold something."""

TOKEN_KEYS = frozenset({"tokens", "sents", "sentences", "token_spans"})
"""Keys whose offsets are those of tokens."""


def read_spans(value: Any, key: str) -> tuple[RawSpan, ...]:
    """The spans of a value; None and an empty list have none. `key` names it in errors.

    Raises:
        RowError: it has another form.
    """
    if value is None or value in ("", "[]", "{}"):
        return ()
    if isinstance(value, str):
        value = parse_literal(value, key)
    if isinstance(value, Mapping):
        if value and all(_is_offset_list(places) for places in value.values()):
            return tuple(
                RawSpan((str(label),), *_require_offsets(place[0], place[1], key))
                for label, places in value.items()
                for place in places
            )
        if value and all(_is_place_index(values) for values in value.values()):
            return tuple(
                RawSpan((str(label),), *_require_offsets(place[0], place[1], key), str(surface))
                for label, surfaces in value.items()
                for surface, places in surfaces.items()
                for place in places
            )
        if holds_values(value):
            return tuple(
                RawSpan((str(name),), value=surface) for name, given in value.items() for surface in _list_values(given)
            )
        if value and all(_is_object_list(entries) for entries in value.values()):
            return tuple(
                _read_object({"label": label, **entry}, key) for label, entries in value.items() for entry in entries
            )
        for inner in ("entities", "spans", "entity_mentions"):
            if inner in value:
                return read_spans(value[inner], f"{key}/{inner}")
        value = transpose(value, key)
    if not isinstance(value, list | tuple):
        raise RowError(Code.UNREADABLE_SPANS, f"{key} holds {type(value).__name__}")
    return tuple(span for entry in value for span in _read_entry(entry, key))


def read_relations(value: Any, key: str) -> tuple[RawRelation, ...]:
    """The relations of a value: objects that name the ids of two spans and a type.

    Raises:
        RowError: an entry has another form.
    """
    relations = []
    for entry in value if isinstance(value, list) else ():
        if not isinstance(entry, Mapping):
            raise RowError(Code.UNREADABLE_SPANS, f"{key} holds something that is not an object")
        source, target = (
            _first(entry, ("from_id", "from", "head", "source")),
            _first(entry, ("to_id", "to", "child", "target")),
        )
        if source is None or target is None:
            raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry without the ids of two spans")
        relations.append(RawRelation(str(source), str(target), str(_first(entry, ("type", "label", "labels")) or "")))
    return tuple(relations)


def looks_like_spans(value: Any, length: int, depth: int = 0) -> bool:
    """True if a value looks like annotations of a text of this length: offsets, labelled values, or BIO tags."""
    if depth > _DEEPEST:
        return False
    if isinstance(value, str):
        words = value.split(maxsplit=_FEW_TAGS)[:_FEW_TAGS]
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
            _looks_like_triple(entry, length) or looks_like_spans(entry, length, depth + 1) for entry in value[:20]
        )
    return False


def _read_entry(entry: Any, key: str) -> Iterable[RawSpan]:
    if isinstance(entry, list | tuple):
        yield _read_triple(entry, key)
    elif isinstance(entry, Mapping) and isinstance(entry.get("points"), list):
        yield from (_read_object({**entry, **point}, key) for point in entry["points"] if isinstance(point, Mapping))
    elif isinstance(entry, Mapping) and _labels_places(entry):
        yield from (RawSpan((label,), *_require_offsets(at[0], at[1], key)) for label, at in entry.items())
    elif isinstance(entry, Mapping):
        yield _read_object(entry, key)
    else:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} holds something that is neither a list nor an object")


def _read_triple(entry: list[Any] | tuple[Any, ...], key: str) -> RawSpan:
    if len(entry) == 3 and isinstance(entry[0], str) and not isinstance(entry[2], str):
        label, start, end = entry
    elif len(entry) == 3:
        start, end, label = entry
    elif len(entry) == 2 and all(isinstance(part, str) for part in entry):
        return RawSpan((entry[1],), value=entry[0])
    else:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry that is not [start, end, label]")
    if not isinstance(label, str) or not label:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry without a label")
    return RawSpan((label,), *_require_offsets(start, end, key))


def _read_object(entry: Mapping[str, Any], key: str) -> RawSpan:
    entry = _open_place(entry, key)
    if isinstance(name := entry.get("entity"), str) and not _first(entry, LABEL):
        entry = {**entry, "label": name[2:] if name[1:2] == "-" else name, "entity": None}
    if entry.get("correct") is False:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry that is marked as not correct; leave it out")
    labels = _read_labels(_first(entry, LABEL), key)
    start, end = read_offset(_first(entry, START)), read_offset(_first(entry, END))
    if start is not None and end is None and (length := read_offset(entry.get("length"))) is not None:
        end = start + length
    surface = _first({name: part for name, part in entry.items() if isinstance(part, str)}, VALUE)
    if start is None or end is None:
        start = end = None
        if surface is None:
            raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry with neither offsets nor a value")
    return RawSpan(labels, start, end, surface, str(_first(entry, IDENTIFIER) or ""))


def _open_place(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The entry with the offsets that one of its parts holds."""
    for name, place in entry.items():
        if _strip_prefix(name) not in _PLACE:
            continue
        if isinstance(place, Mapping):
            return {**{k: v for k, v in entry.items() if k != name}, **place}
        pairs = [place] if _is_pair(place) else place
        if _is_offset_list(pairs):
            if len(pairs) > 1:
                raise RowError(Code.UNREADABLE_SPANS, f"{key} has a span of several parts, which is not read")
            return {**{k: v for k, v in entry.items() if k != name}, "start": pairs[0][0], "end": pairs[0][1]}
    return entry


def _labels_places(entry: Mapping[str, Any]) -> bool:
    """True for labels with one place each: `{"PER": [0, 3]}`."""
    known = (*START, *END, *LABEL, *VALUE, *_PLACE)
    return bool(entry) and all(_is_pair(place) and _strip_prefix(name) not in known for name, place in entry.items())


def _read_labels(value: Any, key: str) -> tuple[str, ...]:
    given = list(value) if isinstance(value, list | tuple) else [value]
    names = [_first(name, ("value", "name", "label")) if isinstance(name, Mapping) else name for name in given]
    if any(isinstance(name, int) for name in names):
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has a number for a label; export it with the names of labels")
    if not names or not all(isinstance(name, str) and name for name in names):
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry without a label")
    return tuple(names)


def _require_offsets(start: Any, end: Any, key: str) -> tuple[int, int]:
    first, last = read_offset(start), read_offset(end)
    if first is None or last is None:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry without offsets")
    return first, last


def _first(entry: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The first of these parts that an entry has, whatever the case of its keys, with or without underscores."""
    key = find_key((key for key, part in entry.items() if part is not None), map(_plain, names))
    return entry[key] if key else None


def find_key(keys: Iterable[str], names: Iterable[str]) -> str:
    """The key that stands for the first of these parts, empty if none does; `span_start` stands for `start`."""
    plain = {_plain(key): key for key in keys}
    plain = {_strip_prefix(key): key for key in plain.values()} | plain
    return next((plain[name] for name in names if name in plain), "")


def _plain(key: str) -> str:
    return key.replace("_", "").replace(" ", "").casefold()


def _strip_prefix(key: str) -> str:
    return _PREFIX.sub("", _plain(key), count=1)


def _is_offset_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_pair, value))


def _is_pair(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) == 2 and all(read_offset(x) is not None for x in value)


def _is_object_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def _is_place_index(value: Any) -> bool:
    """True for the places of each value of a label: `{"Ann": [[0, 2]]}`."""
    return isinstance(value, Mapping) and bool(value) and all(map(_is_offset_list, value.values()))


def holds_values(value: Any) -> bool:
    """True for labels with their values in the text: `{"PER": ["Ann", "Bo"], "CITY": "Rome"}`; one is a list."""
    return (
        isinstance(value, Mapping)
        and any(isinstance(given, list) for given in value.values())
        and all(_is_value_list(name, _list_values(given)) for name, given in value.items())
    )


def _list_values(given: Any) -> Any:
    return [given] if isinstance(given, str) else given


def _is_value_list(name: str, value: Any) -> bool:
    """True for a label and its values in the text: `"PER": ["Ann", "Bo"]`."""
    known = name in SPAN_KEYS or any(_plain(name) in names for names in (START, END, LABEL, VALUE))
    return not known and isinstance(value, list) and all(isinstance(surface, str) for surface in value)


def _looks_like_span(entry: Mapping[str, Any], length: int) -> bool:
    if len(entry) == 1 and _labels_places(entry):
        return _looks_like_triple(next(iter(entry.values())), length)
    with suppress(RowError):
        entry = _open_place(entry, "") if _first(entry, LABEL) else entry
    start, end = read_offset(_first(entry, START)), read_offset(_first(entry, END))
    if start is not None and end is None and (size := read_offset(entry.get("length"))) is not None:
        end = start + size
    if start is not None and end is not None:
        label = _first(entry, (*LABEL, "entity"))
        return isinstance(label, str | list) or 0 <= start < end <= length
    return isinstance(_first(entry, VALUE), str) and isinstance(_first(entry, ("label",)), str | list)


def holds_unread_spans(key: str, value: Any, length: int) -> bool:
    """True if a key that no reader has taken must not be carried along."""
    if value in (None, "", [], {}):
        return False
    if key in TOKEN_KEYS:
        return isinstance(value, list) and any(_is_labelled_token(token) for token in value)
    return key in SPAN_KEYS or looks_like_spans(value, length) or _names_spans(value)


def _is_labelled_token(token: Any) -> bool:
    """True for a token that says which entity it belongs to."""
    found = token.items() if isinstance(token, Mapping) else ()
    return any(_plain(key) in _TOKEN_LABELS and part not in (None, "", "O") for key, part in found)


def names_own_span(fields: Mapping[str, Any]) -> bool:
    """True if the fields of a row are those of one span, such as start, end and label."""
    start, label = (_first(fields, names) for names in (set(START) - {"from", "offset"}, LABEL))
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


def _looks_like_triple(entry: Any, length: int) -> bool:
    if not isinstance(entry, list | tuple) or len(entry) not in {2, 3}:
        return False
    numbers = [read_offset(part) for part in entry if not isinstance(part, str)]
    if len(numbers) != 2 or numbers[0] is None or numbers[1] is None:
        return False
    return 0 <= numbers[0] < numbers[1] <= length
