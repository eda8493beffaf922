"""Spans in the forms that data sets and annotation tools use, whatever the key they stand under.

Read are `[start, end, label]` (and `[label, start, end]`, with a value `[start, end, label, value]` and
`[value, start, end, label]`), objects with offsets or a value and a label under any of
the usual names, `{label: [[start, end], …]}`, `{label: {value: [[start, end], …]}}` (CLUENER), `{label: [value, …]}`
and `{label: [{start, end}, …]}`, objects of equally long lists, and strings that hold one of these as JSON or as a
Python literal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from goldspan.annotation.formats.rows.span_keys import (
    END,
    IDENTIFIER,
    LABEL,
    SPAN_KEYS,
    START,
    VALUE,
    drop_score,
    find_part,
    is_offset_list,
    labels_places,
    open_place,
    simplify_key,
)


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
        if len(value) == 1 and isinstance(value.get("annotations"), list):
            return read_spans(value["annotations"], f"{key}/annotations")
        if value and all(is_offset_list(places) for places in value.values()):
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
        if inner := [name for name in ("entities", "spans", "entity_mentions") if value.get(name)]:
            if len(inner) > 1:
                raise RowError(Code.UNREADABLE_SPANS, f"{key} holds {' and '.join(inner)}; keep one of them")
            return read_spans(value[inner[0]], f"{key}/{inner[0]}")
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
            find_part(entry, ("from_id", "from", "head", "source")),
            find_part(entry, ("to_id", "to", "child", "target")),
        )
        if source is None or target is None:
            raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry without the ids of two spans")
        relations.append(
            RawRelation(str(source), str(target), str(find_part(entry, ("type", "label", "labels")) or ""))
        )
    return tuple(relations)


def _read_entry(entry: Any, key: str) -> Iterable[RawSpan]:
    if isinstance(entry, list | tuple):
        yield _read_tuple(entry, key)
    elif isinstance(entry, Mapping) and isinstance(entry.get("points"), list):
        yield from (_read_object({**entry, **point}, key) for point in entry["points"] if isinstance(point, Mapping))
    elif isinstance(entry, Mapping) and labels_places(entry):
        yield from (RawSpan((label,), *_require_offsets(at[0], at[1], key)) for label, at in entry.items())
    elif isinstance(entry, Mapping):
        yield _read_object(entry, key)
    else:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} holds something that is neither a list nor an object")


def _read_tuple(entry: Sequence[Any], key: str) -> RawSpan:
    """A span as offsets and label, in this order or with the label first, with a value behind or before, or a pair.

    A score at the end is passed over.
    """
    entry = drop_score(entry)
    names = "".join("s" if isinstance(part, str) and read_offset(part) is None else "n" for part in entry)
    value = None
    if names == "ss":
        return RawSpan((entry[1],), value=entry[0])
    if names == "nns":
        start, end, label = entry
    elif names == "snn":
        label, start, end = entry
    elif names == "nnss":
        start, end, label, value = entry
    elif names == "snns":
        value, start, end, label = entry
    else:
        wrong = "without a label" if names == "nnn" else "that is not [start, end, label]"
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry {wrong}")
    if not label:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry without a label")
    return RawSpan((label,), *_require_offsets(start, end, key), value)


def _read_object(entry: Mapping[str, Any], key: str) -> RawSpan:
    entry = open_place(entry, key)
    if isinstance(name := entry.get("entity"), str) and not find_part(entry, LABEL):
        entry = {**entry, "label": name[2:] if name[1:2] == "-" else name, "entity": None}
    if entry.get("correct") is False:
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry that is marked as not correct; leave it out")
    labels = _read_labels(find_part(entry, LABEL), key)
    start, end = read_offset(find_part(entry, START)), read_offset(find_part(entry, END))
    if start is not None and end is None and (length := read_offset(entry.get("length"))) is not None:
        end = start + length
    surface = find_part({name: part for name, part in entry.items() if isinstance(part, str)}, VALUE)
    if start is None or end is None:
        start = end = None
        if surface is None:
            raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry with neither offsets nor a value")
    return RawSpan(labels, start, end, surface, str(find_part(entry, IDENTIFIER) or ""))


def _read_labels(value: Any, key: str) -> tuple[str, ...]:
    given = list(value) if isinstance(value, list | tuple) else [value]
    names = [find_part(name, ("value", "name", "label")) if isinstance(name, Mapping) else name for name in given]
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


def _is_object_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def _is_place_index(value: Any) -> bool:
    """True for the places of each value of a label: `{"Ann": [[0, 2]]}`."""
    return isinstance(value, Mapping) and bool(value) and all(map(is_offset_list, value.values()))


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
    known = name in SPAN_KEYS or any(simplify_key(name) in names for names in (START, END, LABEL, VALUE))
    return not known and isinstance(value, list) and all(isinstance(surface, str) for surface in value)
