"""Output of commands: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.status import Status
from rich.table import Table
from rich.text import Text

from goldspan.annotation.redaction import show_controls
from goldspan.cli.shared.waiting import LoggedStatus

_PIPE_WIDTH = 200
_LONGEST_WORD = 24
"""Characters from which a word in a table may be broken, as paths and commands are."""

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What orjson leaves as it is of what `show_controls` replaces."""


class TerminalConsole(Console):
    """A console on which data cannot control the terminal: strings hold no markup, and control and bidirectional
    characters become symbols.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, soft_wrap=True, **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as `Console` does, with the text of every segment made safe."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(show_controls(segment.text), segment.style)

    def status(self, status: RenderableType, **options: Any) -> Any:
        """A status line; off a terminal one line a minute instead, so that a log shows that the work continues."""
        return _PlainStatus(Text(str(status)), console=self) if self.is_terminal else LoggedStatus(self, str(status))


class _PlainStatus(Status):
    """A status line that holds no markup."""

    def update(self, status: RenderableType | None = None, **options: Any) -> None:
        """Change the line."""
        super().update(None if status is None else Text(str(status)), **options)


class PipeConsole(TerminalConsole):
    """A console whose reader may leave early, as in `goldspan … | head`, which is not a failure."""

    def on_broken_pipe(self) -> None:
        """Exit quietly."""
        discard_output()
        raise SystemExit(0)


def discard_output() -> None:
    """Send what stdout still holds nowhere: writing it when the process ends would fail once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


out = PipeConsole(width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = TerminalConsole(stderr=True)


def say(message: str) -> None:
    """Print a message that is not the result."""
    err.print(message)


def warn(message: str) -> None:
    """Print a warning."""
    err.print(Text.assemble(("!", "yellow"), f" {message}"))


def fail(message: str) -> None:
    """Print an error."""
    err.print(Text.assemble(("error:", "bold red"), f" {message}"))


def quote(path: Path | str) -> str:
    """A path as a shell takes it, in a command to copy."""
    return shlex.quote(f"./{path}" if str(path).startswith("-") else str(path))


def print_json(value: Any) -> None:
    """Print one JSON document on stdout; characters that could control a terminal are escaped, as JSON allows."""
    document = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    out.print(_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", document))


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: Sequence[int] = ()
) -> None:
    """Print an aligned table on stdout; `right` holds indices of right-aligned columns.

    In a terminal too narrow for whole words beside each other, each row becomes a block of lines. A table without rows
    is not printed.
    """
    cells = [["–" if cell is None else str(cell) for cell in row] for row in rows]
    if not cells:
        return
    if not _fits(columns, cells):
        _print_blocks(columns, cells, title)
        return
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in right else "left", overflow="fold")
    for row in cells:
        table.add_row(*row)
    out.print(table)


def _fits(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """True if the longest word of each column fits beside those of the others; very long ones may be broken."""
    widths = [
        max((min(len(word), _LONGEST_WORD) for text in texts for word in text.split()), default=0)
        for texts in zip_longest(columns, *rows, fillvalue="")
    ]
    return sum(widths) + 2 * (len(widths) - 1) <= out.width


def _print_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> None:
    if title:
        out.print(title)
    for row in rows:
        out.print(row[0] or columns[0], style="bold")
        for column, cell in zip_longest(columns[1:], row[1:], fillvalue=""):
            if cell and cell != "–":
                out.print(f"  {column}: {cell}" if column else f"  {cell}")
