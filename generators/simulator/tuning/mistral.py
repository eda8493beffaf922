"""Mistral's fine-tuning endpoints (legacy)."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.tuning.events import describe_failure, list_said, list_steps
from goldspan.generators.simulator.tuning.jobs import (
    add_job,
    find_tuning_file,
    list_jobs,
    price_job,
    read_clock,
    require_model,
    start_job,
)
from goldspan.generators.simulator.tuning.phases import Phase, SimulatedJob
from goldspan.generators.simulator.tuning.single import make_handler, make_job_routes

_WORDS = {
    Phase.CHECKING: "VALIDATING",
    Phase.READY: "VALIDATED",
    Phase.QUEUED: "STARTED",
    Phase.RUNNING: "RUNNING",
    Phase.FINISHING: "RUNNING",
    Phase.SUCCEEDED: "SUCCESS",
    Phase.INVALID: "FAILED_VALIDATION",
    Phase.FAILED: "FAILED",
    Phase.CANCELLING: "CANCELLATION_REQUESTED",
    Phase.CANCELLED: "CANCELLED",
    Phase.ODD: "REBALANCING",
}
_QUOTED = frozenset(_WORDS) - {Phase.CHECKING, Phase.INVALID}


async def create_job(request: Request) -> Response:
    """Create a job; with `auto_start` false it halts once it is validated."""
    state, body = get_state(request), orjson.loads(await request.body())
    model = require_model(state, body.get("model"))
    training = [file.get("file_id") for file in body.get("training_files") or [] if isinstance(file, dict)]
    if not training:
        raise ApiError(422, "training_files: at least one file is needed.", "invalid_request")
    validation = body.get("validation_files") or []
    for file_id in (*training, *validation):
        find_tuning_file(state, file_id, "training_files")
    order = {
        "epochs": (body.get("hyperparameters") or {}).get("epochs") or 1,
        "suffix": body.get("suffix"),
        "hyperparameters": body.get("hyperparameters"),
        "auto_start": body.get("auto_start", True),
    }
    files = (str(training[0]), str(validation[0]) if validation else "")
    job = add_job(state, model, files, body.get("suffix") or "", order, starts=bool(order["auto_start"]))
    return JSONResponse(_show(job, state))


async def list_all(request: Request) -> Response:
    """Jobs, the newest first, by number of page."""
    state, query = get_state(request), request.query_params
    size, number = int(query.get("page_size", 100)), int(query.get("page", 0))
    jobs = list_jobs(state, read_clock(state))
    shown = jobs[number * size : (number + 1) * size]
    documents = [_show(job, state) for job in shown]
    return JSONResponse({"object": "list", "data": documents, "total": len(jobs)})


def make_routes() -> list[Route]:
    """The fine-tuning routes of Mistral."""
    one = "/v1/fine_tuning/jobs/{job_id}"
    return [
        Route("/v1/fine_tuning/jobs", guard("tune_create", create_job), methods=["POST"]),
        Route("/v1/fine_tuning/jobs", guard("tune_list", list_all), methods=["GET"]),
        *make_job_routes(one, _show_detailed),
        Route(f"{one}/start", guard("tune_start", make_handler(_show_detailed, start_job)), methods=["POST"]),
    ]


def name_model(job: SimulatedJob) -> str:
    """The name of the tuned model."""
    return f"ft:{job.model}:simulated:{job.order.get('suffix') or ''}:{job.id[-8:]}"


def _show(job: SimulatedJob, state: SimulatorState) -> dict[str, Any]:
    return _show_at(job, state, read_clock(state))


def _show_detailed(job: SimulatedJob, state: SimulatorState) -> dict[str, Any]:
    now = read_clock(state)
    events = _list_events(job, job.find_phase(now), now)
    return _show_at(job, state, now) | {"events": events, "checkpoints": _list_checkpoints(job, now)}


def _show_at(job: SimulatedJob, state: SimulatorState, now: float) -> dict[str, Any]:
    phase = job.find_phase(now)
    quote = {
        "cost": price_job(state, job),
        "cost_currency": "USD",
        "expected_duration_seconds": int(job.seconds),
        "train_tokens": job.tokens * job.epochs,
        "data_tokens": job.tokens,
    }
    return {
        "id": job.id,
        "object": "job",
        "job_type": "completion",
        "created_at": int(job.created_at),
        "modified_at": int(now),
        "model": job.model,
        "status": _WORDS[phase],
        "auto_start": job.order.get("auto_start"),
        "hyperparameters": job.order.get("hyperparameters"),
        "training_files": [job.training_file],
        "validation_files": [job.validation_file] if job.validation_file else [],
        "suffix": job.order.get("suffix"),
        "fine_tuned_model": name_model(job) if phase is Phase.SUCCEEDED else None,
        "trained_tokens": job.tokens * job.epochs if phase is Phase.SUCCEEDED else None,
        "metadata": quote if phase in _QUOTED else None,
    }


def _list_events(job: SimulatedJob, phase: Phase, now: float) -> list[dict[str, Any]]:
    failure = describe_failure(job) if phase in {Phase.INVALID, Phase.FAILED} else ""
    return [
        {
            "name": "status-updated" if not entry.step else "metrics",
            "created_at": int(entry.at),
            "data": {"error": failure} if entry.kind == "error" else {"status": entry.message, "step": entry.step},
        }
        for entry in list_said(job, now)
    ]


def _list_checkpoints(job: SimulatedJob, now: float) -> list[dict[str, Any]]:
    return [
        {"metrics": {"train_loss": entry.loss}, "step_number": entry.step, "created_at": int(entry.at)}
        for entry in list_steps(job, now)
    ]
