"""What a reader of rows has to be told when the rows do not say it."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawRow, RowError, read_string
from goldspan.annotation.formats.rows.recognition import holds_unread_spans, names_own_span
from goldspan.annotation.formats.rows.unread import advise_row
from goldspan.annotation.labels.schema import LabelSchema

TEXT_KEYS = (
    "text",
    "full_text",
    "source_text",
    "unmasked_text",
    "generated_text",
    "content",
    "sentence",
    "document",
    "raw",
    "body",
    "raw_text",
    "data",
)


@dataclass(frozen=True, slots=True)
class RowOptions:
    """The label schema; the key of the text (empty: one of the usual); names of ClassLabel numbers, in their order.

    `outside` are the labels that are mapped to ours by name.
    """

    labels: LabelSchema
    text_key: str = ""
    tag_names: tuple[str, ...] = ()
    outside: Set[str] = frozenset()


def find_text(row: Mapping[str, Any], options: RowOptions) -> tuple[str, str]:
    """The key of the text and the text, verbatim.

    Raises:
        RowError: no key has one.
    """
    for key in (options.text_key,) if options.text_key else TEXT_KEYS:
        if isinstance(row.get(key), str):
            return key, row[key]
    if options.text_key:
        raise RowError(Code.NO_TEXT, f"the key {options.text_key!r} holds no string")
    if len(strings := _list_texts(row)) == 1:
        return strings[0], row[strings[0]]
    if advice := advise_row(row):
        raise RowError(Code.UNREAD_SPANS, advice)
    if _holds_tokens(row):
        raise RowError(
            Code.NO_TEXT, "it has tokens, but neither tags of the same number nor spans of tokens that are read"
        )
    raise RowError(Code.NO_TEXT, "expected 'text' as a string; name another key with --text-key")


def show_text(row: Mapping[str, Any], text_key: str) -> Mapping[str, Any]:
    """The row with its text under `text` where it has another key than the usual ones; shapes are told by it."""
    if isinstance(row.get(text_key), str) and text_key != "text":
        return {**row, "text": row[text_key]}
    if text_key or any(isinstance(row.get(key), str) for key in TEXT_KEYS) or _holds_tokens(row):
        return row
    strings = _list_texts(row)
    return {**row, "text": row[strings[0]]} if len(strings) == 1 else row


def _list_texts(row: Mapping[str, Any]) -> list[str]:
    """The keys of strings of several words."""
    return [key for key, value in row.items() if isinstance(value, str) and " " in value.strip()]


def _holds_tokens(row: Mapping[str, Any]) -> bool:
    return any(isinstance(row.get(key), list) for key in ("tokens", "words", "sentences", "sents", "tokenized_text"))


def make_row(
    row: Mapping[str, Any], text: str, annotations: tuple[RawAnnotation, ...], fields: Mapping[str, Any]
) -> RawRow:
    """A row whose metadata is taken from `fields`, what a reader has left of the row.

    Raises:
        RowError: a field looks like annotations that were not read.
    """
    for name, value in fields.items():
        if holds_unread_spans(name, value, len(text)):
            raise RowError(Code.UNREAD_SPANS, f"the key {name!r} holds annotations in a form that is not read")
    if names_own_span(fields):
        raise RowError(
            Code.UNREAD_SPANS, "the row has a place and a label of its own, but no end or no value in the text"
        )
    metadata = {
        name: fields[name] for name in ("language", "country", "document_type") if isinstance(fields.get(name), str)
    }
    return RawRow(
        text,
        annotations,
        metadata.get("language", ""),
        metadata.get("country", ""),
        metadata.get("document_type", ""),
        read_string(row, "id", "uid", "doc_id"),
        {name: value for name, value in fields.items() if name not in metadata and name != "sample_id"},
        read_string(row, "sample_id"),
    )
