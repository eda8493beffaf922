"""Messages and checkpoints of a running job, in the form that all providers share."""

from __future__ import annotations

from typing import Any, NamedTuple

from goldspan.generators.simulator.faults import draw_number
from goldspan.generators.simulator.tuning.phases import Phase, SimulatedJob

STEPS = 30
"""Steps of every simulated job."""
_SHOWN_STEPS = (10, 20, 30)
_ORDER = (Phase.QUEUED, Phase.RUNNING, Phase.FINISHING, Phase.SUCCEEDED)


class Said(NamedTuple):
    """One message; `step` is 0 for what is no measurement."""

    id: str
    at: float
    kind: str
    message: str
    step: int = 0
    loss: float = 0.0


def list_said(job: SimulatedJob, now: float) -> list[Said]:
    """The messages of a job so far, oldest first, unless a fault repeats or shuffles them."""
    said = [Said(f"{job.id}-0", job.created_at, "created", "Job was created.")]
    phase = job.find_phase(now)
    if phase is Phase.INVALID:
        said.append(Said(f"{job.id}-1", job.reach("ready"), "error", describe_failure(job)))
    for number, name in enumerate(_ORDER, 2):
        begins = job.reach(name)
        is_stopped = bool(job.cancelled_at) and begins > job.cancelled_at
        if phase is Phase.INVALID or now < begins or is_stopped or (name is Phase.SUCCEEDED and phase is not name):
            break
        said.append(Said(f"{job.id}-{number}", begins, name.value, f"Job is {name.value}."))
        if name is Phase.RUNNING:
            said += _list_steps(job, now)
    if phase is Phase.FAILED:
        said.append(Said(f"{job.id}-8", job.reach("finishing"), "error", describe_failure(job)))
    if phase is Phase.CANCELLED:
        said.append(Said(f"{job.id}-9", job.cancelled_at, "cancelled", "Job was cancelled."))
    if "repeated_events" in job.faults:
        said = [entry for entry in said for _ in range(2)]
    if "shuffled_events" in job.faults:
        said.sort(key=lambda entry: draw_number(1, entry.id, entry.step))
    return said


def _list_steps(job: SimulatedJob, now: float) -> list[Said]:
    begin, end = job.reach("running"), job.reach("finishing")
    shown = [(step, begin + (end - begin) * step / STEPS) for step in _SHOWN_STEPS]
    return [
        Said(f"{job.id}-step-{step}", at, "metrics", f"Step {step}/{STEPS}", step, round(2.0 / (1 + step), 4))
        for step, at in shown
        if at <= now and (not job.cancelled_at or at <= job.cancelled_at)
    ]


def list_steps(job: SimulatedJob, now: float) -> list[Said]:
    """The measured steps so far: a checkpoint was kept at each."""
    return _list_steps(job, now) if now >= job.reach("running") else []


def describe_failure(job: SimulatedJob) -> str:
    """Why a job failed."""
    if job.problems:
        return f"The training file is invalid: {'; '.join(job.problems)}."
    return "Training failed: the loss is not finite."


def make_error(job: SimulatedJob, phase: Phase) -> dict[str, Any] | None:
    """The error object of a job that failed."""
    if phase not in {Phase.INVALID, Phase.FAILED}:
        return None
    code = "invalid_training_file" if phase is Phase.INVALID else "training_failed"
    return {"code": code, "message": describe_failure(job), "param": "training_file" if job.problems else None}
