"""Servers that redirect, repeat the key, answer without end or say to wait for days."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from goldspan.annotation.errors import ConfigurationError, ServiceError, TerminalServiceError, TransientServiceError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.live.pool import LiveExecutor, LiveLimits
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.executors import ExecutionOptions, make_executor
from goldspan.generators.runs.folder import begin_run, confirm_run_address, open_run
from goldspan.generators.runs.queue import PipelineQueue
from tests.generators.scripted import LABELS, make_settings
from tests.generators.small_run import make_work

KEY = "sk-canary-0123456789abcdef"


@contextlib.contextmanager
def serve(reply) -> Iterator[tuple[str, list[tuple[str, dict[str, str], bytes]]]]:
    """A server whose handler is `reply(handler, body)`; gives its base URL and what it was asked."""
    asked: list[tuple[str, dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.path, dict(self.headers), body))
            with contextlib.suppress(OSError):
                reply(self, body)

        do_GET = do_POST = answer  # noqa: N815

        def send(self, status: int, body: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", asked
    server.shutdown()
    server.server_close()


async def ask_live(folder, url, stop_after: float = 0.0) -> None:
    with Journal(folder, create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(3), Budget(Prices()))
        stop = asyncio.Event()
        if stop_after:
            asyncio.get_running_loop().call_later(stop_after, stop.set)
        await asyncio.wait_for(LiveExecutor(journal, url, KEY, LiveLimits(2)).run(queue, stop), 30)


def read_everything(folder) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def catch_message(work) -> str:
    """The message of the error with which `work` ends; empty when it ends well."""
    try:
        work()
    except ServiceError as error:
        return str(error)
    return ""


def test_redirects_are_errors_that_name_the_address_and_resend_nothing(tmp_path):
    with serve(lambda h, body: h.send(200, b"{}")) as (elsewhere, caught):
        target = elsewhere.replace("127.0.0.1", "localhost")

        def redirect(handler, body):
            handler.send(307, b"", Location=f"{target}{handler.path}")

        with serve(redirect) as (url, _):
            with pytest.raises(TerminalServiceError, match=r"redirects to http://localhost.*--api-url"):
                asyncio.run(ask_live(tmp_path / "run", url))

            async def upload() -> None:
                api = BatchApi(find_profile("openai"), url, KEY)
                path = tmp_path / "rows.jsonl"
                path.write_bytes(b"{}\n")
                try:
                    await api.upload(path, "rows.jsonl")
                finally:
                    await api.close()

            with pytest.raises(TerminalServiceError, match="redirects to"):
                asyncio.run(upload())
    assert caught == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500, 503])
def test_a_key_that_a_server_repeats_is_written_nowhere(tmp_path, status, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.client._TRIES_AGAIN", 0)
    body = json.dumps({"error": {"message": f"Incorrect key Bearer {KEY} ({KEY})", "code": KEY}}).encode()
    with serve(lambda h, _: h.send(status, body)) as (url, _):
        said = catch_message(lambda: asyncio.run(ask_live(tmp_path / "run", url)))
    assert KEY not in said
    assert KEY.encode() not in read_everything(tmp_path)


def test_a_key_in_an_error_with_status_200_is_written_nowhere(tmp_path):
    body = json.dumps({"error": {"message": f"bad key {KEY}", "code": 400}}).encode()
    with serve(lambda h, _: h.send(200, body)) as (url, _), contextlib.suppress(ServiceError):
        asyncio.run(ask_live(tmp_path / "run", url))
    assert KEY.encode() not in read_everything(tmp_path)


def test_a_compressed_answer_without_end_is_refused(tmp_path):
    bomb = gzip.compress(b'{"choices":' + b" " * 100_000_000, 1)
    with (
        serve(lambda h, _: h.send(200, bomb, Content_Encoding="gzip")) as (url, _),
        pytest.raises(TerminalServiceError, match="larger than"),
    ):
        asyncio.run(ask_live(tmp_path / "run", url))


@pytest.mark.parametrize("header", ["86400000", "3600", "inf"])
def test_a_wait_of_hours_stops_the_run_and_names_the_time(tmp_path, header):
    begun = time.monotonic()
    with (
        serve(lambda h, _: h.send(429, b"{}", Retry_After=header)) as (url, _),
        pytest.raises(TransientServiceError, match=r"asks to wait .*Resume after"),
    ):
        asyncio.run(ask_live(tmp_path / "run", url))
    assert time.monotonic() - begun < 300
    with Journal(tmp_path / "run") as journal:
        assert journal.count_rows() == {("draft", "pending"): 3}


def test_an_answer_that_is_no_json_is_kept_and_asked_again_once(tmp_path):
    with serve(lambda h, _: h.send(200, b"data: {not json}")) as (url, asked), contextlib.suppress(ServiceError):
        asyncio.run(ask_live(tmp_path / "run", url))
    assert len(asked) <= 6
    kept = (tmp_path / "run" / "raw" / "live-unreadable.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["raw"] for line in kept] == ["data: {not json}"] * len(asked)


def test_requests_that_hang_do_not_hold_the_stop(tmp_path, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.live.pool._DRAIN", (0.3, 60.0))
    begun = time.monotonic()
    with serve(lambda h, _: time.sleep(120)) as (url, _):
        asyncio.run(ask_live(tmp_path / "run", url, stop_after=0.3))
        assert time.monotonic() - begun < 90
    with Journal(tmp_path / "run") as journal:
        assert "given up" in journal.list_events()[-1]["message"]


def test_a_key_goes_only_where_the_user_sent_it(tmp_path, monkeypatch):
    from goldspan.annotation.tasks.workspace import Workspace

    monkeypatch.setenv("GOLDSPAN_API_KEY", KEY)
    url = "http://127.0.0.1:9/v1"
    folder = begin_run(Workspace(tmp_path), make_settings(api_url=url, mode="live"), LABELS, "r")
    with open_run(folder).journal:
        pass
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "of another user"))
    run = open_run(folder)
    with run.journal, pytest.raises(ConfigurationError, match=r"GOLDSPAN_API_KEY is not sent to .*--api-url"):
        make_executor(run, ExecutionOptions())
    with pytest.raises(ConfigurationError, match="keeps its address"):
        confirm_run_address(folder, "http://127.0.0.1:10/v1")
    confirm_run_address(folder, url)
    run = open_run(folder)
    with run.journal:
        make_executor(run, ExecutionOptions())


def test_a_key_is_not_sent_in_clear_to_another_machine(tmp_path, monkeypatch):
    from goldspan.annotation.tasks.workspace import Workspace

    monkeypatch.setenv("GOLDSPAN_API_KEY", KEY)
    with pytest.raises(ConfigurationError, match="plain http"):
        begin_run(Workspace(tmp_path), make_settings(api_url="http://models.example/v1"), LABELS, "r")
    with pytest.raises(ConfigurationError, match="user name or password"):
        begin_run(Workspace(tmp_path), make_settings(api_url="https://joe:s3cret@models.example/v1"), LABELS, "r")
