"""What the wires make of answers: statuses, lines, prices, and servers that lack or change a part of the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import httpx2
import pytest

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.generators.providers.fields import read_time
from goldspan.generators.providers.tuning.client import TuningClient
from goldspan.generators.providers.tuning.documents import read_message, read_named_lines
from goldspan.generators.providers.tuning.values import JobRequest, JobState, RowsUpload
from goldspan.generators.providers.tuning.wires import WIRES, TuningWire

PROVIDERS = sorted(WIRES)
REQUEST = JobRequest("m", "file-1", "file-2", "gs-0123456789ab", "mine", 3, 7)
Handler = Callable[[httpx2.Request], httpx2.Response]


def open_wire(provider: str, handler: Handler) -> TuningWire:
    client = TuningClient("http://127.0.0.1:9/v1", "key-of-the-user", httpx2.MockTransport(handler))
    return WIRES[provider](client)


def answer(status: int, document: Any, **headers: str) -> Handler:
    return lambda request: httpx2.Response(status, json=document, headers=headers)


@pytest.mark.parametrize(
    ("provider", "words", "state"),
    [
        ("openai", ("validating_files",), JobState.CHECKING),
        ("openai", ("succeeded", "SUCCEEDED", " succeeded "), JobState.SUCCEEDED),
        ("openai", ("cancelled", "canceled"), JobState.CANCELLED),
        ("openai", ("paused",), JobState.QUEUED),
        ("mistral", ("SUCCESS",), JobState.SUCCEEDED),
        ("mistral", ("FAILED_VALIDATION", "failed validation"), JobState.FAILED),
        ("mistral", ("CANCELLATION_REQUESTED", "canceling"), JobState.CANCELLING),
        ("mistral", ("VALIDATED",), JobState.READY),
        ("together", ("compressing", "uploading"), JobState.FINISHING),
        ("together", ("cancel_requested", "cancelling"), JobState.CANCELLING),
        *((provider, ("hibernating", "SUCCESSFUL-ISH", "?"), JobState.UNKNOWN) for provider in PROVIDERS),
    ],
)
def test_every_word_for_a_state_is_known_and_others_are_kept(
    provider: str, words: tuple[str, ...], state: JobState
) -> None:
    wire = open_wire(provider, answer(200, {}))
    for word in words:
        job = wire.read_job({"id": "j", "status": word, "new_field": [1]})
        assert job is not None
        assert (job.state, job.status) == (state, word)
        assert job.document["new_field"] == [1]


@pytest.mark.parametrize("document", [None, [], "x", {}, {"id": "j"}, {"status": "running"}, {"id": 3, "status": None}])
def test_what_is_no_job_is_none(document: Any) -> None:
    for provider in PROVIDERS:
        assert open_wire(provider, answer(200, {})).read_job(document) is None


@pytest.mark.parametrize(
    ("message", "lines"),
    [
        ("line 3: no role; line 17: empty.", [(3, "no role"), (17, "empty")]),
        ("Lines 2, 5 and 9 are too long", [(2, "are too long"), (5, "are too long"), (9, "are too long")]),
        ("Invalid rows 4 & 6: bad role\nSee the docs", [(4, "bad role"), (6, "bad role")]),
        ("example #12 has no assistant message", [(12, "has no assistant message")]),
        ("the file has 5 examples; at least 10 are needed", []),
        ("deadline 3 exceeded", []),
    ],
)
def test_lines_are_read_from_messages(message: str, lines: list[tuple[int, str]]) -> None:
    assert [(problem.line, problem.message) for problem in read_named_lines(message)] == lines


def test_lines_are_read_from_lists_and_events() -> None:
    openai = open_wire("openai", answer(200, {}))
    error = {"message": "2 problems", "details": [{"line": 4, "message": "a"}, {"row": 8, "reason": "b"}]}
    job = openai.read_job({"id": "j", "status": "failed", "error": error})
    assert job is not None
    assert [(problem.line, problem.message) for problem in job.problems] == [(4, "a"), (8, "b")]
    events = [{"name": "status-updated", "data": {"error": "line 2: not JSON"}, "created_at": 1}]
    job = open_wire("mistral", answer(200, {})).read_job({"id": "j", "status": "FAILED_VALIDATION", "events": events})
    assert job is not None
    assert (job.message, job.problems[0].line) == ("line 2: not JSON", 2)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_marker_is_sent_and_found_in_the_job_that_comes_back(provider: str) -> None:
    sent: list[dict[str, Any]] = []

    def create(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        sent.append(body)
        assert request.headers["Idempotency-Key"].startswith(REQUEST.marker)
        return httpx2.Response(200, json={**body, "id": "j", "status": "queued"})

    job = open_wire(provider, create).create(REQUEST)
    assert job is not None
    assert job.carries(REQUEST.marker)
    assert not job.carries("gs-ffffffffffff")
    assert job.files == {"file-1", "file-2"}
    assert "learning_rate" not in json.dumps(sent)
    assert len(sent) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504])
def test_an_answer_that_leaves_the_payment_open_is_no_error(provider: str, status: int) -> None:
    assert open_wire(provider, answer(status, {"error": "?"})).create(REQUEST) is None


def test_a_dropped_connection_leaves_the_payment_open_and_a_refused_one_does_not() -> None:
    def drop(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("gone", request=request)

    def refuse(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused key-of-the-user", request=request)

    assert open_wire("openai", drop).create(REQUEST) is None
    with pytest.raises(TransientServiceError, match="could not be reached to create the job") as caught:
        open_wire("openai", refuse).create(REQUEST)
    assert "key-of-the-user" not in str(caught.value)
    assert open_wire("openai", answer(200, {"ok": True})).create(REQUEST) is None


@pytest.mark.parametrize(
    ("status", "document", "error", "message"),
    [
        (429, {"error": {"message": "slow down"}}, TransientServiceError, "slow down"),
        (400, {"detail": [{"msg": "bad suffix"}]}, TerminalServiceError, "bad suffix"),
        (401, {"object": "error", "message": "no key-of-the-user"}, TerminalServiceError, "Check the API key"),
        (402, {"error": "empty"}, TerminalServiceError, "Add credit"),
        (307, {}, TerminalServiceError, "redirects to"),
    ],
)
def test_refusals_are_told_in_the_providers_words(
    status: int, document: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message) as caught:
        open_wire("together", answer(status, document, **{"Retry-After": "7", "Location": "/x"})).create(REQUEST)
    assert "key-of-the-user" not in str(caught.value)
    if isinstance(caught.value, TransientServiceError):
        assert caught.value.retry_after == 7


def test_a_server_without_lists_of_models_and_files_can_be_used(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(b"{}\n")

    def serve(request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST" and request.url.path == "/v1/files":
            return httpx2.Response(200, json={"id": "file-9"})
        return httpx2.Response(404, json={"error": "no such path"})

    for provider in PROVIDERS:
        wire = open_wire(provider, serve)
        upload = RowsUpload(rows, "rows.jsonl", 3)
        assert wire.find_shutdown("owner/model name") is None
        assert wire.find_file(upload) == ""
        assert wire.upload(upload) == "file-9"
    gone = answer(410, {"error": {"message": "retired"}})
    with pytest.raises(TerminalServiceError, match="retired"):
        open_wire("openai", gone).find_shutdown("m")


@pytest.mark.parametrize("value", ["2027-01-14", "2027-01-14T00:00:00Z", 1799884800])
def test_the_day_of_a_shutdown_is_read_however_it_is_written(value: Any) -> None:
    assert open_wire("openai", answer(200, {"shutdown_date": value})).find_shutdown("m") == date(2027, 1, 14)


def test_quotes_say_price_limit_and_that_they_are_not_ready() -> None:
    pending = {"estimation_available": False, "unavailable_reason": "train_file_not_validated"}
    unknown = {"estimation_available": False, "unavailable_reason": "model_not_supported"}
    refused = {"estimated_total_price": "12.5", "allowed_to_proceed": False, "user_limit": 5}
    quotes = [open_wire("together", answer(200, document)).quote(REQUEST) for document in (pending, unknown, refused)]
    assert [(quote.pending, quote.cost, quote.allowed, quote.limit) for quote in quotes if quote] == [
        (True, None, True, None),
        (False, None, True, None),
        (False, 12.5, False, 5.0),
    ]
    assert open_wire("openai", answer(200, {})).quote(REQUEST) is None


def test_times_and_messages_of_any_kind_are_read() -> None:
    assert read_time({"created_at": "2026-11-26T06:00:00Z"}, "created_at") == 1795672800
    assert read_time({"created_at": float("nan")}, "created_at") == 0.0
    assert read_message({"error": {"message": "m"}}) == read_message({"message": "m"}) == read_message("m") == "m"
    assert read_message(None) == read_message({"error": {"code": None, "message": None}}) == ""
    assert "sk-" not in read_message({"error": "bad sk-abcdefghijklmnop"})
