"""`/v1/files`: uploads, metadata, content, cost estimates."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from goldspan.annotation.files import open_private
from goldspan.generators.simulator.errors import ApiError, get_state, guard
from goldspan.generators.simulator.lines import find_problem, iter_lines
from goldspan.generators.simulator.state import SimulatorState, make_id
from goldspan.generators.simulator.views import count_shown, is_file_hidden
from goldspan.generators.simulator.wire import make_file

_TERMINAL = {"completed", "failed", "expired", "cancelled"}
_PAGE = 500
_VIEWS = {"output": "completed", "error": "failed"}


async def upload_file(request: Request) -> Response:
    """Take a file. Doubleword checks every line now, OpenAI when a batch is made of it."""
    state = get_state(request)
    async with request.form() as form:
        upload = form.get("file")
        if not isinstance(upload, UploadFile):
            raise ApiError(400, "'file' is a required property.")
        seconds = _read_seconds(form.get("expires_after[seconds]"), state)
        file_id, name, purpose = make_id("file-"), upload.filename or "upload.jsonl", str(form.get("purpose"))
        path = state.place_of(file_id)
        with open(path, "wb", opener=open_private) as target:
            await run_in_threadpool(shutil.copyfileobj, upload.file, target)
    size = path.stat().st_size
    try:
        _check_upload(path, size, state)
    except ApiError:
        path.unlink()
        raise
    if state.profile.name == "mistral" and (known := _find_same(state, path, name, size)):
        path.unlink()
        return JSONResponse(_show(state, known))
    now = time.time()
    state.database.execute(
        "INSERT INTO file(id, filename, purpose, bytes, created_at, expires_at, kind) "
        "VALUES (?, ?, ?, ?, ?, ?, 'input')",
        (file_id, name, purpose, size, now, now + seconds),
    )
    return JSONResponse(_show(state, file_id), 201 if state.profile.both_files_from_start else 200)


async def list_files(request: Request) -> Response:
    """The files, newest first."""
    state = get_state(request)
    rows = state.database.execute(
        "SELECT * FROM file WHERE deleted = 0 AND kind = 'input' AND expires_at > ? "
        "ORDER BY created_at DESC, id LIMIT 100",
        (time.time(),),
    ).fetchall()
    search = request.query_params.get("search", "") if state.profile.list_supports_search else ""
    purpose = request.query_params.get("purpose")
    data = [
        make_file(row, state.profile)
        for row in rows
        if search.lower() in row["filename"].lower() and purpose in {None, row["purpose"]}
    ]
    return JSONResponse({"object": "list", "data": data, "has_more": False})


async def get_file(request: Request) -> Response:
    """One file object."""
    return JSONResponse(_show(get_state(request), request.path_params["file_id"]))


async def delete_file(request: Request) -> Response:
    """Forget a file; batches made of it run on."""
    state, file_id = get_state(request), request.path_params["file_id"]
    _show(state, file_id)
    state.database.execute("UPDATE file SET deleted = 1 WHERE id = ?", (file_id,))
    return JSONResponse({"id": file_id, "object": "file", "deleted": True})


async def get_content(request: Request) -> Response:
    """The bytes of an input file, or the view of a batch's rows."""
    state = get_state(request)
    row = _find(state, request.path_params["file_id"])
    if row["kind"] == "input":
        return FileResponse(state.place_of(row["id"]), media_type="application/octet-stream")
    batch = state.find_batch(row["batch_id"])
    if batch is not None and is_file_hidden(state, batch, time.time()):
        raise ApiError(404, f"No such file: {row['id']}", "not_found")
    order = "stamp, rank" if state.profile.both_files_from_start else "rank"
    skip = limit = 0
    headers = {}
    if state.profile.partial_streaming:
        skip = int(request.query_params.get("skip", 0))
        limit = int(request.query_params.get("limit", 0))
        headers = _describe_page(state, row, skip, limit)
    lines = _iter_view(state, row, order, skip, limit)
    return StreamingResponse(_stream(lines), media_type="application/x-ndjson", headers=headers)


async def estimate_cost(request: Request) -> Response:
    """What a batch of this file would cost: bytes / 4 tokens in, the average of what was answered before out."""
    state = get_state(request)
    row = _find(state, request.path_params["file_id"])
    window = request.query_params.get("completion_window", "24h")
    count = sum(1 for _ in iter_lines(state.place_of(row["id"])))
    tokens_in = row["bytes"] // 4
    average = state.database.execute(
        "SELECT avg(completion_tokens) FROM (SELECT completion_tokens FROM paid ORDER BY number DESC LIMIT 100)"
    ).fetchone()[0]
    tokens_out = int(average * count) if average is not None else int(tokens_in * 1.1)
    price = state.profile.find_price(window)
    cost = (tokens_in * price.prompt + tokens_out * price.completion) / 1_000_000
    return JSONResponse(
        {
            "file_id": row["id"],
            "completion_window": window,
            "total_requests": count,
            "total_estimated_input_tokens": tokens_in,
            "total_estimated_output_tokens": tokens_out,
            "total_estimated_cost": f"{cost:.6f}",
        }
    )


