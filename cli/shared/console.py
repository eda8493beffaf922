"""Output of commands: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table

from goldspan.annotation.redaction import show_controls
from goldspan.cli.shared.waiting import LoggedStatus

_PIPE_WIDTH = 200
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What orjson leaves as it is of what `show_controls` replaces."""


class TerminalConsole(Console):
    """A console on which data cannot control the terminal: control and bidirectional characters become symbols."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as `Console` does, with the text of every segment made safe."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(show_controls(segment.text), segment.style)

    def status(self, status: RenderableType, **options: Any) -> Any:
        """A status line; off a terminal one line a minute instead, so that a log shows that work goes on."""
        return super().status(status, **options) if self.is_terminal else LoggedStatus(self, str(status))

    def out(self, *objects: Any, **options: Any) -> None:
        """Write plain text, made safe."""
        super().out(*(show_controls(str(value)) for value in objects), **options)


class PipeConsole(TerminalConsole):
    """A console whose reader may leave early, as in `goldspan … | head`, which is not a failure."""

    def on_broken_pipe(self) -> None:
        """Exit quietly."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


out = PipeConsole(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = TerminalConsole(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Print a message that is not the result. Markup is enabled: escape data."""
    err.print(message)


def warn(message: str) -> None:
    """Print a warning. Markup in the message is not interpreted."""
    err.print(f"[yellow]![/yellow] {escape(message)}")


def fail(message: str) -> None:
    """Print an error. Markup in the message is not interpreted."""
    err.print(f"[bold red]error:[/bold red] {escape(message)}")


def print_json(value: Any) -> None:
    """Print one JSON document on stdout; characters that could control a terminal are escaped, as JSON allows."""
    document = orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()
    out.out(_UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", document), highlight=False)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: Sequence[int] = ()
) -> None:
    """Print an aligned table on stdout; `right` holds indices of right-aligned columns. Cells are plain text."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("–" if cell is None else escape(str(cell)) for cell in row))
    out.print(table)
