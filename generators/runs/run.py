"""Run generation from start to end in one call: the API behind the command line."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from goldspan.annotation.configuration import require_least
from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.annotation.labels.values import list_known_values
from goldspan.annotation.loops import run_interruptible
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.lock import is_running
from goldspan.generators.offline.sentences import check_phrases
from goldspan.generators.providers.budget import Budget
from goldspan.generators.providers.credentials import find_key
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.content import find_missing
from goldspan.generators.runs.executors import (
    OFFLINE,
    ExecutionOptions,
    find_prices,
    find_url,
    knows_prices,
    make_executor,
)
from goldspan.generators.runs.folder import OpenRun, open_run
from goldspan.generators.runs.novelty import list_known_files
from goldspan.generators.runs.pipeline import RunAction, Summary, draw_brief, request_cancel, run_pipeline
from goldspan.generators.runs.progress import Progress, read_progress
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.surrogates.sources import MODEL

_PROGRESS_SECONDS = 0.5
_SHOW_SHARE = 20
"""Reading progress of a large journal takes a while: pause at least this many times as long."""
OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may take in all, over all its processes: US dollars, and tokens of prompts and answers together.

    The run remembers them: a limit that is None here stays as it was.
    """

    max_cost: float | None = None
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        """Refuse bounds that bound nothing.

        Raises:
            ConfigurationError: one is negative or not finite.
        """
        require_least("the limits of a run", self, {"max_cost": 0, "max_tokens": 0})


def check_settings(settings: RunSettings, labels: LabelSchema, limits: Limits) -> None:
    """Check settings before anything is written to disk.

    Raises:
        InputError: a language, a label or the address makes no sense, or own texts have nothing to show, or the
            project's phrases do not fit its labels.
        ConfigurationError: there is no key, or no price for a limit in dollars.
    """
    check_phrases(labels)
    draw_brief(settings, labels, 0)
    if settings.provider == OFFLINE:
        _require_written_values(settings, labels)
    else:
        find_missing(settings, labels)
        _require_values(settings, labels)
        profile = find_profile(settings.provider)
        find_key(profile, find_url(settings, profile))
    _require_prices(settings, limits)


async def run_generation_async(
    workspace: Workspace,
    folder: Path,
    *,
    action: RunAction = RunAction.GO,
    execution: ExecutionOptions | None = None,
    limits: Limits | None = None,
    labels_file: Path | None = None,
    on_progress: OnProgress | None = None,
    stop: asyncio.Event | None = None,
    known: Sequence[Path] | None = None,
) -> Summary:
    """Run the run in `folder` until it ends or waits; its samples go to `annotation_samples/<run>.jsonl`.

    The first Ctrl-C (or SIGTERM) takes no new rows and waits for those that were sent; the second stops at once.
    Either way nothing that was answered is lost. With `stop`, the caller handles signals and sets it instead.
    Drafts must be new against the samples of the workspace, or of the files `known`.

    Raises:
        StateError: another process is running it, its settings differ, or the disk cannot be written.
        ServiceError: the provider cannot be used as things are.
    """
    run = open_run(folder, labels_file, may_differ=action.ends_run)
    with run.journal:
        executor = make_executor(run, execution or ExecutionOptions())
        budget = _make_budget(run, limits or Limits(), asks=action.asks)
        path = workspace.annotation_samples / f"{folder.name}.jsonl"
        files = list_known_files(workspace, path) if known is None else known
        handled = nullcontext(stop) if stop else handle_signals(asyncio.Event())
        with handled as stopped, _show_progress(run, on_progress):
            return await run_pipeline(run, executor, path, budget, stopped, action, files)


run_generation = run_interruptible(run_generation_async)


def _make_budget(run: OpenRun, asked: Limits, *, asks: bool) -> Budget:
    stored = Limits(**run.journal.read_settings().get("limits", {}))
    limits = Limits(
        stored.max_cost if asked.max_cost is None else asked.max_cost,
        stored.max_tokens if asked.max_tokens is None else asked.max_tokens,
    )
    if asks:
        _require_prices(run.settings, limits)
    if limits != stored:
        run.journal.write_settings({"limits": asdict(limits)})
    journal = run.journal
    spent, outputs = journal.sum_totals(), journal.sum_outputs()
    return Budget(find_prices(run.settings), limits.max_cost, limits.max_tokens, spent, outputs)


