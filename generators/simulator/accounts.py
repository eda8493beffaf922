"""`/_simulate/…`: billing and statistics of the simulator. No real provider has these."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from goldspan.generators.simulator.errors import get_state
from goldspan.generators.simulator.state import SimulatorState
from goldspan.generators.simulator.tuning.jobs import read_job_ledger


def read_ledger(state: SimulatorState, *, with_rows: bool = True) -> dict[str, Any]:
    """The paid rows: how many, how many different, those paid more than once, tokens and US dollars."""
    total = state.database.execute(
        "SELECT count(*), count(DISTINCT custom_id), coalesce(sum(prompt_tokens), 0), "
        "coalesce(sum(completion_tokens), 0), coalesce(sum(cost), 0) FROM paid"
    ).fetchone()
    grouped = state.database.execute(
        "SELECT custom_id, count(*) AS paid, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS "
        "completion_tokens, sum(cost) AS cost FROM paid GROUP BY custom_id HAVING count(*) > ? ORDER BY custom_id",
        (0 if with_rows else 1,),
    )
    rows = {row["custom_id"]: {name: row[name] for name in row.keys()[1:]} for row in grouped}
    return {
        "paid_rows": total[0],
        "unique_rows": total[1],
        "paid_twice": {custom_id: row["paid"] for custom_id, row in rows.items() if row["paid"] > 1},
        "prompt_tokens": total[2],
        "completion_tokens": total[3],
        "cost": round(total[4], 6),
        "currency": "USD",
        "rows": rows if with_rows else {},
        "jobs": read_job_ledger(state),
    }


def read_stats(state: SimulatorState) -> dict[str, Any]:
    """Calls, batches by status, rows by state and faults that struck."""
    calls = state.database.execute(
        "SELECT substr(name, 6), seen FROM fault WHERE name GLOB 'call:[a-z]*' AND name NOT GLOB '* *'"
    )
    batches = state.database.execute("SELECT status, count(*) FROM batch GROUP BY status")
    rows = state.database.execute("SELECT state, count(*) FROM row WHERE place IS NOT NULL GROUP BY state")
    return {
        "profile": state.profile.name,
        "calls": {row[0]: row[1] for row in calls},
        "batches": {row[0]: row[1] for row in batches},
        "rows": {row[0]: row[1] for row in rows},
        "faults": state.faults.count_hits(),
    }


async def show_ledger(request: Request) -> Response:
    """The ledger; `?rows=false` leaves the single rows out."""
    return JSONResponse(read_ledger(get_state(request), with_rows=request.query_params.get("rows") != "false"))


async def show_stats(request: Request) -> Response:
    """The statistics."""
    return JSONResponse(read_stats(get_state(request)))


def make_routes() -> list[Route]:
    """The routes of the simulator itself."""
    return [Route("/_simulate/ledger", show_ledger), Route("/_simulate/stats", show_stats)]
