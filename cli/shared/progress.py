"""Progress of a command on stderr."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from goldspan.cli.shared.console import err
from goldspan.cli.shared.waiting import report_waits


class ProgressBar:
    """A bar on a terminal, a line a minute in a log. Use it as a context manager."""

    def __init__(self, description: str, total: int | None = None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        text = [TextColumn(f"{{task.{field}}}", markup=False) for field in ("description", "fields[note]")]
        columns = text[0], BarColumn(bar_width=24), MofNCompleteColumn(), text[1], TimeElapsedColumn()
        self._progress = Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
        self._task = self._progress.add_task(description, total=total, note="")
        self._waits = report_waits(err, self._describe)

    def __enter__(self) -> Self:
        self._progress.start()
        self._waits.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits.__exit__(kind, error, trace)
        self._progress.stop()

    def update(self, **values: Any) -> None:
        """Set `description`, `completed`, `total` or `note`, or `advance` by a number."""
        self._progress.update(self._task, **values)

    def _describe(self) -> str:
        task = self._progress.tasks[0]
        share = f"{task.completed:,.0f} of {task.total:,.0f}" if task.total else f"{task.completed:,.0f}"
        return f"{task.description}: {share} {task.fields['note']}".rstrip()
