"""Runs from start to end in one call: what the command line and other programs use."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.loops import run_sync
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.lock import is_driven
from goldspan.generators.providers.budget import Budget
from goldspan.generators.providers.credentials import find_key
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.executors import (
    OFFLINE,
    ExecutionOptions,
    find_prices,
    find_url,
    knows_prices,
    make_executor,
)
from goldspan.generators.runs.folder import OpenRun, open_run
from goldspan.generators.runs.pipeline import RunAction, Summary, draw_brief, drive, request_cancel
from goldspan.generators.runs.progress import Progress, read_progress
from goldspan.generators.runs.settings import RunSettings

_SHOW_EVERY = 0.5
_SHOW_SHARE = 20
"""Looking at a large journal takes a while: rest at least so many times as long."""
OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take in all, over all its processes: US dollars, and tokens of prompts and answers together.

    The run remembers them: a limit that is None here stays as it was.
    """

    max_cost: float | None = None
    max_tokens: int | None = None


def check_settings(settings: RunSettings, labels: LabelSchema, limits: Limits) -> None:
    """Refuse what could not be driven, before anything of it is on disk.

    Raises:
        InputError: a language, a label or the address makes no sense.
        ConfigurationError: there is no key, or no price for a limit in dollars.

    """
    draw_brief(settings, labels, 0)
    if settings.provider != OFFLINE:
        profile = find_profile(settings.provider)
        find_key(profile, find_url(settings, profile))
    _require_prices(settings, limits)


async def run_generation_async(
    workspace: Workspace,
    folder: Path,
    *,
    task: RunAction = RunAction.GO,
    working: ExecutionOptions | None = None,
    limits: Limits | None = None,
    labels_file: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Summary:
    """Drive the run in `folder` until it ends or waits; its samples go to `annotation_samples/<run>.jsonl`.

    The first Ctrl-C (or SIGTERM) takes no new rows and waits for those that were sent; the second stops at once.
    Either way nothing that was answered is lost.

    Raises:
        StateError: another process drives it, it was begun differently, or the disk refuses.
        ServiceError: the provider cannot be used as things are.

    """
    run = open_run(folder, labels_file, may_differ=task is RunAction.CANCEL)
    with run.journal:
        executor = make_executor(run, working or ExecutionOptions())
        budget = _make_budget(run, limits or Limits())
        path = workspace.annotation_samples / f"{folder.name}.jsonl"
        stop = asyncio.Event()
        with _stop_on_signals(stop), _show_progress(run, on_progress):
            return await drive(run, executor, path, budget, stop, task)


def run_generation(
    workspace: Workspace,
    folder: Path,
    *,
    task: RunAction = RunAction.GO,
    working: ExecutionOptions | None = None,
    limits: Limits | None = None,
    labels_file: Path | None = None,
    on_progress: OnProgress | None = None,
) -> Summary:
    """`run_generation_async` for callers that do not wait; also works where an event loop is running."""
    try:
        return run_sync(
            run_generation_async(
                workspace,
                folder,
                task=task,
                working=working,
                limits=limits,
                labels_file=labels_file,
                on_progress=on_progress,
            )
        )
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _make_budget(run: OpenRun, asked: Limits) -> Budget:
    stored = Limits(**run.journal.read_settings().get("limits", {}))
    limits = Limits(
        stored.max_cost if asked.max_cost is None else asked.max_cost,
        stored.max_tokens if asked.max_tokens is None else asked.max_tokens,
    )
    _require_prices(run.settings, limits)
    if limits != stored:
        run.journal.write_settings({"limits": asdict(limits)})
    return Budget(find_prices(run.settings), limits.max_cost, limits.max_tokens, run.journal.sum_totals())


def _require_prices(settings: RunSettings, limits: Limits) -> None:
    if limits.max_cost is not None and not knows_prices(settings):
        raise ConfigurationError(
            f"--max-cost cannot be kept: no prices are known for {settings.model}. "
            "Begin the run with --price-in and --price-out, or use --max-tokens."
        )


@contextlib.contextmanager
def _stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    loop, driver = asyncio.get_running_loop(), asyncio.current_task()

    def take_signal() -> None:
        if stop.is_set() and driver is not None:
            driver.cancel()
        stop.set()

    handled: list[signal.Signals] = []
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, take_signal)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _show_progress(run: OpenRun, on_progress: OnProgress | None) -> Iterator[None]:
    if on_progress is None:
        yield
        return

    async def show() -> None:
        while True:
            began = time.perf_counter()
            on_progress(read_progress(run.journal))
            await asyncio.sleep(max(_SHOW_EVERY, _SHOW_SHARE * (time.perf_counter() - began)))

    shower = asyncio.get_running_loop().create_task(show())
    try:
        yield
    finally:
        shower.cancel()
        on_progress(read_progress(run.journal))


def cancel_run(workspace: Workspace, folder: Path, working: ExecutionOptions | None = None) -> Summary | None:
    """Cancel a run at its provider and keep what came; None when another process drives it and was asked to.

    Raises:
        StateError: the run has already finished.

    """
    with Journal(folder) as journal:
        if read_progress(journal).finished:
            raise StateError(f"Run {folder.name} has already finished; there is nothing to cancel.")
        if is_driven(folder):
            request_cancel(journal)
            return None
    return run_generation(workspace, folder, task=RunAction.CANCEL, working=working)
