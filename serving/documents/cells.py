"""Cells of Excel sheets that hold numbers: dates and long numbers are read as they are shown.

Excel stores a date as the days since 1900 (or 1904) and says by the format of the cell that it is one (ECMA-376 part 1,
18.8.30): 1988-03-03 stands as `32205`. Long numbers may stand with an exponent. A date says little without the name of
its column, which is read before it.
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

import regex

_BUILT_IN = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
"""Numbers of the formats with a date that every program knows (18.8.30); times of the day are none."""

_LITERAL = regex.compile(r"\"[^\"]*\"|\\.|_.|\[[^\]]*\]")
_DATE_SIGN = regex.compile(r"[yd]|(?<![hs:])m{3,}|[eg](?!eneral)", regex.IGNORECASE)
_FORMAT = regex.compile(r"<numFmt\b(?=[^>]*\bnumFmtId\s*=\s*[\"'](\d+))(?=[^>]*\bformatCode\s*=\s*[\"']([^\"']*))")
_CELL_FORMATS = regex.compile(r"<cellXfs\b.*?</cellXfs>", regex.DOTALL)
_CELL_FORMAT = regex.compile(r"<xf\b[^>]*?(?:\bnumFmtId\s*=\s*[\"'](\d+)[\"'][^>]*)?>")
_STYLE = regex.compile(r"\ss\s*=\s*[\"'](\d+)[\"']")
_TYPE = regex.compile(r"\st\s*=\s*[\"']([^\"']*)[\"']")
_EPOCH, _EPOCH_1904 = datetime(1899, 12, 30, tzinfo=UTC), datetime(1904, 1, 1, tzinfo=UTC)
_FIRST, _LAST = 1, 2_958_465
"""Days that Excel takes for dates: 1900-01-01 to 9999-12-31."""

_STRING = regex.compile(r"<(?:\w+:)?si\b.*?</(?:\w+:)?si>", regex.DOTALL)
_TEXT = regex.compile(r"<(?:\w+:)?t\b[^>]*>([^<]*)<")
_ROW = regex.compile(r"<(?:\w+:)?row\b.*?</(?:\w+:)?row>", regex.DOTALL)
_CELL = regex.compile(r"<(?:\w+:)?c\b([^>]*)>(.*?)</(?:\w+:)?c>", regex.DOTALL)
_VALUE = regex.compile(r"<(?:\w+:)?v>(\d+)<")
_COLUMN = regex.compile(r"\br\s*=\s*[\"']([A-Z]{1,3})\d+[\"']")
_MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class CellFormats:
    """Which formats of a workbook are dates, the day from which it counts, and its shared strings."""

    dates: frozenset[int] = frozenset()
    epoch: datetime = _EPOCH
    strings: tuple[str, ...] = ()

    @classmethod
    def read(cls, package: Mapping[str, bytes]) -> CellFormats:
        """The formats of the parts of a workbook; of another package none."""
        styles = package.get("xl/styles.xml", b"").decode("utf-8", "replace")
        own = {int(number) for number, code in _FORMAT.findall(styles) if _shows_date(code)}
        listed = _CELL_FORMATS.search(styles)
        numbers = [int(number or 0) for number in _CELL_FORMAT.findall(listed.group())] if listed else []
        dates = frozenset(place for place, number in enumerate(numbers) if number in own or number in _BUILT_IN)
        workbook = package.get("xl/workbook.xml", b"")
        old = regex.search(rb"\bdate1904\s*=\s*[\"'](?:1|true)", workbook) is not None
        shared = package.get("xl/sharedStrings.xml", b"").decode("utf-8", "replace") if dates else ""
        strings = tuple(html.unescape("".join(_TEXT.findall(one))) for one in _STRING.findall(shared))
        return cls(dates, _EPOCH_1904 if old else _EPOCH, strings)

    def show(self, tag: str, raw: str) -> str:
        """What a cell shows, by its start tag and stored value: ISO 8601 for dates; other values as they stand."""
        typed = _TYPE.search(tag)
        if typed and typed[1] != "n":
            return raw.removesuffix("T00:00:00") if typed[1] == "d" else raw
        try:
            number = Decimal(raw.strip())
        except InvalidOperation:
            return raw
        style = _STYLE.search(tag)
        if style and int(style[1]) in self.dates and _FIRST <= number <= _LAST:
            moment = self.epoch + timedelta(days=float(number))
            moment = (moment + timedelta(milliseconds=500)).replace(microsecond=0)
            return moment.date().isoformat() if number == int(number) else f"{moment:%Y-%m-%d %H:%M:%S}"
        return format(number, "f") if "e" in raw.lower() and number == number.to_integral_value() else raw

    def find_headers(self, sheet: str) -> dict[str, str]:
        """The texts of the first row of a sheet, by the letters of their columns."""
        row = _ROW.search(sheet)
        found: dict[str, str] = {}
        for attributes, content in _CELL.findall(row.group()) if row else []:
            column, typed, value = _COLUMN.search(attributes), _TYPE.search(attributes), _VALUE.search(content)
            if column and typed and typed[1] == "s" and value and int(value[1]) < len(self.strings):
                text = self.strings[int(value[1])]
            else:
                text = html.unescape("".join(_TEXT.findall(content)))
            if column and 0 < len(text) <= _MAX_NAME:
                found[column[1]] = text
        return found


def find_column(tag: str) -> str:
    """The letters of the column of a cell, by its start tag; empty if it does not say."""
    column = _COLUMN.search(tag)
    return str(column[1]) if column else ""


def find_cached(shown: str, formats: CellFormats, package: Mapping[str, bytes]) -> str:
    """The part of a workbook in whose cache a date still stands: a number of a chart, a moment of a pivot table."""
    try:
        moment = datetime.fromisoformat(shown).replace(tzinfo=UTC)
    except ValueError:
        return ""
    serial = f">{(moment - formats.epoch).days}<".encode()
    stamp = f"{moment.date().isoformat()}T".encode()
    for name, content in package.items():
        if (name.startswith("xl/charts/") and serial in content) or (name.startswith("xl/pivot") and stamp in content):
            return name
    return ""


def _shows_date(code: str) -> bool:
    return _DATE_SIGN.search(_LITERAL.sub("", html.unescape(code))) is not None
