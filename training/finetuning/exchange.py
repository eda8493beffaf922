"""What a run says to a provider, and what its journal keeps of the replies."""

from __future__ import annotations

import time

from goldspan.annotation.errors import ServiceError, TerminalServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.providers.tuning.profiles import TuningProfile
from goldspan.generators.providers.tuning.values import JobRequest, JobState, RemoteJob
from goldspan.training.finetuning.journal import SUBMITTED, JobRecord, TuningJournal
from goldspan.training.finetuning.settings import TuningOrder

GONE = frozenset({404, 410})
"""HTTP statuses of what a provider has no more."""


def make_request(order: TuningOrder, journal: TuningJournal) -> JobRequest:
    """The job of an order, over the files that were uploaded."""
    files = {file.role: file.file_id for file in journal.list_files()}
    return JobRequest(
        order.model,
        files["train"],
        files.get("validation", ""),
        order.marker,
        order.run,
        order.epochs,
        order.seed,
        order.learning_rate,
    )


def record_adoption(journal: TuningJournal, job: RemoteJob) -> JobRecord:
    """Keep a job as that of the run."""
    record = journal.update_job(
        phase=SUBMITTED, job_id=job.id, state=job.state, status=job.status, moved_at=time.time()
    )
    failpoint("job-recorded")
    return record


def record_state(journal: TuningJournal, record: JobRecord, job: RemoteJob) -> JobRecord:
    """Record the state of the job of the run."""
    return journal.update_job(
        state=job.state,
        status=job.status,
        moved_at=time.time() if job.status != record.status else record.moved_at,
        expected_end=job.expected_end,
        quote=record.quote if job.quote is None else job.quote,
        currency=job.currency if job.quote is not None else record.currency,
        output_model=job.output_model if job.state is JobState.SUCCEEDED else "",
        trained_tokens=job.trained_tokens,
        message=job.message,
        problems=tuple((problem.line, problem.message) for problem in job.problems),
    )


def explain_refusal(profile: TuningProfile, error: TerminalServiceError) -> ServiceError:
    """The error with what is known of the end of the provider's fine-tuning, where that may be its reason."""
    if error.status not in {403, *GONE}:
        return error
    closing = ""
    if profile.closes:
        closing = f" {profile.name} takes no fine-tuning jobs from {profile.closes} on, and fewer before."
    elif profile.deprecated:
        closing = f" {profile.name} has not supported fine-tuning since {profile.deprecated}."
    return TerminalServiceError(f"{error}{closing}", error.status)
