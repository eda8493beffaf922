"""Progress and summary of a run."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import say, warn
from goldspan.cli.shared.progress import ProgressBar

if TYPE_CHECKING:
    from goldspan.generators.runs.pipeline import Summary
    from goldspan.generators.runs.progress import Progress as RunProgress


class RunBar(ProgressBar):
    """Progress of a run: done, refused, tokens, rate, time left, cost."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._began = time.monotonic()
        self._first: RunProgress | None = None
        self._notice = ""

    def show(self, progress: RunProgress) -> None:
        """Redraw; a new notice is printed above the line."""
        if self._first and progress.notice != self._notice:
            say(progress.notice)
        self._notice = progress.notice
        self._first = self._first or progress
        seconds = max(time.monotonic() - self._began, 0.001)
        ended = progress.done + progress.dead
        rate = (progress.answered - self._first.answered) / seconds
        speed = (ended - self._first.done - self._first.dead) / seconds
        note = [
            f"{progress.refused} refused",
            f"{progress.tokens_in + progress.tokens_out:,} tokens",
            f"{rate:.1f} answers/s",
        ]
        if progress.cost:
            note.append(f"${progress.cost:.4f}")
        if progress.batches_open:
            note.append(f"{progress.batches_open} batches open")
        if speed:
            note.append(f"{format_seconds((progress.samples - ended) / speed)} left")
        self.update(completed=ended, total=progress.samples, note=" · ".join(note))


def format_seconds(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def show_summary(summary: Summary) -> None:
    """Print the result of a run and the next command."""
    progress, written = summary.progress, summary.written
    cost = f", ${progress.cost:.4f}" if progress.cost else ""
    say(
        f"{progress.run}: {summary.outcome.value}. {progress.done} of {progress.samples} done, "
        f"{progress.dead} dead letters, {progress.refused} answers refused and asked again or given up, "
        f"{progress.tokens_in + progress.tokens_out:,} tokens{cost}."
    )
    repeats = f" ({written.duplicates} repeats left out)" if written.duplicates else ""
    say(f"{format_count(written.samples, 'sample')} in {summary.samples}{repeats}")
    if written.dead:
        warn(
            f"Dead letters with their reasons: {summary.dead_letters}. "
            f"`goldspan generate retry {progress.run}` retries them."
        )
    elif not progress.finished:
        say(f"`goldspan generate resume {progress.run}` continues it.")