def make_routes(state: SimulatorState) -> list[Route]:
    """The routes of this provider."""
    routes = [
        Route("/v1/files", guard("upload", upload_file), methods=["POST"]),
        Route("/v1/files", guard("list", list_files), methods=["GET"]),
        Route("/v1/files/{file_id}", guard("get", get_file), methods=["GET"]),
        Route("/v1/files/{file_id}", guard("get", delete_file), methods=["DELETE"]),
        Route("/v1/files/{file_id}/content", guard("content", get_content), methods=["GET"]),
    ]
    if state.profile.cost_estimate:
        routes.append(Route("/v1/files/{file_id}/cost-estimate", guard("get", estimate_cost), methods=["GET"]))
    return routes


def _find_same(state: SimulatorState, path: Path, name: str, size: int) -> str:
    """The file of the same name and content, which an upload to Mistral gives back instead of a new one."""
    rows = state.database.execute(
        "SELECT id FROM file WHERE filename = ? AND bytes = ? AND deleted = 0 AND expires_at > ?",
        (name, size, time.time()),
    ).fetchall()
    content = path.read_bytes()
    return next((row["id"] for row in rows if state.place_of(row["id"]).read_bytes() == content), "")


def _check_upload(path: Path, size: int, state: SimulatorState) -> None:
    profile = state.profile
    if size > profile.max_bytes:
        raise ApiError(413, f"File is larger than the maximum of {profile.max_bytes} bytes.", "file_too_large")
    if size == 0:
        raise ApiError(400, "File is empty.", "empty_file")
    if not profile.both_files_from_start:
        return
    for line in iter_lines(path):
        if problem := find_problem(line, profile):
            raise ApiError(problem.status, f"Line {line.number + 1}: {problem.message}", problem.code)
        if line.number >= profile.max_requests:
            raise ApiError(400, f"File has more than {profile.max_requests} requests.", "too_many_requests_in_file")


def _read_seconds(text: Any, state: SimulatorState) -> float:
    if state.settings.input_seconds is not None:
        return state.settings.input_seconds
    return float(text) if isinstance(text, str) and text.isdigit() else float(state.profile.input_ttl)


def _find(state: SimulatorState, file_id: str) -> sqlite3.Row:
    row = state.find_file(file_id, time.time())
    if row is None:
        raise ApiError(404, f"No such file: {file_id}", "not_found")
    return row


def _show(state: SimulatorState, file_id: str) -> dict[str, Any]:
    return make_file(_find(state, file_id), state.profile)


def _describe_page(state: SimulatorState, file: sqlite3.Row, skip: int, limit: int) -> dict[str, str]:
    known = state.database.execute(
        "SELECT count(*) FROM row WHERE batch_id = ? AND state = ?", (file["batch_id"], _VIEWS[file["kind"]])
    ).fetchone()[0]
    last = min(known, skip + limit) if limit else max(known, skip)
    batch = state.find_batch(file["batch_id"])
    is_open = batch is not None and batch["status"] not in _TERMINAL
    return {"X-Incomplete": "true" if is_open or last < known else "false", "X-Last-Line": str(last)}


def _iter_view(state: SimulatorState, file: sqlite3.Row, order: str, skip: int, limit: int) -> Iterator[bytes]:
    """Lines of a view, read in pages; rows that come while it streams are not part of it."""
    known = state.database.execute(
        "SELECT count(*) FROM row WHERE batch_id = ? AND state = ?", (file["batch_id"], _VIEWS[file["kind"]])
    ).fetchone()[0]
    batch = state.find_batch(file["batch_id"])
    if batch is not None:
        known = count_shown(state, batch, known, time.time())
    end = min(known, skip + limit) if limit else known
    query = {
        "rank": "SELECT line FROM row WHERE batch_id = ? AND state = ? ORDER BY rank LIMIT ? OFFSET ?",
        "stamp, rank": "SELECT line FROM row WHERE batch_id = ? AND state = ? ORDER BY stamp, rank LIMIT ? OFFSET ?",
    }[order]
    while skip < end:
        page = state.database.execute(
            query, (file["batch_id"], _VIEWS[file["kind"]], min(_PAGE, end - skip), skip)
        ).fetchall()
        if not page:
            return
        skip += len(page)
        yield b"".join(row["line"] + b"\n" for row in page)


async def _stream(chunks: Iterator[bytes]) -> Any:
    for chunk in chunks:
        yield chunk
