"""The pipeline of a run: rows to an executor, answers through the stages, finished items to samples."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import GoldspanError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import ERASED
from goldspan.generators.providers.budget import Budget
from goldspan.generators.providers.protocol import Executor
from goldspan.generators.runs.folder import OpenRun
from goldspan.generators.runs.novelty import NoveltyCheck
from goldspan.generators.runs.output import DEAD_LETTERS, OutputCounts, write_output
from goldspan.generators.runs.progress import Progress, read_progress
from goldspan.generators.runs.queue import PipelineQueue, Workload
from goldspan.generators.runs.seed_texts import read_passages
from goldspan.generators.runs.settings import RunSettings

_VARIANT_SEED = 1_000_003
_POLL_SECONDS = 1.0
"""Seconds between two checks for a cancel request."""


class RunOutcome(StrEnum):
    """Outcome of running a run."""

    DONE = "done"
    DEAD_LETTERS = "dead letters"
    WAITING = "waiting"
    BUDGET = "budget"
    CANCELLED = "cancelled"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Summary:
    """Result of a run: `samples` is the file of samples, `dead_letters` that of the items given up."""

    outcome: RunOutcome
    progress: Progress
    written: OutputCounts
    samples: Path
    dead_letters: Path

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "outcome": self.outcome.value,
            **self.progress.to_dict(),
            "written": self.written.samples,
            "duplicates": self.written.duplicates,
            "samples_file": str(self.samples),
            "dead_letters_file": str(self.dead_letters) if self.written.dead else None,
        }


def draw_brief(settings: RunSettings, labels: LabelSchema, item: int, variant: int = 0) -> dict[str, Any]:
    """The brief of an item: its spec as JSON, with a direction and an example for models.

    Decided by the run's seed, its plan, its files, the item's number and the variant alone. Variants have the same
    values, with another direction and another example. The brief of a paraphrase names the sample as
    `source_document`.
    """
    from goldspan.generators.runs.content import write_content_fields
    from goldspan.generators.specs.documents import list_document_types
    from goldspan.generators.specs.draw import draw_spec
    from goldspan.generators.specs.spec import SpecConstraints, spec_to_dict

    types = list_document_types(labels)
    if settings.paraphrase_file:
        from goldspan.generators.runs.paraphrases import draw_paraphrase

        spec, source = draw_paraphrase(settings, labels, item, types)
        spec = replace(spec, seed=spec.seed + variant * _VARIANT_SEED)
        return spec_to_dict(spec) | write_content_fields(spec, settings, labels) | {"source_document": source}
    wanted = None
    if settings.plan is not None:
        cell = settings.plan.find_cell(item)
        wanted = SpecConstraints(language=cell.language, document_type=cell.document_type, labels=cell.labels)
    spec = draw_spec(
        settings.seed,
        item,
        settings.languages,
        labels,
        wanted=wanted,
        document_types=types,
        families=settings.phrase_families,
    )
    spec = replace(spec, seed=spec.seed + variant * _VARIANT_SEED)
    return spec_to_dict(spec) | write_content_fields(spec, settings, labels)


class RunAction(StrEnum):
    """What to do with a run.

    GO asks what is missing; RETRY first opens dead items again, each with a new budget of attempts;
    RECONCILE only collects what the provider has; CANCEL cancels at the provider and keeps the answers; ABANDON forgets
    what is open at the provider, whose rows may then be paid twice.
    """

    GO = "go"
    RETRY = "retry"
    RECONCILE = "reconcile"
    CANCEL = "cancel"
    ABANDON = "abandon"

    @property
    def asks(self) -> bool:
        """True if requests may be sent."""
        return self in {RunAction.GO, RunAction.RETRY}

    @property
    def ends_run(self) -> bool:
        """True if nothing is asked and the run is cancelled."""
        return self in {RunAction.CANCEL, RunAction.ABANDON}


async def run_pipeline(
    run: OpenRun,
    executor: Executor,
    samples: Path,
    budget: Budget,
    stop: asyncio.Event,
    action: RunAction = RunAction.GO,
    known: Sequence[Path] = (),
) -> Summary:
    """Run until the run ends, waits, or `stop` is set; then write the finished samples.

    Drafts must be new against the samples in the files `known`.

    However it ends, everything that was answered is in the journal and the run can be resumed.

    Raises:
        GoldspanError: what the executor raised, after the finished items were written.
    """
    journal, settings, labels = run
    is_changed = journal.read_settings()["parts"] != settings.parts(labels)
    work = Workload(
        settings.samples,
        settings.build_stages(labels),
        labels,
        partial(draw_brief, settings, labels),
        settings.attempts,
        None if action.ends_run else _check_novelty(run, known),
        is_trusted=settings.provider == "offline",
        is_changed=is_changed,
    )
    queue = PipelineQueue(journal, work, budget)
    if action is not RunAction.RECONCILE:
        journal.write_settings({"cancelled": action.ends_run})
    if action is RunAction.RETRY:
        queue.revive_dead()
    watcher = asyncio.create_task(_poll_for_cancel(journal, queue, stop))
    try:
        if work.novelty:
            await work.novelty.prepare()
        if action is RunAction.RECONCILE:
            await executor.reconcile(queue)
        elif action is RunAction.ABANDON:
            await executor.abandon(queue)
        else:
            if action is not RunAction.CANCEL:
                await executor.run(queue, stop)
            if journal.read_settings()["cancelled"]:
                await executor.cancel(queue)
    except GoldspanError:
        if not is_changed:
            with contextlib.suppress(StateError):
                _write(run, samples)
        raise
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)
    written = _count_written(run, samples) if is_changed else _write(run, samples)
    progress = read_progress(journal)
    outcome = name_outcome(progress, queue)
    journal.write_event("stopped", f"{outcome}: {progress.done} done, {progress.dead} dead letters")
    return Summary(outcome, progress, written, samples, journal.folder / DEAD_LETTERS)


def _check_novelty(run: OpenRun, known: Sequence[Path]) -> NoveltyCheck | None:
    """The offline author writes by its values alone and cannot be asked differently."""
    journal, settings, labels = run
    if settings.provider == "offline" or settings.novelty <= 0:
        return None
    passages = read_passages(Path(settings.seeds), labels) if settings.seeds else ()
    return NoveltyCheck(journal, labels, settings.novelty, known, [text for _, text in passages])


def _write(run: OpenRun, samples: Path) -> OutputCounts:
    journal, settings, labels = run
    ended = journal.count_items()
    try:
        written = write_output(journal, settings, labels, samples)
    except StateError as error:
        raise StateError(
            f"{error} Everything answered is kept; fix that, then `goldspan generate resume {journal.run_id}`."
        ) from error
    journal.write_settings({"written": sum(ended.get(state, 0) for state in ("done", "dead", ERASED))})
    return written


def _count_written(run: OpenRun, samples: Path) -> OutputCounts:
    """What the files of a run hold whose labels have changed since: they cannot be written anew."""
    dead = run.journal.folder / DEAD_LETTERS
    counts = [len(path.read_bytes().splitlines()) if path.exists() else 0 for path in (samples, dead)]
    return OutputCounts(counts[0], 0, counts[1])


async def _poll_for_cancel(journal: Journal, queue: PipelineQueue, stop: asyncio.Event) -> None:
    while not stop.is_set():
        if journal.read_settings().get("cancelled"):
            stop.set()
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _POLL_SECONDS)
    queue.stop("stop")


def name_outcome(progress: Progress, queue: PipelineQueue) -> RunOutcome:
    """The outcome according to the journal."""
    if progress.finished:
        return RunOutcome.DEAD_LETTERS if progress.dead else RunOutcome.DONE
    if progress.state == "cancelled":
        return RunOutcome.CANCELLED
    if queue.stopped_by == "budget" and not progress.batches_open:
        return RunOutcome.BUDGET
    return RunOutcome.WAITING if progress.batches_open else RunOutcome.STOPPED


def request_cancel(journal: Journal) -> None:
    """Ask the process that runs it, now or next, to cancel it at the provider."""
    journal.write_settings({"cancelled": True})
    journal.write_event("cancel", "cancelling was asked for")
