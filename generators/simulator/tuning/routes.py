"""The fine-tuning routes of a profile, the models that come of it, and the jobs' clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.tuning import mistral, openai, together
from goldspan.generators.simulator.tuning.jobs import forward_clock, list_jobs, read_clock
from goldspan.generators.simulator.tuning.phases import Phase, SimulatedJob

_NAMES: dict[str, Callable[[SimulatedJob], str]] = {
    "openai": openai.name_model,
    "mistral": mistral.name_model,
    "together": together.name_model,
}


def make_routes(state: SimulatorState) -> list[Route]:
    """The routes of the provider's fine-tuning; none where it has none."""
    wires = {"openai": openai.make_routes, "mistral": mistral.make_routes, "together": together.make_routes}
    if state.profile.name not in wires:
        return []
    return [
        *wires[state.profile.name](),
        Route("/v1/models/{model:path}", guard("get", show_model)),
        Route("/_simulate/clock", move_clock, methods=["POST"]),
    ]


async def show_model(request: Request) -> Response:
    """One model: a base model, or the result of a job that succeeded."""
    state, name = get_state(request), request.path_params["model"]
    require_finished(state, name)
    document = {"id": name, "object": "model", "created": 0, "owned_by": "goldspan-simulate"}
    if state.faults.draw(name, {"retired_model"}):
        yesterday = timedelta(days=-1).total_seconds()
        document["shutdown_date"] = int(read_clock(state) + yesterday)
    return JSONResponse(document)


async def move_clock(request: Request) -> Response:
    """Put the clock of jobs forward: `{"forward": seconds}`."""
    body = orjson.loads(await request.body())
    return JSONResponse({"now": forward_clock(get_state(request), float(body.get("forward", 0)))})


def require_finished(state: SimulatorState, model: str) -> None:
    """Refuse the name of a tuned model that no finished job has made."""
    name_model = _NAMES.get(state.profile.name)
    if name_model is None:
        return
    named = [job for job in list_jobs(state) if name_model(job) == model]
    if named and named[0].find_phase(read_clock(state)) is Phase.SUCCEEDED:
        return
    if named or model.startswith("ft:"):
        raise ApiError(404, f"The model {model} does not exist.", "model_not_found")
