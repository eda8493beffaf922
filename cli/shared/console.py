"""How commands speak: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

_PIPE_WIDTH = 200


class PipeConsole(Console):
    """A console whose reader may leave early, as in `goldspan … | head`: that is no failure."""

    def on_broken_pipe(self) -> None:
        """End quietly."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0)


out = PipeConsole(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else _PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str) -> None:
    """Tell the user something that is not the result. Markup is on: escape what comes from data."""
    err.print(message)


def warn(message: str) -> None:
    """Tell the user of something that needs a look. The message is shown as it is."""
    err.print(f"[yellow]![/yellow] {escape(message)}")


def fail(message: str) -> None:
    """Tell the user what went wrong. The message is shown as it is."""
    err.print(f"[bold red]error:[/bold red] {escape(message)}")


def print_json(value: Any) -> None:
    """One JSON document on stdout, for machines."""
    out.out(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode(), highlight=False)


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "", right: Sequence[int] = ()
) -> None:
    """An aligned table on stdout; `right` names the columns of numbers. Cells are shown as they are."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*("–" if cell is None else escape(str(cell)) for cell in row))
    out.print(table)
