"""Tables as rows: CSV, TSV and relatives in the dialects that spreadsheets and pandas write."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.reading import ReadOptions, read_whole
from goldspan.annotation.formats.rows.tokens import TAG_LISTS, TOKEN_LISTS
from goldspan.annotation.tasks.jsonl import MAX_LINE, JsonRecord, OnError

_MARKS = ",;\t|"
_SEPARATOR = re.compile(r"sep=(.)\r?\n")
TEXT_COLUMNS = (
    "text",
    "tagged_text",
    "source_text",
    "unmasked_text",
    "full_text",
    "generated_text",
    "content",
    "sentence",
)
_MISSING = frozenset({"nan", "NaN", "NA", "N/A", "<NA>", "null", "NULL", "None", "#N/A"})


def read_table(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[JsonRecord]:
    """The rows of a table as objects of strings; missing values (empty, NaN) are left out.

    The first line names the columns, whatever their case and blanks; a line `sep=;` before it names the separator.

    Raises:
        InputError: the file cannot be decoded, has no column of texts, or names a column twice.
    """
    content = read_whole(path, options)
    first_line = 0
    if stated := _SEPARATOR.match(content):
        content, first_line = content[stated.end() :], 1
    csv.field_size_limit(MAX_LINE)
    wanted = options.text_key
    mark = stated[1] if stated else find_separator(content, wanted)
    rows = csv.reader(io.StringIO(content, newline=""), delimiter=mark, strict=True)
    try:
        header = next(rows, [])
    except csv.Error as error:
        raise InputError(f"{path}: the first line cannot be read: {error}.") from None
    columns = _name_columns(path, header, options)
    while True:
        try:
            cells = next(rows, None)
        except csv.Error as error:
            on_error(RecordError(f"broken CSV: {error}", file=str(path), line=rows.line_num + first_line))
            continue
        if cells is None:
            return
        line = rows.line_num + first_line
        if not cells:
            continue
        if len(cells) != len(columns):
            on_error(RecordError("the row has more or fewer columns than the header", file=str(path), line=line))
            continue
        fields = {name: cell for name, cell in zip(columns, cells, strict=True) if name}
        text = fields.get(wanted or "text", "")
        kept = {name: cell for name, cell in fields.items() if cell not in _MISSING and cell != ""}
        yield JsonRecord(str(path), line, {**kept, **({wanted or "text": text} if text or not kept else {})})


def find_separator(content: str, wanted: str = "") -> str:
    """The separator: the one that sets a column of texts apart in the first line; else the most frequent one."""
    header = next(iter(content.splitlines()), "")
    names = {wanted.casefold()} if wanted else set(TEXT_COLUMNS)
    for mark in _MARKS:
        try:
            cells = next(csv.reader([header], delimiter=mark), [])
        except csv.Error:
            continue
        if names & {cell.strip().casefold() for cell in cells}:
            return mark
    return max(_MARKS, key=header.count)


def _name_columns(path: Path, header: list[str], options: ReadOptions) -> list[str]:
    renamed = {name.casefold(): new for name, new in (options.columns or {}).items()}
    columns = []
    for cell in header:
        name = cell.strip()
        known = renamed.get(name.casefold())
        lowered = name.casefold()
        plain = lowered if lowered in {"text", "language", "country", "document_type", "label", "tagged_text"} else name
        columns.append(known or (options.text_key if lowered == options.text_key.casefold() else plain))
    if len([name for name in columns if name]) > len({name for name in columns if name}):
        raise InputError(f"{path} names a column twice: {', '.join(header)[:200]}.")
    wanted = options.text_key or "text"
    if wanted in columns:
        return columns
    other = next((key for key in TEXT_COLUMNS if key in columns), None)
    rows = {"annotation_id"} & set(columns) or (set(TOKEN_LISTS) & set(columns) and set(TAG_LISTS) & set(columns))
    if other or (not options.text_key and rows and len(columns) > 1):
        return columns
    raise InputError(
        f"{path} has no column {wanted!r}. Its first line must name the columns ({', '.join(header)[:120]}); "
        "name the one with the texts with --text-key, or rename it with --columns NAME=text."
    )
