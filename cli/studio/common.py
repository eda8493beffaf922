"""What the commands that talk to Label Studio share: options, connection, progress, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.labelstudio.project.access import DEFAULT_TITLE, connect

__all__ = [
    "DEFAULT_TITLE", "SHOWN", "ProjectOption", "TokenOption", "UrlOption", "connect", "end_with_refused", "make_plain",
    "show_progress", "warn_refused",
]  # fmt: skip

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.api.refusals import RefusedSample

SHOWN = 20

UrlOption = Annotated[str | None, typer.Option("--url", help="Address of Label Studio (or LABEL_STUDIO_URL)")]
TokenOption = Annotated[str | None, typer.Option("--token", help="Its token (or LABEL_STUDIO_API_KEY)")]
ProjectOption = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="ID|TITLE",
        help=f"The project (or LABEL_STUDIO_PROJECT_ID). Default: the last one, else {DEFAULT_TITLE!r}",
    ),
]


@contextmanager
def show_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on stderr; yields the function that moves it."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from goldspan.cli.shared import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console.err, transient=True) as bar:
        task = bar.add_task("connecting", total=None)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total or None)


def warn_refused(refused: Sequence[RefusedSample]) -> None:
    """Name the first refused records on stderr."""
    from goldspan.cli.shared import console

    for item in refused[:SHOWN]:
        console.warn(f"refused {item.sample_id or 'a sample without id'}: {item.reason}")
    if len(refused) > SHOWN:
        console.warn(f"… and {len(refused) - SHOWN} more; --json lists them all.")


def end_with_refused(refused: Sequence[RefusedSample], unreadable: int = 0) -> None:
    """Name what was refused and end with the exit code that says so; return if nothing was."""
    from goldspan.cli.shared.exits import Exit

    warn_refused(refused)
    if refused or unreadable:
        raise typer.Exit(Exit.REFUSED_SOME)


def make_plain(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields with paths as text, for JSON."""
    return {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
