"""Fine-tune: a language model tuned on a frozen bundle, at a provider or on this machine."""

from __future__ import annotations

import threading
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, InputError, StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_in_thread
from goldspan.annotation.tasks.workspace import Workspace, open_workspace
from goldspan.generators.journal.lock import is_running
from goldspan.training.bundle.lineage import find_bundle, find_newest_bundle
from goldspan.training.finetuning.engine import LOCAL, JobView
from goldspan.training.finetuning.folder import begin_run, name_run, open_tuning_run, read_status
from goldspan.training.finetuning.journal import TuningJournal
from goldspan.training.finetuning.plan import TuningPlan, plan_tuning
from goldspan.training.finetuning.run import OnJob, TuningOutcome, TuningSchedule, TuningSummary, drive, ignore_job
from goldspan.training.finetuning.settings import TuningSettings


def finetune(
    bundle: str | Path | None,
    settings: TuningSettings,
    *,
    run: str = "",
    labels_file: str | Path | None = None,
    data: str | Path | None = None,
    consent: bool = False,
    wait: bool = True,
    schedule: TuningSchedule | None = None,
    halt: threading.Event | None = None,
    on_job: OnJob = ignore_job,
) -> TuningSummary:
    """Train on a bundle's training split, or resume the run of that name, until the job ends.

    Nothing is uploaded or paid for twice, however often the call is interrupted and repeated.

    Args:
        bundle: its folder, or its name in the workspace; None: the newest.
        settings: what is trained, where, and what it may cost.
        run: name of the run; empty: the next number.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        consent: agree to the estimated price where `settings.max_cost` gives no bound.
        wait: False leaves the job with the provider and returns.
        schedule: times between polls, and how long to wait for a provider that does not answer.
        halt: set it to stop after the step at work.
        on_job: called whenever the job has changed.

    Raises:
        InputError: there is no such workspace, or the bundle or a row cannot be used.
        ConfigurationError: a setting is wrong, there is no key, no consent, or the provider takes no such job any more.
        StateError: another process drives the run, or it was begun with other settings.
        ServiceError: the provider cannot be used as things are; the same call resumes the run.
    """
    workspace, labels = open_workspace(data), load_labels(labels_file)
    plan = plan_tuning(choose_tuning_bundle(workspace, bundle), settings, labels, workspace.root)
    require_consent(plan, consent=consent)
    if excess := plan.find_excess():
        raise ConfigurationError(f"Nothing was sent: {excess}.")
    folder = begin_run(workspace, plan, run or name_run(workspace), {"yes": consent, "max_cost": settings.max_cost})
    return drive_run(folder, wait=wait, schedule=schedule, halt=halt, on_job=on_job)


finetune_async = run_in_thread(finetune)
"""`finetune` in a worker thread; set `halt` to end that thread's wait as well."""


def choose_tuning_bundle(workspace: Workspace, bundle: str | Path | None) -> Path:
    """The folder of a bundle by path or name; None: the newest of the workspace.

    Raises:
        InputError: there is none.
    """
    if bundle is not None:
        return find_bundle(workspace, bundle)
    if newest := find_newest_bundle(workspace):
        return newest
    raise InputError(f"{workspace.bundles} holds no bundle to train on. `goldspan bundle --name v1` makes one.")


def require_consent(plan: TuningPlan, *, consent: bool) -> None:
    """Refuse to send anything that costs money without a word from the user.

    Raises:
        ConfigurationError: there is neither consent nor a bound.
    """
    if plan.settings.provider == LOCAL or consent or plan.settings.max_cost is not None:
        return
    cost = f"about {plan.estimate.cost:.2f} USD" if plan.estimate.cost is not None else "an unknown amount"
    raise ConfigurationError(f"The run would cost {cost}. Agree with --yes, or give a bound with --max-cost.")


def drive_run(
    folder: Path,
    *,
    max_cost: float | None = None,
    wait: bool = True,
    schedule: TuningSchedule | None = None,
    halt: threading.Event | None = None,
    on_job: OnJob = ignore_job,
) -> TuningSummary:
    """Resume a run; of one that has ended, return the outcome again.

    Raises:
        StateError: another process drives it, or the provider no longer knows its job.
        ServiceError: the provider cannot be used as things are; the same call resumes the run.
    """
    if ended := read_outcome(folder):
        return ended
    with open_tuning_run(folder, max_cost=max_cost) as (journal, engine):
        return drive(engine, journal, wait=wait, schedule=schedule, halt=halt, on_job=on_job)


def read_outcome(folder: Path) -> TuningSummary | None:
    """The outcome of a run that has ended; None while it runs."""
    status = read_status(folder)
    if not status.outcome:
        return None
    predictor = status.settings.get("predictor") or {}
    outcome = TuningOutcome(status.outcome)
    return TuningSummary(status.run, outcome, status.job, status.quote, status.currency, status.job.message, predictor)


def cancel_tuning(
    folder: Path, *, schedule: TuningSchedule | None = None, on_job: OnJob = ignore_job
) -> TuningSummary | None:
    """Cancel a run at its provider; None if another process drives it and was asked to.

    The job may succeed before it can be cancelled: the outcome then is that it is done.

    Raises:
        StateError: the run has ended already.
    """
    if ended := read_outcome(folder):
        raise StateError(f"Run {folder.name} has ended already: {ended.outcome}. There is nothing to cancel.")
    with TuningJournal(folder) as journal:
        journal.write_settings({"cancelled": True})
        journal.write_event("cancel", "cancelling was asked for")
    if is_running(folder):
        return None
    with open_tuning_run(folder) as (journal, engine):
        return drive(engine, journal, schedule=schedule, on_job=on_job)


def describe_job(job: JobView) -> str:
    """Describe the state of a job in one line."""
    parts = [str(job.state)]
    if job.status and job.status.casefold() != job.state:
        parts.append(f"({job.status[:60]})")
    if job.steps:
        parts.append(f"step {job.step} of {job.steps}")
    return " ".join(parts) + (f": {job.message}" if job.message else "")
