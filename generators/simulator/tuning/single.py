"""The routes that all providers have for one job: get it, and cancel it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.errors import get_state, guard
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.tuning.jobs import cancel_job, find_job, read_clock
from goldspan.generators.simulator.tuning.phases import SimulatedJob

Show = Callable[[SimulatedJob, SimulatorState], dict[str, Any]]
"""How a provider describes a job."""
Act = Callable[[SimulatorState, SimulatedJob, float], None]
"""What happens to a job at a time."""


def make_job_routes(path: str, show: Show) -> list[Route]:
    """The routes below `path`, with the job's id as `{job_id}`."""
    return [
        Route(path, guard("tune_get", make_handler(show)), methods=["GET"]),
        Route(f"{path}/cancel", guard("tune_cancel", make_handler(show, cancel_job)), methods=["POST"]),
    ]


def make_handler(show: Show, act: Act | None = None) -> Callable[[Request], Awaitable[Response]]:
    """A handler that acts on the job of the path, if it is to, and describes it."""

    async def handle(request: Request) -> Response:
        state = get_state(request)
        job = find_job(state, request.path_params["job_id"])
        if act:
            act(state, job, read_clock(state))
            job = find_job(state, job.id)
        return JSONResponse(show(job, state))

    return handle
