"""OpenAI's fine-tuning endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.tuning.events import Said, list_said, list_steps, make_error
from goldspan.generators.simulator.tuning.jobs import (
    add_job,
    find_job,
    find_tuning_file,
    list_jobs,
    read_clock,
    require_model,
)
from goldspan.generators.simulator.tuning.phases import Phase, SimulatedJob
from goldspan.generators.simulator.tuning.single import make_job_routes

_WORDS = {
    Phase.CHECKING: "validating_files",
    Phase.READY: "queued",
    Phase.QUEUED: "queued",
    Phase.RUNNING: "running",
    Phase.FINISHING: "running",
    Phase.SUCCEEDED: "succeeded",
    Phase.INVALID: "failed",
    Phase.FAILED: "failed",
    Phase.CANCELLING: "running",
    Phase.CANCELLED: "cancelled",
    Phase.ODD: "rebalancing_capacity",
}


async def create_job(request: Request) -> Response:
    """Create a job; it starts by itself."""
    state, body = get_state(request), orjson.loads(await request.body())
    model = require_model(state, body.get("model"))
    training = find_tuning_file(state, body.get("training_file"), "training_file")
    validation = body.get("validation_file") or ""
    if validation:
        find_tuning_file(state, validation, "validation_file")
    method = body.get("method") or {}
    hyperparameters = (method.get(method.get("type", "")) or {}).get("hyperparameters") or {}
    epochs = hyperparameters.get("n_epochs") or 3
    order = {
        "epochs": 3 if epochs == "auto" else epochs,
        "suffix": body.get("suffix"),
        "metadata": body.get("metadata"),
        "seed": body.get("seed"),
        "method": method,
    }
    marker = (body.get("metadata") or {}).get("goldspan_run") or body.get("suffix") or ""
    job = add_job(state, model, (training["id"], str(validation)), marker, order, starts=True)
    return JSONResponse(_show(job, state))


async def list_all(request: Request) -> Response:
    """Jobs, the newest first, in pages."""
    state = get_state(request)
    now = read_clock(state)
    return _page(request, [_show(job, state) for job in list_jobs(state, now)])


async def list_events(request: Request) -> Response:
    """Messages about a job, the newest first, in pages."""
    state = get_state(request)
    job = find_job(state, request.path_params["job_id"])
    said = list_said(job, read_clock(state))
    return _page(request, [_show_event(entry) for entry in reversed(said)])


async def list_checkpoints(request: Request) -> Response:
    """Checkpoints of a job, in pages."""
    state = get_state(request)
    job = find_job(state, request.path_params["job_id"])
    steps = list_steps(job, read_clock(state))
    documents = [
        {
            "id": f"ftckpt_{entry.id}",
            "object": "fine_tuning.job.checkpoint",
            "created_at": int(entry.at),
            "fine_tuned_model_checkpoint": f"{name_model(job)}:ckpt-step-{entry.step}",
            "step_number": entry.step,
            "fine_tuning_job_id": job.id,
            "metrics": {"step": entry.step, "train_loss": entry.loss},
        }
        for entry in steps
    ]
    return _page(request, documents)


def make_routes() -> list[Route]:
    """The fine-tuning routes of OpenAI."""
    one = "/v1/fine_tuning/jobs/{job_id}"
    return [
        Route("/v1/fine_tuning/jobs", guard("tune_create", create_job), methods=["POST"]),
        Route("/v1/fine_tuning/jobs", guard("tune_list", list_all), methods=["GET"]),
        *make_job_routes(one, _show),
        Route(f"{one}/events", guard("tune_events", list_events), methods=["GET"]),
        Route(f"{one}/checkpoints", guard("tune_events", list_checkpoints), methods=["GET"]),
    ]


def name_model(job: SimulatedJob) -> str:
    """The name of the tuned model."""
    return f"ft:{job.model}:goldspan:{job.order.get('suffix') or ''}:{job.id[-8:]}"


def _show(job: SimulatedJob, state: SimulatorState) -> dict[str, Any]:
    now = read_clock(state)
    phase = job.find_phase(now)
    is_done = phase is Phase.SUCCEEDED
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": int(job.created_at),
        "model": job.model,
        "status": _WORDS[phase],
        "fine_tuned_model": name_model(job) if is_done else None,
        "finished_at": int(job.reach("succeeded")) if is_done else None,
        "estimated_finish": int(job.reach("succeeded")) if phase is Phase.RUNNING else None,
        "trained_tokens": job.tokens * job.epochs if is_done else None,
        "error": make_error(job, phase) or {"code": None, "message": None, "param": None},
        "training_file": job.training_file,
        "validation_file": job.validation_file or None,
        "result_files": [],
        "hyperparameters": {"n_epochs": job.epochs},
        "seed": job.order.get("seed"),
        "method": job.order.get("method"),
        "metadata": job.order.get("metadata"),
        "user_provided_suffix": job.order.get("suffix"),
        "organization_id": "org-simulated",
        "integrations": [],
    }


def _show_event(entry: Said) -> dict[str, Any]:
    data = {"step": entry.step, "train_loss": entry.loss} if entry.step else {}
    return {
        "id": f"ftevent-{entry.id}",
        "object": "fine_tuning.job.event",
        "created_at": int(entry.at),
        "level": "error" if entry.kind == "error" else "info",
        "message": entry.message,
        "type": "metrics" if entry.step else "message",
        "data": data,
    }


def _page(request: Request, documents: Sequence[dict[str, Any]]) -> Response:
    query = request.query_params
    limit = min(max(int(query.get("limit", 20)), 1), 100)
    after = query.get("after", "")
    names = [document["id"] for document in documents]
    if after and after not in names:
        raise ApiError(404, f"No such object: {after}", "not_found")
    first = names.index(after) + 1 if after else 0
    shown = list(documents[first : first + limit])
    return JSONResponse({"object": "list", "data": shown, "has_more": first + limit < len(documents)})
