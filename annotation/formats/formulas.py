"""Cells that a spreadsheet would run: CSV files for spreadsheets get an apostrophe in front of them."""

from __future__ import annotations

import re

FORMULA_START = "^(?:[\t\r\n]|\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20])"
"""Pattern of the beginnings of such cells (OWASP, CSV Injection), full-width forms included."""

_PATTERN = re.compile(FORMULA_START)


def guard_formula(cell: str) -> str:
    """Put an apostrophe in front of a cell that a spreadsheet would take for a formula."""
    return f"'{cell}" if _PATTERN.match(cell) else cell
