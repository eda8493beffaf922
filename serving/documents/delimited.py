"""CSV and TSV, row by row: cells that are not masked stay byte for byte, quotes and line ends included."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import regex

from goldspan.annotation.errors import InputError, RecordError, UnknownNameError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, choose_fields, mask_units
from goldspan.serving.documents.flow import MaskedRuns, Run, search_values
from goldspan.serving.documents.plain import check_text

_MAX_ROW = 16 * 1024 * 1024
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as it stands in the file: raw cells, quotes included, and the end of the line."""

    line: int
    cells: tuple[str, ...]
    end: str

    @property
    def values(self) -> tuple[str, ...]:
        """The cells without quotes and byte order mark."""
        return tuple(_unquote(cell.removeprefix("\ufeff")) for cell in self.cells)


async def mask_delimited(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a CSV or TSV file. Where columns are chosen, the first row names them and stays as it is.

    Without a choice it is masked too: many files have no names of columns.
    """
    counts = FileCounts()
    delimiter = find_delimiter(source)
    rows = _read_rows(source, delimiter)
    header = next(rows, None) if settings.fields else None
    chosen = _choose_columns(header.values if header else (), settings)
    with target.open("w", encoding="utf-8", newline="") as out:
        if header:
            out.write(_write_row(header, {}, delimiter))
        units = ((_make_runs(row, chosen), row) for row in rows)
        async for runs, row, result in mask_units(units, masker, settings):
            changed = _find_changes(row, chosen, result)
            out.write(_write_row(row, changed, delimiter))
            counts.add(runs, result)
            search_values(result.values, result.texts, f"{source.name}, line {row.line}")
    _verify(source, target, delimiter, chosen)
    return counts


def edit_cells(path: Path, edit: Callable[[str], str]) -> str:
    """The table with each cell that `edit` changes written anew; the others stay as they are."""
    delimiter = find_delimiter(path)
    pieces: list[str] = []
    for row in _read_rows(path, delimiter):
        edited = {place: edit(value) for place, value in enumerate(row.values)}
        changed = {place: text for place, text in edited.items() if text != row.values[place]}
        pieces.append(_write_row(row, changed, delimiter))
    return "".join(pieces)


def find_delimiter(path: Path) -> str:
    """The sign that separates the cells of a table: tab in .tsv, else the commonest of comma, semicolon, tab and bar.

    Raises:
        InputError: the file cannot be read or is not UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            begin = stream.readline(_MAX_ROW)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start}). Convert it, for example with iconv.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    return "\t" if path.suffix.lower() == ".tsv" else max(_DELIMITERS, key=begin.count)


def _choose_columns(names: tuple[str, ...], settings: FileSettings) -> dict[int, str] | None:
    """The label of each chosen column by its position; None: every column."""
    if not settings.fields:
        return None
    labels = choose_fields(settings.fields)
    for name in labels:
        if name not in names:
            raise UnknownNameError("column", name, names)
    return {position: labels[name] for position, name in enumerate(names) if name in labels}


def _make_runs(row: RawRow, chosen: dict[int, str] | None) -> list[Run]:
    values = row.values
    places = range(len(values)) if chosen is None else [place for place in chosen if place < len(values)]
    return [Run(values[place], "\n", (chosen or {}).get(place, "")) for place in places]


def _find_changes(row: RawRow, chosen: dict[int, str] | None, result: MaskedRuns) -> dict[int, str]:
    places = range(len(row.cells)) if chosen is None else [place for place in chosen if place < len(row.cells)]
    return {place: text for place, text, edits in zip(places, result.texts, result.edits, strict=True) if edits}


def _write_row(row: RawRow, changed: dict[int, str], delimiter: str) -> str:
    cells = (
        _quote(changed[place], cell, delimiter) if place in changed else cell for place, cell in enumerate(row.cells)
    )
    return delimiter.join(cells) + row.end


def _quote(value: str, cell: str, delimiter: str) -> str:
    mark = cell[: cell.startswith("\ufeff")]
    needed = any(sign in value for sign in (delimiter, '"', "\n", "\r")) or cell.startswith('"', len(mark))
    return mark + ('"' + value.replace('"', '""') + '"' if needed else value)


def _unquote(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if cell.startswith('"') else cell


def _read_rows(source: Path, delimiter: str) -> Iterator[RawRow]:
    cell = regex.compile(rf'"(?:[^"]|"")*"|[^"{regex.escape(delimiter)}\r\n][^{regex.escape(delimiter)}\r\n]*|')
    try:
        with source.open(encoding="utf-8", newline="") as stream:
            first, pending = 0, ""
            for number, line in enumerate(stream, start=1):
                first = first or number
                check_text(line, f"{source}, line {number},")
                pending += line
                if len(pending) > _MAX_ROW:
                    raise RecordError(f"the row is longer than {_MAX_ROW >> 20} MiB", file=str(source), line=first)
                if pending.count('"') % 2 == 0:
                    yield _split_row(pending, cell, delimiter, source, first)
                    pending, first = "", 0
            if pending:
                raise RecordError("a quote is opened and never closed", file=str(source), line=first)
    except UnicodeDecodeError as error:
        raise InputError(f"{source} is not UTF-8 (byte {error.start}). Convert it, for example with iconv.") from None


def _split_row(text: str, cell: regex.Pattern[str], delimiter: str, source: Path, line: int) -> RawRow:
    body = text.rstrip("\r\n") if not text.endswith('"') else text
    end = text[len(body) :]
    cells: list[str] = []
    position = 0
    start = "\ufeff" if line == 1 and body.startswith("\ufeff") else ""
    position = len(start)
    while True:
        match = cell.match(body, position)
        found = match.group() if match else ""
        position += len(found)
        cells.append(found)
        if position == len(body):
            break
        if body[position] != delimiter:
            raise RecordError("a quoted cell is followed by other text", file=str(source), line=line)
        position += 1
    cells[0] = start + cells[0]
    return RawRow(line, tuple(cells), end)


def _verify(source: Path, target: Path, delimiter: str, chosen: dict[int, str] | None) -> None:
    """Read both files with the standard library: same shape, and the same values in columns that were not chosen."""
    csv.field_size_limit(_MAX_ROW)
    with source.open(encoding="utf-8-sig", newline="") as one, target.open(encoding="utf-8-sig", newline="") as other:
        before, after = (csv.reader(stream, delimiter=delimiter, strict=True) for stream in (one, other))
        try:
            for old, new in zip(before, after, strict=True):
                same = [] if chosen is None else [place for place in range(len(old)) if place not in chosen]
                if len(old) != len(new) or any(old[place] != new[place] for place in same):
                    raise InputError(f"{source}: row {before.line_num} did not keep its shape.")
        except (csv.Error, ValueError) as error:
            raise InputError(f"{source}, line {before.line_num}: {error}.") from None
