"""The keys of a span in the words of data sets and tools, and how they are found whatever their spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from goldspan.annotation.formats.rows.raw import Code, RowError, read_offset

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
ANNOTATOR = ("annotator", "annotatorid", "annotatorname")
"""Names of the parts of a span, and of who made it, without case and underscores, as `find_part` looks for them."""

_PLACE = (
    "span", "spans", "range", "offset", "offsets", "indices", "interval", "value", "position", "positions", "place",
    "location", "bounds",
)  # fmt: skip
"""Names of a part that holds the offsets of a span: a pair, a list of one pair, or an object."""
_PREFIX = re.compile(
    r"(?:entity|ent|span|mention|annotation|extraction|char|phi|pii|ner)(?=(?:start|begin|end|label|type|class|text|value|interval))"
)
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
        "clusters",
        "coreferences",
    }
)
"""Keys that hold annotations wherever they hold something."""

TOKEN_KEYS = frozenset({"tokens", "sents", "sentences", "token_spans"})
"""Keys whose offsets are those of tokens."""


def open_place(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The entry with the offsets that one of its parts holds."""
    for name, place in entry.items():
        if _strip_prefix(name) not in _PLACE:
            continue
        if isinstance(place, Mapping):
            return {**{k: v for k, v in entry.items() if k != name}, **place}
        pairs = [place] if is_pair(place) else place
        if is_offset_list(pairs):
            if len(pairs) > 1:
                raise RowError(Code.UNREADABLE_SPANS, f"{key} has a span of several parts, which is not read")
            return {**{k: v for k, v in entry.items() if k != name}, "start": pairs[0][0], "end": pairs[0][1]}
    return entry


def labels_places(entry: Mapping[str, Any]) -> bool:
    """True for labels with one place each: `{"PER": [0, 3]}`."""
    known = (*START, *END, *LABEL, *VALUE, *_PLACE)
    return bool(entry) and all(is_pair(place) and _strip_prefix(name) not in known for name, place in entry.items())


def find_part(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first of these parts that an entry has, whatever the case of its keys, with or without underscores."""
    if (first := entry.get(names[0])) is not None:
        return first
    key = find_key((key for key, part in entry.items() if part is not None), map(simplify_key, names))
    return entry[key] if key else None


def find_key(keys: Iterable[str], names: Iterable[str]) -> str:
    """The key that stands for the first of these parts, empty if none does; `span_start` stands for `start`."""
    plain = {simplify_key(key): key for key in keys}
    plain = {_strip_prefix(key): key for key in plain.values()} | plain
    return next((plain[name] for name in names if name in plain), "")


@lru_cache(maxsize=4096)
def simplify_key(key: str) -> str:
    """A key without case, underscores and spaces."""
    return key.replace("_", "").replace(" ", "").casefold()


@lru_cache(maxsize=4096)
def _strip_prefix(key: str) -> str:
    return _PREFIX.sub("", simplify_key(key), count=1)


def is_offset_list(value: Any) -> bool:
    """True for a list of pairs of offsets."""
    return isinstance(value, list) and bool(value) and all(map(is_pair, value))


def is_pair(value: Any) -> bool:
    """True for two offsets."""
    return isinstance(value, list | tuple) and len(value) == 2 and all(read_offset(x) is not None for x in value)


def drop_score(entry: Sequence[Any]) -> Sequence[Any]:
    """A span in four parts without its score, from 0 to 1 at the end."""
    scored = len(entry) == 4 and isinstance(entry[3], float) and 0 <= entry[3] <= 1
    return entry[:3] if scored else entry
