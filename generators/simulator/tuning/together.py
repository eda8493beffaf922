"""Together's fine-tuning endpoints."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.files import upload_file
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.tuning.events import Said, list_said, list_steps, make_error
from goldspan.generators.simulator.tuning.jobs import (
    add_job,
    count_file_tokens,
    find_job,
    find_tuning_file,
    list_jobs,
    price_tokens,
    read_clock,
    require_model,
)
from goldspan.generators.simulator.tuning.phases import Phase, SimulatedJob
from goldspan.generators.simulator.tuning.single import make_job_routes

_WORDS = {
    Phase.CHECKING: "pending",
    Phase.READY: "pending",
    Phase.QUEUED: "queued",
    Phase.RUNNING: "running",
    Phase.FINISHING: "uploading",
    Phase.SUCCEEDED: "completed",
    Phase.INVALID: "error",
    Phase.FAILED: "error",
    Phase.CANCELLING: "cancel_requested",
    Phase.CANCELLED: "cancelled",
    Phase.ODD: "rebalancing",
}
_KINDS = {"created": "job_pending", "queued": "job_queued", "running": "job_start", "succeeded": "job_complete"}
_LIMIT = 5.0
"""US dollars that a refused account may spend."""


async def create_job(request: Request) -> Response:
    """Create a job; it starts by itself."""
    state, body = get_state(request), orjson.loads(await request.body())
    model = require_model(state, body.get("model"))
    training = find_tuning_file(state, body.get("training_file"), "training_file")
    validation = body.get("validation_file") or ""
    if validation:
        find_tuning_file(state, validation, "validation_file")
    epochs = body.get("n_epochs") or 1
    if not isinstance(epochs, int) or not 1 <= epochs <= 20:
        raise ApiError(400, "n_epochs must be a whole number from 1 to 20.", "invalid_value")
    order = {"epochs": epochs, "suffix": body.get("suffix"), "training_type": body.get("training_type")}
    files = (training["id"], str(validation))
    job = add_job(state, model, files, body.get("suffix") or "", order, starts=True)
    return JSONResponse(_show(job, state))


async def estimate_price(request: Request) -> Response:
    """What a job of these files would cost; unavailable until the file is checked."""
    state, body = get_state(request), orjson.loads(await request.body())
    model = require_model(state, body.get("model"))
    file = find_tuning_file(state, body.get("training_file"), "training_file")
    if time.time() < file["created_at"] + state.settings.validation_seconds:
        document = {"estimation_available": False, "unavailable_reason": "train_file_not_validated"}
        return JSONResponse(document)
    tokens = count_file_tokens(state, file["id"])
    is_refused = bool(state.faults.draw(file["id"], {"estimate_refused"}))
    return JSONResponse(
        {
            "estimation_available": True,
            "estimated_total_price": price_tokens(state, model, tokens * int(body.get("n_epochs") or 1)),
            "estimated_train_token_count": tokens,
            "estimated_eval_token_count": 0,
            "allowed_to_proceed": not is_refused,
            "user_limit": 0.0 if is_refused else _LIMIT,
        }
    )


async def list_all(request: Request) -> Response:
    """All jobs."""
    state = get_state(request)
    return JSONResponse({"data": [_show(job, state) for job in list_jobs(state, read_clock(state))]})


async def list_events(request: Request) -> Response:
    """Messages about a job."""
    state = get_state(request)
    job = find_job(state, request.path_params["job_id"])
    return JSONResponse({"data": [_show_event(entry) for entry in list_said(job, read_clock(state))]})


async def list_checkpoints(request: Request) -> Response:
    """Checkpoints of a job."""
    state = get_state(request)
    job = find_job(state, request.path_params["job_id"])
    documents = [
        {"step": entry.step, "created_at": _write_time(entry.at), "path": f"s3://{entry.id}"}
        for entry in list_steps(job, read_clock(state))
    ]
    return JSONResponse({"data": documents})


def make_routes() -> list[Route]:
    """The fine-tuning routes of Together, and the upload of files."""
    one = "/v1/fine-tunes/{job_id}"
    return [
        Route("/v1/files/upload", guard("upload", upload_file), methods=["POST"]),
        Route("/v1/fine-tunes", guard("tune_create", create_job), methods=["POST"]),
        Route("/v1/fine-tunes/estimate-price", guard("tune_estimate", estimate_price), methods=["POST"]),
        Route("/v1/fine-tunes", guard("tune_list", list_all), methods=["GET"]),
        *make_job_routes(one, _show),
        Route(f"{one}/events", guard("tune_events", list_events), methods=["GET"]),
        Route(f"{one}/checkpoints", guard("tune_events", list_checkpoints), methods=["GET"]),
    ]


def name_model(job: SimulatedJob) -> str:
    """The name of the tuned model."""
    return f"you/{job.model.rpartition('/')[2]}-{job.order.get('suffix') or ''}-{job.id[-8:]}"


def _show(job: SimulatedJob, state: SimulatorState) -> dict[str, Any]:
    now = read_clock(state)
    phase = job.find_phase(now)
    error = make_error(job, phase)
    return {
        "id": job.id,
        "object": "fine-tune",
        "created_at": _write_time(job.created_at),
        "model": job.model,
        "status": _WORDS[phase],
        "suffix": job.order.get("suffix"),
        "model_output_name": name_model(job),
        "training_file": job.training_file,
        "validation_file": job.validation_file,
        "n_epochs": job.epochs,
        "training_type": job.order.get("training_type"),
        "token_count": job.tokens * job.epochs if phase is Phase.SUCCEEDED else 0,
        "events": [{"type": "job_error", "level": "error", "message": error["message"]}] if error else [],
    }


def _show_event(entry: Said) -> dict[str, Any]:
    return {
        "object": "fine-tune-event",
        "created_at": _write_time(entry.at),
        "level": "error" if entry.kind == "error" else "info",
        "message": entry.message,
        "type": "checkpoint_save" if entry.step else _KINDS.get(entry.kind, f"job_{entry.kind}"),
        "step": entry.step,
        "hash": entry.id,
    }


def _write_time(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
