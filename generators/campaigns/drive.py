"""Run the runs of a campaign, several at a time; each keeps its own journal, and with it the promise of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from goldspan.annotation.errors import GoldspanError, StateError
from goldspan.annotation.files import explain_disk, make_private_folder
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.locks import try_lock
from goldspan.annotation.loops import run_interruptible
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.campaigns.budget import Spent, divide_limits
from goldspan.generators.campaigns.campaign import Campaign, CampaignRun, find_lock, read_campaign, write_campaign
from goldspan.generators.campaigns.status import CampaignStatus, read_run, read_status, sum_progress
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.novelty import list_known_files
from goldspan.generators.runs.pipeline import RunOutcome
from goldspan.generators.runs.progress import Progress
from goldspan.generators.runs.run import Limits, OnProgress, cancel_run, handle_signals, run_generation_async

PARALLEL = 8
"""Runs in batch mode that are at work at a time."""


@run_interruptible
async def run_campaign(
    workspace: Workspace,
    campaign: Campaign,
    *,
    parallel: int = PARALLEL,
    execution: ExecutionOptions | None = None,
    labels_file: Path | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[RunOutcome, CampaignStatus]:
    """Run what is missing until the campaign ends or waits; samples go to `annotation_samples/<run>.jsonl`.

    The first Ctrl-C (or SIGTERM) begins no other run, sends no new rows and waits for those that were sent; the second
    stops at once. Call it again to go on.

    Raises:
        StateError: another process is running it, or the settings of a run differ.
        ServiceError: the provider cannot be used as things are.
    """
    with _hold(workspace, campaign.name):
        driver = _Driver(workspace, campaign, execution or ExecutionOptions(), labels_file, on_progress)
        with handle_signals(driver.stop):
            outcomes = await driver.run(campaign.limit_parallel(parallel))
    status = read_status(workspace, read_campaign(workspace, campaign.name))
    return _name_outcome(status, outcomes), status


def cancel_campaign(workspace: Workspace, campaign: Campaign) -> CampaignStatus:
    """Begin no other run, and cancel those that are open at the provider; their answers are kept.

    Raises:
        StateError: every run has finished.
        GoldspanError: a run could not be cancelled; the others were tried all the same.
    """
    if read_status(workspace, campaign).total.finished:
        raise StateError(f"Campaign {campaign.name} has already finished; there is nothing to cancel.")
    write_campaign(workspace, replace(campaign, cancelled=True))
    errors: list[GoldspanError] = []
    for run in campaign.list_runs():
        progress = read_run(workspace, run)
        if progress and not progress.finished:
            try:
                cancel_run(workspace, workspace.runs / run.name)
            except GoldspanError as error:
                errors.append(error)
    if errors:
        raise errors[0]
    return read_status(workspace, read_campaign(workspace, campaign.name))


class _Driver:
    """Works through the runs of a campaign."""

    def __init__(
        self,
        workspace: Workspace,
        campaign: Campaign,
        execution: ExecutionOptions,
        labels_file: Path | None,
        on_progress: OnProgress | None,
    ) -> None:
        self.stop = asyncio.Event()
        self._workspace, self._campaign, self._execution = workspace, campaign, execution
        self._labels_file, self._on_progress = labels_file, on_progress
        self._labels = load_labels(labels_file or campaign.settings.labels_file or None)
        self._known = [path for path in list_known_files(workspace, Path()) if not _is_own(path, campaign)]
        self._progress: dict[str, Progress] = {}
        self._outcomes: dict[str, RunOutcome] = {}
        self._errors: list[GoldspanError] = []

    async def run(self, parallel: int) -> set[RunOutcome]:
        """Go through the open runs; again, with what is left of the budget, as long as runs finish meanwhile."""
        finished = -1
        while not self.stop.is_set() and finished < (now := self._count_finished()):
            finished = now
            waiting = iter(self._divide())
            await asyncio.gather(*(self._work(waiting) for _ in range(parallel)))
            if self._errors:
                raise self._errors[0]
            if RunOutcome.BUDGET not in self._outcomes.values():
                break
        return set(self._outcomes.values())

    def _count_finished(self) -> int:
        for run in self._campaign.list_runs():
            known = self._progress.get(run.name)
            if not (known and known.finished) and (progress := read_run(self._workspace, run)):
                self._progress[run.name] = progress
        return sum(progress.finished for progress in self._progress.values())

    def _divide(self) -> list[tuple[CampaignRun, Limits]]:
        """The open runs with their limits."""
        runs = list(self._campaign.list_runs())
        limits = divide_limits(self._campaign.limits, [self._read_spent(run) for run in runs])
        return [
            (run, limit)
            for run, limit in zip(runs, limits, strict=True)
            if not (run.name in self._progress and self._progress[run.name].finished)
        ]

    def _read_spent(self, run: CampaignRun) -> Spent:
        progress = self._progress.get(run.name)
        if progress is None:
            return Spent(0.0, 0, run.settings.samples)
        ended = progress.done + progress.dead
        left = 0 if progress.finished else max(1, run.settings.samples - ended)
        return Spent(progress.cost, progress.tokens_in + progress.tokens_out, left)

    async def _work(self, waiting: Iterator[tuple[CampaignRun, Limits]]) -> None:
        for run, limits in waiting:
            if self.stop.is_set() or read_campaign(self._workspace, self._campaign.name).cancelled:
                return
            try:
                self._outcomes[run.name] = await self._drive(run, limits)
            except GoldspanError as error:
                self._errors.append(error)
                self.stop.set()

    async def _drive(self, run: CampaignRun, limits: Limits) -> RunOutcome:
        folder = begin_run(self._workspace, run.settings, self._labels, run.name)
        stop = asyncio.Event()
        relay = asyncio.create_task(self._relay(stop))
        try:
            summary = await run_generation_async(
                self._workspace,
                folder,
                execution=self._execution,
                limits=limits,
                labels_file=self._labels_file,
                on_progress=self._note(run.name),
                stop=stop,
                known=self._known,
            )
        finally:
            relay.cancel()
        self._progress[run.name] = summary.progress
        return summary.outcome

    async def _relay(self, stop: asyncio.Event) -> None:
        """Stop a run with the campaign; a run that is cancelled alone sets its own event and stops nothing else."""
        await self.stop.wait()
        stop.set()

    def _note(self, name: str) -> Callable[[Progress], None] | None:
        if (show := self._on_progress) is None:
            return None

        def note(progress: Progress) -> None:
            self._progress[name] = progress
            show(sum_progress(self._campaign, list(self._progress.values())))

        return note


@contextmanager
def _hold(workspace: Workspace, name: str) -> Iterator[None]:
    """Hold the campaign for the block: one process runs it at a time."""
    path = find_lock(workspace, name)
    with explain_disk(path):
        make_private_folder(path.parent)
        lock = try_lock(path)
    if lock is None:
        raise StateError(
            f"Another process is running campaign {name}. `goldspan generate campaign status {name}` shows its "
            f"progress; `goldspan generate campaign cancel {name}` asks it to stop."
        )
    try:
        yield
    finally:
        lock.release()


def _is_own(path: Path, campaign: Campaign) -> bool:
    number = path.stem.removeprefix(f"{campaign.name}-")
    return number != path.stem and number.isdigit()


def _name_outcome(status: CampaignStatus, outcomes: set[RunOutcome]) -> RunOutcome:
    if status.total.finished:
        return RunOutcome.DEAD_LETTERS if status.total.dead else RunOutcome.DONE
    if status.campaign.cancelled:
        return RunOutcome.CANCELLED
    if status.total.batches_open:
        return RunOutcome.WAITING
    return RunOutcome.BUDGET if RunOutcome.BUDGET in outcomes else RunOutcome.STOPPED
