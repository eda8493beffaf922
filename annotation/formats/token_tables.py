"""Tables with one token per row and a column of tags, as Kaggle's NER corpora have them.

Sentence #,Word,POS,Tag
Sentence: 1,Ann,NNP,B-FIRSTNAME
,left,VBD,O
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.reading import ReadOptions, SourceRow
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawRow, RawSpan
from goldspan.annotation.formats.rows.span_keys import ANNOTATOR, find_key
from goldspan.annotation.formats.tables import find_separator, read_table
from goldspan.annotation.formats.tags import decode_tags, is_tag, join_tokens
from goldspan.annotation.tasks.jsonl import JsonRecord, OnError

_TOKENS = ("word", "token", "words", "tokens")
_TAGS = ("tag", "ner_tag", "ner", "iob_tag", "bio_tag", "tags", "ner_tags", "label", "labels")
_SENTENCES = ("sentence #", "sentence", "sentence_id", "sentence id", "sent_id", "sentence_idx", "doc_id", "document")


class TokenColumns(NamedTuple):
    """The names of the columns of tokens, tags and sentences, as the table writes them; `annotator` may be empty."""

    token: str
    tag: str
    sentence: str
    annotator: str


def find_token_columns(head: str) -> TokenColumns | None:
    """The columns of a table of tokens, by its first line; None if it is another table."""
    first = next(iter(head.splitlines()), "")
    cells = {
        cell.strip().casefold(): cell.strip() for cell in next(csv.reader([first], delimiter=find_separator(head)), [])
    }
    token, tag, sentence = (
        next((cells[name] for name in names if name in cells), "") for names in (_TOKENS, _TAGS, _SENTENCES)
    )
    known = bool(token and tag and sentence) and "text" not in cells
    return TokenColumns(token, tag, sentence, find_key(cells.values(), ANNOTATOR)) if known else None


def read_token_table(path: Path, columns: TokenColumns, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """A row for each annotator of each sentence; rows without an id belong to the sentence of the row before."""
    sentence: dict[str, list[JsonRecord]] = {}
    name = ""
    for record in read_table(path, replace(options, text_key=columns.token), on_error):
        following = str(record.value.get(columns.sentence, ""))
        if following and following != name:
            yield from _read_sentence(sentence, name, columns, on_error)
            sentence, name = {}, following
        sentence.setdefault(str(record.value.get(columns.annotator, "")), []).append(record)
    yield from _read_sentence(sentence, name, columns, on_error)


def _read_sentence(
    sentence: Mapping[str, Sequence[JsonRecord]], name: str, columns: TokenColumns, on_error: OnError
) -> Iterator[SourceRow]:
    for person, records in sentence.items():
        yield from _read_tokens(records, person, name, columns, on_error)


def _read_tokens(
    records: Sequence[JsonRecord], person: str, name: str, columns: TokenColumns, on_error: OnError
) -> Iterator[SourceRow]:
    tags = [str(record.value.get(columns.tag, "")) for record in records]
    if bad := next((pair for pair in zip(records, tags, strict=True) if not is_tag(pair[1])), None):
        reason = f"{bad[1]!r} in the column {columns.tag!r} is neither O nor a tag such as B-PER"
        return on_error(RecordError(reason, file=bad[0].file, line=bad[0].line))
    text, places = join_tokens([str(record.value.get(columns.token, "")) for record in records])
    spans = tuple(RawSpan((label,), start, end) for start, end, label in decode_tags(tags, places))
    yield SourceRow(records[0].file, records[0].line, RawRow(text, (RawAnnotation(spans, person=person),), uid=name))
