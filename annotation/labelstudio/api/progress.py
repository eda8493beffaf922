"""Progress of long calls: one callback type for push, pull, migrate and storage."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and the total (0: unknown)."""


def ignore_progress(stage: str, done: int, total: int) -> None:
    """A `Progress` that shows nothing."""


def report_stage(progress: Progress, stage: str) -> Callable[[int, int], None]:
    """A callback of done and total that reports them under this stage."""
    return lambda done, total: progress(stage, done, total)