def _list_asked(settings: RunSettings, labels: LabelSchema) -> list[Label]:
    """The labels that a brief of the run may hold."""
    planned = {code for cell in settings.plan.cells for code in cell.labels} if settings.plan else set()
    return [label for label in labels.entities if label.chance > 0 or label.code in planned]


def _require_written_values(settings: RunSettings, labels: LabelSchema) -> None:
    """Refuse offline texts without the entities that only a language model could think of."""
    invented = [
        label.code for label in _list_asked(settings, labels) if label.values == MODEL and not list_known_values(label)
    ]
    if invented:
        raise ConfigurationError(
            f"The offline author knows no value for {', '.join(invented)}: the label schema leaves them to a language "
            "model. Give each label `terms`, a `pattern` or `examples` in the label schema, or set its `chance` to 0, "
            "or generate with a model: --provider openai, doubleword or compatible."
        )


def _require_values(settings: RunSettings, labels: LabelSchema) -> None:
    """Refuse to pay for texts with made-up values: a model is told to use every value of its brief literally."""
    from goldspan.generators.surrogates.values import has_value_source

    without = [label.code for label in _list_asked(settings, labels) if not has_value_source(label)]
    if without:
        raise ConfigurationError(
            f"There is no source of values for {', '.join(without)}: briefs would hold made-up codes, which a model "
            "would write literally. Set `values` of the label in the label schema to pattern, list, faker, model or "
            "function, or give it a hint with an example number such as `MRN-123456`, or set its `chance` to 0. "
            "`--provider offline` shows what would come out."
        )


def _require_prices(settings: RunSettings, limits: Limits) -> None:
    if limits.max_cost is not None and not knows_prices(settings):
        raise ConfigurationError(
            f"--max-cost cannot be kept: no prices are known for {settings.model}. "
            "Begin the run with --price-in and --price-out, or use --max-tokens."
        )


@contextmanager
def handle_signals(stop: asyncio.Event) -> Iterator[asyncio.Event]:
    """Set `stop` at the first Ctrl-C or SIGTERM of the block; cancel the task that entered it at the second.

    A terminal that closes (SIGHUP) is the same, unless the process was told to outlive it (`nohup`).
    """
    loop, driver = asyncio.get_running_loop(), asyncio.current_task()

    def take_signal() -> None:
        if stop.is_set() and driver is not None:
            driver.cancel()
        stop.set()

    handled: list[signal.Signals] = []
    with suppress(AttributeError, NotImplementedError, RuntimeError, ValueError):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue
            loop.add_signal_handler(number, take_signal)
            handled.append(number)
    try:
        yield stop
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


@contextmanager
def _show_progress(run: OpenRun, on_progress: OnProgress | None) -> Iterator[None]:
    if on_progress is None:
        yield
        return

    async def show() -> None:
        while True:
            began = time.perf_counter()
            on_progress(read_progress(run.journal))
            await asyncio.sleep(max(_PROGRESS_SECONDS, _SHOW_SHARE * (time.perf_counter() - began)))

    shower = asyncio.get_running_loop().create_task(show())
    try:
        yield
    finally:
        shower.cancel()
        on_progress(read_progress(run.journal))


def cancel_run(workspace: Workspace, folder: Path, *, abandon: bool = False) -> Summary | None:
    """Cancel a run at its provider and keep its answers; None if another process is running it and was asked to cancel.

    `abandon` asks the provider nothing: for batches that it no longer answers for. Their rows may be paid twice.

    Raises:
        StateError: the run has already finished.
    """
    with Journal(folder) as journal:
        if read_progress(journal).finished:
            raise StateError(f"Run {folder.name} has already finished; there is nothing to cancel.")
        if is_running(folder):
            request_cancel(journal)
            return None
    action = RunAction.ABANDON if abandon else RunAction.CANCEL
    return run_generation(workspace, folder, action=action)
