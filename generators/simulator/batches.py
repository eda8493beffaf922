"""`/v1/batches`: create, look up, list, cancel, retry, merged results."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from goldspan.generators.simulator.engine import add_view
from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.lines import ENDPOINTS
from goldspan.generators.simulator.state import SimulatorState, make_id
from goldspan.generators.simulator.views import VIEW_KINDS, distort, is_unknown, keep_faults
from goldspan.generators.simulator.wire import make_batch

_ROW_STATES = {"pending": "pending", "completed": "completed", "failed": "failed", "vanished": "in_progress"}
_HOURS = {"24h": 24, "1h": 1}
_RESERVED = {"created_by_email", "context_name", "context_type", "request_source", "created_by", "dw_user_agent"}


async def create_batch(request: Request) -> Response:
    """Make a batch of an uploaded file."""
    state = get_state(request)
    order = orjson.loads(await request.body())
    file = state.find_file(str(order.get("input_file_id", "")), time.time())
    window = str(order.get("completion_window"))
    if file is None or file["kind"] != "input":
        raise ApiError(404, "No such file.", "not_found")
    if file["purpose"] != "batch":
        raise ApiError(400, f"The file's purpose is {file['purpose']}, not batch.", "invalid_purpose")
    if order.get("endpoint") not in ENDPOINTS:
        raise ApiError(400, f"endpoint must be one of {', '.join(ENDPOINTS)}.", "invalid_endpoint")
    if window not in state.profile.windows:
        raise ApiError(400, f"completion_window must be one of {', '.join(state.profile.windows)}.", "invalid_window")
    order["metadata"] = _read_metadata(order.get("metadata"))
    batch_id = _insert(state, file, window, order)
    return JSONResponse(_show(state, batch_id), 201 if state.profile.both_files_from_start else 200)


async def get_batch(request: Request) -> Response:
    """One batch."""
    state, batch = _find(request)
    return JSONResponse(_show(state, batch["id"]))


async def list_batches(request: Request) -> Response:
    """The batches, newest first; only Doubleword searches."""
    state, query = get_state(request), request.query_params
    limit = min(max(int(query.get("limit", 20)), 1), 100)
    search = query.get("search", "").lower() if state.profile.list_supports_search else ""
    first = 1 << 62
    if after := state.find_batch(query.get("after", "")):
        first = after["number"]
    rows = state.database.execute(
        "SELECT * FROM batch WHERE number < ? AND visible_at <= ? ORDER BY number DESC", (first, time.time())
    )
    found = [row for row in rows if search in f"{row['metadata']} {row['input_name']} {row['id']}".lower()]
    now = time.time()
    data = [distort(state, row, make_batch(row, state.profile, now), now) for row in found[:limit]]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return JSONResponse({"object": "list", "data": data, **ends, "has_more": len(found) > limit})


async def cancel_batch(request: Request) -> Response:
    """Stop a batch; rows that wait are not run."""
    state, batch = _find(request)
    if batch["status"] in {"validating", "in_progress", "finalizing"}:
        state.update_batch(batch["id"], status="cancelling", cancelling_at=time.time())
    elif not state.profile.both_files_from_start and batch["status"] not in {"cancelling", "cancelled"}:
        raise ApiError(409, f"Cannot cancel a batch with status '{batch['status']}'.", "invalid_status")
    return JSONResponse(_show(state, batch["id"]))


async def retry_batch(request: Request) -> Response:
    """Put failed and cancelled rows back in the queue of the same batch."""
    state, batch = _find(request)
    with state.transaction():
        count = state.database.execute(
            "UPDATE row SET state = 'pending', due_at = ?, line = NULL, stamp = NULL "
            "WHERE batch_id = ? AND state IN ('failed', 'canceled')",
            (time.time() + state.settings.latency.low, batch["id"]),
        ).rowcount
        if not count:
            raise ApiError(400, "Nothing to retry.", "nothing_to_retry")
        cleared = dict.fromkeys(("finalizing_at", "completed_at", "failed_at", "cancelling_at", "cancelled_at"))
        state.update_batch(batch["id"], status="in_progress", failed=0, **cleared)
    return JSONResponse(_show(state, batch["id"]))


async def get_results(request: Request) -> Response:
    """Every row with its input, its answer and its state."""
    state, batch = _find(request)
    return StreamingResponse(_stream(_iter_results(state, batch)), media_type="application/x-ndjson")


async def get_analytics(request: Request) -> Response:
    """Tokens and money of a batch."""
    state, batch = _find(request)
    row = state.database.execute(
        "SELECT count(*), coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), coalesce(sum(cost), 0) "
        "FROM paid WHERE batch_id = ?",
        (batch["id"],),
    ).fetchone()
    return JSONResponse(
        {
            "total_requests": row[0],
            "total_prompt_tokens": row[1],
            "total_completion_tokens": row[2],
            "total_tokens": row[1] + row[2],
            "total_cost": f"{row[3]:.6f}",
            "total_list_cost": f"{row[3]:.6f}",
        }
    )


def make_routes(state: SimulatorState) -> list[Route]:
    """The routes of this provider."""
    one = "/v1/batches/{batch_id}"
    routes = [
        Route("/v1/batches", guard("create", create_batch), methods=["POST"]),
        Route("/v1/batches", guard("list", list_batches), methods=["GET"]),
        Route(one, guard("get", get_batch), methods=["GET"]),
        Route(f"{one}/cancel", guard("cancel", cancel_batch), methods=["POST"]),
    ]
    if state.profile.server_retry:
        routes += [
            Route(f"{one}/retry", guard("retry", retry_batch), methods=["POST"]),
            Route(f"{one}/results", guard("content", get_results), methods=["GET"]),
            Route(f"{one}/analytics", guard("get", get_analytics), methods=["GET"]),
        ]
    return routes


def _read_metadata(metadata: Any) -> dict[str, str] | None:
    """Metadata within its limits, without the keys that the provider sets itself."""
    if not metadata:
        return None
    fits = isinstance(metadata, dict) and len(metadata) <= 16
    if not fits or any(
        not isinstance(value, str) or len(value) > 512 or len(key) > 64 for key, value in metadata.items()
    ):
        raise ApiError(
            400, "metadata takes 16 pairs: keys of 64, strings of 512 characters at most.", "invalid_metadata"
        )
    return {key: value for key, value in metadata.items() if key not in _RESERVED}


def _insert(state: SimulatorState, file: sqlite3.Row, window: str, order: dict[str, Any]) -> str:
    now, batch_id = time.time(), make_id("batch_")
    seconds = state.settings.window_seconds
    expires_at = now + (seconds if seconds is not None else _HOURS.get(window, 24) * 3600)
    with state.transaction():
        number = state.database.execute("SELECT coalesce(max(number), 0) + 1 FROM batch").fetchone()[0]
        hits = {
            fault.kind: fault
            for fault in state.faults.draw(
                str(number), ("list_lag", "expire", "cancel", "out_of_order", "empty_file_ids")
            )
        }
        lag = hits["list_lag"].seconds if "list_lag" in hits else 0.0
        stop = hits.get("expire") or hits.get("cancel")
        total = _count_lines(state, file["id"])
        metadata = order.get("metadata")
        state.database.execute(
            "INSERT INTO batch(number, id, input_file_id, input_name, endpoint, window, metadata, status, created_at, "
            "visible_at, expires_at, stop_kind, stop_after, empty_ids, shuffled, total) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, 'validating', ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                batch_id,
                file["id"],
                file["filename"],
                order["endpoint"],
                window,
                json.dumps(metadata) if metadata else None,
                now,
                now + lag,
                expires_at,
                stop.kind if stop else None,
                int(total * stop.fraction) if stop else None,
                "empty_file_ids" in hits,
                "out_of_order" in hits,
                total,
            ),
        )
        if state.profile.both_files_from_start:
            views = {f"{kind}_file_id": add_view(state, batch_id, kind, now) for kind in ("output", "error")}
            state.update_batch(batch_id, **views)
        keep_faults(state, batch_id, state.faults.draw(str(number), VIEW_KINDS))
    return batch_id


def _count_lines(state: SimulatorState, file_id: str) -> int:
    with state.place_of(file_id).open("rb") as source:
        return sum(1 for line in source if line.strip())


def _find(request: Request) -> tuple[SimulatorState, sqlite3.Row]:
    state = get_state(request)
    row = state.find_batch(request.path_params["batch_id"])
    if row is None or is_unknown(state, row, time.time()):
        raise ApiError(404, f"No such batch: {request.path_params['batch_id']}", "not_found")
    return state, row


def _sum_usage(state: SimulatorState, batch_id: str) -> dict[str, Any]:
    """Tokens of a batch, as both providers report them beside its counts."""
    prompt, completion = state.database.execute(
        "SELECT coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0) FROM paid WHERE batch_id = ?",
        (batch_id,),
    ).fetchone()
    return {
        "input_tokens": prompt,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": completion,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + completion,
    }


def _show(state: SimulatorState, batch_id: str) -> dict[str, Any]:
    row = state.find_batch(batch_id)
    if row is None:
        raise ApiError(404, f"No such batch: {batch_id}", "not_found")
    now = time.time()
    document = {**make_batch(row, state.profile, now), "usage": _sum_usage(state, batch_id)}
    return distort(state, row, document, now)


def _iter_results(state: SimulatorState, batch: sqlite3.Row) -> Iterator[bytes]:
    rows = state.database.execute(
        "SELECT * FROM row WHERE batch_id = ? AND place IS NOT NULL ORDER BY number", (batch["id"],)
    )
    with state.place_of(batch["input_file_id"]).open("rb") as source:
        for row in rows:
            source.seek(row["place"])
            asked = orjson.loads(source.read(row["size"]))
            line = orjson.loads(row["line"]) if row["line"] else {}
            yield (
                orjson.dumps(
                    {
                        "id": line.get("id"),
                        "custom_id": row["custom_id"],
                        "input_body": asked["body"],
                        "response_body": (line.get("response") or {}).get("body"),
                        "error": line.get("error"),
                        "status": _ROW_STATES.get(row["state"], "failed"),
                    }
                )
                + b"\n"
            )


async def _stream(chunks: Iterator[bytes]) -> Any:
    for chunk in chunks:
        yield chunk
