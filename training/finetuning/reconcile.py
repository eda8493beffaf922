"""Jobs of a run at its provider, after a crash or a lost reply: find them, keep one, describe their state."""

from __future__ import annotations

from dataclasses import dataclass

from goldspan.generators.providers.tuning.values import JobState, RemoteJob, RowProblem
from goldspan.generators.providers.tuning.wire import TuningWire
from goldspan.training.finetuning.engine import JobView
from goldspan.training.finetuning.journal import JobRecord, TuningJournal
from goldspan.training.finetuning.settings import TuningOrder


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `grace`: how long a job whose reply was lost may be missing from the list before it is created again.

    `vanish`: how long a job that was there may be unknown to the provider before the run gives up.
    """

    grace: float = 600.0
    vanish: float = 3600.0


def find_jobs(wire: TuningWire, order: TuningOrder, journal: TuningJournal) -> list[RemoteJob]:
    """The jobs of this run at the provider, oldest first: those with its marker, or of its training file."""
    training = {file.file_id for file in journal.list_files() if file.role == "train"} - {""}
    jobs = [job for job in wire.list_jobs() if job.carries(order.marker) or job.files & training]
    return sorted(jobs, key=lambda job: (job.created_at, job.id))


def keep_one(wire: TuningWire, journal: TuningJournal, found: list[RemoteJob], keep: str = "") -> RemoteJob:
    """The job to adopt: `keep`, else the oldest that runs. The others are cancelled."""
    jobs = list({job.id: job for job in found}.values())
    living = [job for job in jobs if job.state not in {JobState.CANCELLED, JobState.CANCELLING, JobState.FAILED}]
    chosen = next((job for job in jobs if job.id == keep), (living or jobs)[0])
    for job in living:
        if job.id != chosen.id and not job.state.is_final:
            wire.cancel(job.id)
            journal.write_event("cancelled twin", f"Job {job.id} was created twice and is cancelled.")
    return chosen


def view_record(record: JobRecord) -> JobView:
    """The job as the journal knows it."""
    return JobView(
        state=JobState(record.state) if record.state else JobState.CHECKING,
        status=record.status,
        job_id=record.job_id,
        message=record.message,
        output_model=record.output_model,
        trained_tokens=record.trained_tokens,
        problems=tuple(RowProblem(line, said) for line, said in record.problems),
    )


def view_adopted(record: JobRecord) -> JobView:
    """A job that was just created or found. It may have ended already: the next poll says so, with its result."""
    return JobView(JobState.CHECKING, record.status, record.job_id)


def view_lost(record: JobRecord, state: JobState) -> JobView:
    """A job that may have been created: nobody has said so."""
    return JobView(state, record.status, message="the reply was lost; the job is looked for before it is created again")
