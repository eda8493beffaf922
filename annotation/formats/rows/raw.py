"""Rows in a common form, before labels are mapped: text, spans or values, mentions, other fields."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from goldspan.annotation.types import Mention, Status

_MAX_LITERAL = 5_000_000
_DEEP = 200
_MAX_DIGITS = 9
_NO_COMMA = re.compile(r"\}\s+\{")
_ARRAY = re.compile(r"\barray\((\[.*\])(?:,\s*dtype=\w+)?\)", re.DOTALL)
"""How NumPy prints arrays of objects: no commas, and its own name around them."""


class Code(StrEnum):
    """Why a row was rejected. What is wrong with a span has the codes of `annotation.checks`."""

    NO_TEXT = "no_text"
    UNREADABLE_SPANS = "unreadable_spans"
    UNKNOWN_LABEL = "unknown_outside_label"
    UNKNOWN_LANGUAGE = "unknown_language"
    SPAN_MISMATCH = "span_mismatch"
    UNALIGNED_VALUE = "unaligned_value"
    AMBIGUOUS_VALUE = "ambiguous_value"
    DUPLICATE_TEXT = "duplicate_text"
    UNREADABLE_ROW = "unreadable_row"
    UNWRITABLE = "unwritable"
    UNREADABLE_TAGS = "unreadable_tags"
    UNREAD_SPANS = "unread_spans"
    OFFSETS = "offsets_of_other_text"
    ERASED = "erased"


MEANINGS = {
    Code.NO_TEXT: "the row has no text",
    Code.UNREADABLE_SPANS: "the spans cannot be read",
    Code.UNKNOWN_LABEL: "a label is not known",
    Code.UNKNOWN_LANGUAGE: "the language is not known; --language is that of rows that name none",
    Code.SPAN_MISMATCH: "a span's offsets do not cut out its value",
    Code.UNALIGNED_VALUE: "a value without offsets does not stand in the text",
    Code.AMBIGUOUS_VALUE: "a value without offsets stands in places that may mean something else",
    Code.DUPLICATE_TEXT: "the same text stood before in this download",
    Code.UNREADABLE_ROW: "the line is not a JSON object",
    Code.UNWRITABLE: "the sample breaks the schema of tasks",
    Code.UNREADABLE_TAGS: "the tagged text cannot be read",
    Code.UNREAD_SPANS: "a key holds annotations in a form that is not read",
    Code.OFFSETS: "offsets do not belong to this text",
    Code.ERASED: "the sample, or somebody in it, was erased from this workspace",
}


class RowError(Exception):
    """A row that cannot become a sample; never leaves the importer. `detail` names labels and columns, never text."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code, self.detail = str(code), detail


@dataclass(frozen=True, slots=True)
class RawSpan:
    """One labelled span of a row. Offsets or value may be missing, not both; `labels` are alternatives, best first.

    `id` is the name by which relations of the row speak of it; `features` are what else is said of it, by name.
    """

    labels: tuple[str, ...]
    start: int | None = None
    end: int | None = None
    value: str | None = None
    id: str = ""
    features: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RawCluster:
    """One referent of a row: the surfaces that name it, and where they stand if the row says so.

    A place is start, end and kind of mention; the kind may be empty.
    """

    mentions: tuple[str, ...]
    places: tuple[tuple[int, int, str], ...] = ()


class RawRelation(NamedTuple):
    """A relation between two spans, by their ids."""

    source: str
    target: str
    label: str


@dataclass(frozen=True, slots=True)
class RawAnnotation:
    """What one author says of a row. `person` and `model` name the author; both empty: the file does not say.

    `answer` is a decision that the annotation carries (`reject`, `ignore`); such an annotation is not gold. `nests`:
    spans may lie in others by design; of those that a label is mapped for, the outermost are kept.
    """

    spans: tuple[RawSpan, ...] = ()
    clusters: tuple[RawCluster, ...] = ()
    relations: tuple[RawRelation, ...] = ()
    mentions: tuple[Mention, ...] = ()
    person: str = ""
    model: str = ""
    status: Status = Status.SUBMITTED
    answer: str = ""
    nests: bool = False
    utf16: bool = False


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row in the common form. `language` and `country` are as written in the row; `fields` are carried along.

    No annotation at all: nobody has looked at the text, as far as the row says. `left_out` counts annotations that are
    no spans of ours, such as lemmas, by layer; `provenance` is what Goldspan itself wrote of the sample.
    """

    text: str
    annotations: tuple[RawAnnotation, ...] = ()
    language: str = ""
    country: str = ""
    document_type: str = ""
    uid: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    sample_id: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spans(self) -> tuple[RawSpan, ...]:
        """The spans of all annotations."""
        return tuple(span for annotation in self.annotations for span in annotation.spans)


def read_text(row: Mapping[str, Any], *columns: str) -> str:
    """The text of a row, verbatim, from the first of the columns that has one.

    Raises:
        RowError: none has.
    """
    for column in columns:
        text = row.get(column)
        if isinstance(text, str) and text.strip():
            return text
    raise RowError(Code.NO_TEXT, " or ".join(columns))


def read_list(value: Any, column: str) -> Sequence[Any]:
    """A list that may be written as a list, as a JSON string or as a Python literal; None is an empty list.

    Python literals are parsed, never evaluated.

    Raises:
        RowError: it is none of these.
    """
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        value = parse_literal(value, column)
    if isinstance(value, list | tuple):
        return value
    raise RowError(Code.UNREADABLE_SPANS, f"{column} holds {type(value).__name__}")


def parse_literal(value: str, column: str) -> Any:
    """A value that a string writes as JSON or as a Python literal; literals are parsed, never evaluated.

    Raises:
        RowError: it is neither, or too large or too deep.
    """
    if len(value) > _MAX_LITERAL or max(value.count("["), value.count("{")) > len(value) // 2 > _DEEP:
        raise RowError(Code.UNREADABLE_SPANS, f"{column} is too large or too deep")
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        pass
    for spelling in (value.strip(), _ARRAY.sub(r"\1", _NO_COMMA.sub("}, {", value.strip()))):
        try:
            return ast.literal_eval(spelling)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
    else:
        raise RowError(Code.UNREADABLE_SPANS, f"{column} is neither JSON nor a Python literal") from None


def read_objects(value: Any, column: str) -> list[Mapping[str, Any]]:
    """The objects of a list (see `read_list`), or of an object of equally long lists, as `datasets` wrote sequences.

    Raises:
        RowError: something in it is not an object.
    """
    if isinstance(value, str) and value:
        value = parse_literal(value, column)
    entries = transpose(value, column) if isinstance(value, Mapping) else read_list(value, column)
    if not all(isinstance(entry, Mapping) for entry in entries):
        raise RowError(Code.UNREADABLE_SPANS, f"{column} holds something that is not an object")
    return list(entries)


def transpose(columns: Mapping[str, Any], column: str) -> list[Mapping[str, Any]]:
    """The objects of an object of equally long lists.

    Raises:
        RowError: it is something else.
    """
    lengths = {len(values) if isinstance(values, list | tuple) else None for values in columns.values()}
    if None in lengths or len(lengths) > 1:
        raise RowError(Code.UNREADABLE_SPANS, f"{column} is an object of other things than equally long lists")
    return [dict(zip(columns, entry, strict=True)) for entry in zip(*columns.values(), strict=True)]


def read_span(entry: Mapping[str, Any], column: str, *, label: str = "label", value: str = "value") -> RawSpan:
    """A span from an object with a label, and offsets or a value.

    Raises:
        RowError: label, or both offsets and value, are missing.
    """
    name, surface = entry.get(label), entry.get(value)
    start, end = read_offset(entry.get("start")), read_offset(entry.get("end"))
    if not isinstance(name, str) or not name:
        raise RowError(Code.UNREADABLE_SPANS, f"{column} has an entry without {label}")
    if start is None or end is None:
        start = end = None
    if start is None and not isinstance(surface, str):
        raise RowError(Code.UNREADABLE_SPANS, f"{column} has an entry with neither offsets nor {value}")
    return RawSpan((name,), start, end, surface if isinstance(surface, str) else None)


def read_offset(value: Any) -> int | None:
    """An offset that may be written as an integer, a whole float or digits."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and (digits := value.strip()).isdecimal() and len(digits) <= _MAX_DIGITS:
        return int(digits)
    return value if isinstance(value, int) else None


def read_string(row: Mapping[str, Any], *columns: str) -> str:
    """The first of the columns that has a value, as a string; else empty."""
    return next((str(row[column]) for column in columns if row.get(column) not in (None, "")), "")
