"""Whoever answers at the address need not be a provider: login pages, other services, nobody at all."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import list_submissions, update_submission
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.batch.schedule import PollSchedule
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.executors import ExecutionOptions
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.pipeline import RunAction
from goldspan.generators.runs.progress import read_progress
from goldspan.generators.runs.queue import PipelineQueue
from goldspan.generators.runs.run import run_generation
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.simulator.latency import Latency
from tests.generators.conftest import read_simulated
from tests.generators.small_run import FAST, LABELS, make_executor, make_work, run_items

PAGE = b"<!DOCTYPE html>\n<html><body>Please sign in.</body></html>\n"
MISFITS = {"page": PAGE, "object": b'{"hello": 1}', "list": b"[]", "null": b"null", "torn": b'{"id": "f'}
PAID_CALLS = {"upload": 2, "create": 2}


@dataclass
class Portal:
    """What stands between us and the provider: it passes calls on, and replaces the replies to some of them."""

    target: str = ""
    instead: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    count: int = 1000
    path: str = ""
    url: str = ""

    def replace(self, body: bytes, *calls: str, status: int = 200, count: int = 1000, path: str = "") -> None:
        self.instead, self.count, self.path = dict.fromkeys(calls, (status, body)), count, path

    def choose(self, call: str, path: str) -> tuple[int, bytes] | None:
        if call not in self.instead or self.path not in path or self.count < 1:
            return None
        self.count -= 1
        return self.instead[call]


def name_call(method: str, path: str) -> str:
    parts = path.partition("?")[0].removeprefix("/v1/").split("/")
    if len(parts) == 3:
        return parts[2]
    if len(parts) == 2:
        return "get" if parts[0] == "batches" else "file"
    return {"POST batches": "create", "GET batches": "list", "POST files": "upload"}.get(f"{method} {parts[0]}", "")


def make_handler(portal: Portal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, content = self.pass_on(body) if portal.target else (200, b"")
            status, content = portal.choose(name_call(self.command, self.path), self.path) or (status, content)
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if content == PAGE else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def pass_on(self, body: bytes) -> tuple[int, bytes]:
            kept = {name: self.headers[name] for name in ("Content-Type", "Authorization") if self.headers[name]}
            address = portal.target + self.path.removeprefix("/v1")
            request = urllib.request.Request(address, body or None, kept, method=self.command)
            try:
                with urllib.request.urlopen(request, timeout=60) as reply:
                    return reply.status, reply.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            return

    return Handler


@pytest.fixture
def portal(monkeypatch) -> Iterator[Portal]:
    monkeypatch.setattr("goldspan.generators.providers.batch.api._RETRIES", 0)
    made = Portal()
    server = ThreadingHTTPServer(("127.0.0.1", 0), make_handler(made))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def dead_url(monkeypatch) -> Iterator[str]:
    """An address that nobody listens at: the port is taken and refuses."""
    monkeypatch.setattr("goldspan.generators.providers.batch.api._RETRIES", 0)
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/v1"


def read_states(folder):
    with Journal(folder) as journal:
        return [submission.state for submission in list_submissions(journal)], set(journal.count_rows())


async def assert_resumed(folder, url, calls=None):
    """The run goes on at an address that works, and every row was paid once."""
    assert await run_items(folder, url, "openai", 3) == {"done": 3}
    ledger = read_simulated(url, "ledger")
    assert (ledger["paid_twice"], ledger["paid_rows"]) == ({}, 6)
    made = read_simulated(url, "stats")["calls"]
    assert {name: made[name] for name in calls or {}} == (calls or {})


@pytest.mark.parametrize("name", MISFITS)
async def test_an_upload_answered_by_something_else_is_told_and_its_rows_are_ready_again(
    provider, portal, tmp_path, name
):
    portal.replace(MISFITS[name], "upload")
    with pytest.raises(TerminalServiceError, match=r"does not speak the batch API.*holds no id.*--api-url") as caught:
        await run_items(tmp_path / "run", portal.url, "openai", 3)
    assert portal.url in str(caught.value)
    assert read_states(tmp_path / "run") == (["abandoned"], {("draft", "pending")})
    assert list((tmp_path / "run" / "batches").iterdir()) == []
    await assert_resumed(tmp_path / "run", provider("openai"), PAID_CALLS)


@pytest.mark.parametrize("name", MISFITS)
async def test_a_batch_whose_creation_was_answered_by_something_else_is_found_again(provider, portal, tmp_path, name):
    portal.target = provider("openai", latency=Latency(low=0.2))
    portal.replace(MISFITS[name], "create", count=1)
    assert await run_items(tmp_path / "run", portal.url, "openai", 3) == {"done": 3}
    await assert_resumed(tmp_path / "run", portal.target, PAID_CALLS)


@pytest.mark.parametrize("name", MISFITS)
async def test_the_intent_stays_when_neither_creation_nor_list_is_answered(provider, portal, tmp_path, name):
    portal.target = provider("openai")
    portal.replace(MISFITS[name], "create", "list")
    with pytest.raises(TerminalServiceError, match="asked to list the batches holds no list"):
        await run_items(tmp_path / "run", portal.url, "openai", 3)
    assert read_states(tmp_path / "run") == (["creating"], {("draft", "submitted")})
    await assert_resumed(tmp_path / "run", portal.target, PAID_CALLS)


@pytest.mark.parametrize("items", [b'["text"]', b'[{"id": "batch_1"}]', b"{}"])
async def test_a_list_with_entries_that_are_no_batches_does_not_count_as_empty(portal, items):
    portal.replace(b'{"data": ' + items + b"}", "list")
    api = BatchApi(find_profile("openai"), portal.url, "any")
    with pytest.raises(TerminalServiceError, match="does not speak the batch API"):
        [batch async for batch in api.list_newest("", 0.0)]
    await api.close()


async def test_a_list_is_read_page_by_page_to_its_end(provider, tmp_path, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.batch.api._PAGE", 1)
    url = provider("openai", latency=Latency(low=30))
    await run_items(tmp_path / "run", url, "openai", 3, max_rows=1, wait=False)
    api = BatchApi(find_profile("openai"), url, "any")
    assert len({batch.id async for batch in api.list_newest("", 1.0)}) == 3
    await api.close()


@pytest.mark.parametrize("call", ["get", "content"])
@pytest.mark.parametrize("name", MISFITS)
async def test_a_submitted_batch_is_kept_when_something_else_answers(provider, portal, tmp_path, call, name):
    portal.target = provider("openai")
    portal.replace(MISFITS[name], call)
    with pytest.raises(TerminalServiceError, match="does not speak the batch API"):
        await run_items(tmp_path / "run", portal.url, "openai", 3, pace=dataclasses.replace(FAST, outage=0.2))
    assert read_states(tmp_path / "run") == (["submitted"], {("draft", "submitted")})
    await assert_resumed(tmp_path / "run", portal.target, PAID_CALLS)


@pytest.mark.parametrize("call", ["get", "content"])
@pytest.mark.parametrize("name", MISFITS)
async def test_one_reply_by_something_else_is_waited_out(provider, portal, tmp_path, call, name):
    portal.target = provider("openai")
    portal.replace(MISFITS[name], call, count=2)
    assert await run_items(tmp_path / "run", portal.url, "openai", 3) == {"done": 3}
    await assert_resumed(tmp_path / "run", portal.target, PAID_CALLS)


async def test_a_page_in_place_of_a_growing_file_waits_for_the_end(provider, portal, tmp_path):
    faults = [{"kind": "slow", "seconds": 0.5, "count": 1}]
    portal.target = provider("doubleword", faults)
    portal.replace(PAGE, "content", count=1)
    assert await run_items(tmp_path / "run", portal.url, "doubleword", 4) == {"done": 4}
    assert read_simulated(portal.target, "ledger")["paid_rows"] == 8


async def test_a_cancel_answered_by_something_else_leaves_the_batch_open(provider, portal, tmp_path):
    portal.target = provider("openai", latency=Latency(low=30))
    await run_items(tmp_path / "run", portal.url, "openai", 3, wait=False)
    portal.replace(PAGE, "cancel")
    with Journal(tmp_path / "run", lock=True) as journal:
        executor = make_executor(journal, portal.url, "openai", "batch")
        with pytest.raises(TerminalServiceError, match="asked to cancel the batch"):
            await executor.cancel(PipelineQueue(journal, make_work(3), Budget(Prices())))
    assert read_states(tmp_path / "run")[0] == ["submitted"]


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_a_page_as_an_error_is_not_shown(portal, tmp_path, status):
    portal.replace(PAGE, "upload", status=status)
    with pytest.raises((TerminalServiceError, TransientServiceError), match="web page") as caught:
        await run_items(tmp_path / "run", portal.url, "openai", 3)
    assert "<" not in str(caught.value)


async def submit(folder, url, **more):
    await run_items(folder, url, "openai", 3, wait=False, **more)
    assert set(read_states(folder)[0]) == {"submitted"}


@pytest.mark.parametrize("task", ["run", "reconcile"])
async def test_a_look_that_nobody_answers_is_an_error_that_names_the_address(provider, tmp_path, dead_url, task):
    url = provider("openai", latency=Latency(low=1.0))
    await submit(tmp_path / "run", url)
    with Journal(tmp_path / "run", lock=True) as journal:
        queue = PipelineQueue(journal, make_work(3), Budget(Prices()))
        executor = make_executor(journal, dead_url, "openai", "batch", wait=False)
        with pytest.raises(TransientServiceError, match=r"could not be reached.*resume") as caught:
            await (executor.run(queue, asyncio.Event()) if task == "run" else executor.reconcile(queue))
    assert dead_url in str(caught.value)
    assert read_states(tmp_path / "run")[0] == ["submitted"]
    await assert_resumed(tmp_path / "run", url, PAID_CALLS)


async def test_a_batch_that_is_only_listed_is_waited_for(provider, portal, tmp_path):
    portal.target = provider("openai", latency=Latency(low=1.0))
    await submit(tmp_path / "run", portal.target)
    portal.replace(b"{}", "get", status=404)
    assert await run_items(tmp_path / "run", portal.url, "openai", 3) == {"done": 3}
    await assert_resumed(tmp_path / "run", portal.target, PAID_CALLS)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_look_that_is_only_refused_is_an_error(provider, portal, tmp_path, status):
    portal.target = provider("openai", latency=Latency(low=30))
    await submit(tmp_path / "run", portal.url)
    portal.replace(b"{}", "get", status=status)
    with pytest.raises(TransientServiceError, match=f"HTTP {status}"):
        await run_items(tmp_path / "run", portal.url, "openai", 3, wait=False)


async def test_one_look_that_succeeds_is_enough_to_wait_for_the_others(provider, portal, tmp_path):
    portal.target = provider("openai", latency=Latency(low=30))
    await submit(tmp_path / "run", portal.url, max_rows=1)
    with Journal(tmp_path / "run") as journal:
        batch = list_submissions(journal)[0].batch
    portal.replace(b"{}", "get", status=503, path=batch)
    await submit(tmp_path / "run", portal.url)


@pytest.mark.parametrize("order", [["seen", "refused"], ["refused", "seen"]])
async def test_contact_does_not_depend_on_the_order_of_the_looks(order):
    api = BatchApi(find_profile("openai"), "http://127.0.0.1:1/v1", "key")
    for intent in order:
        api.note_look(intent, TransientServiceError("HTTP 503") if intent == "refused" else None)
    api.require_contact()
    api.note_look("seen", TransientServiceError("HTTP 503"))
    with pytest.raises(TransientServiceError, match="HTTP 503"):
        api.require_contact()
    await api.close()


async def test_a_waiting_run_gives_up_an_unreachable_provider_after_the_outage(provider, tmp_path, dead_url):
    await submit(tmp_path / "run", provider("openai", latency=Latency(low=30)))
    pace = PollSchedule(first_poll=0.01, last_poll=0.01, outage=0.0)
    with pytest.raises(TransientServiceError, match=f"The provider at {dead_url} could not be reached"):
        await run_items(tmp_path / "run", dead_url, "openai", 3, pace=pace)


@dataclass(frozen=True, slots=True)
class Begun:
    """A run as the command line begins it."""

    workspace: Workspace
    url: str

    def drive(self, **more):
        settings = RunSettings("openai", 2, model="small", mode="batch", api_url=self.url)
        folder = begin_run(self.workspace, settings, LABELS, "refused")
        return run_generation(self.workspace, folder, execution=ExecutionOptions(wait=False), **more)

    def count(self):
        with Journal(self.workspace.runs / "refused") as journal:
            progress = read_progress(journal)
            return progress.state, progress.batches_open, progress.pending, progress.submitted


@pytest.fixture
def begin(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    return lambda url: Begun(Workspace(tmp_path), url)


@pytest.mark.parametrize("status", [400, 401, 402])
def test_a_run_whose_upload_was_refused_waits_for_nothing(provider, portal, begin, status):
    portal.target = provider("openai", latency=Latency(low=30))
    portal.replace(b'{"error": {"message": "no"}}', "upload", status=status)
    begun = begin(portal.url)
    with pytest.raises(TerminalServiceError, match=f"HTTP {status}"):
        begun.drive()
    assert begun.count() == ("unfinished", 0, 2, 0)
    assert begun.drive(action=RunAction.RECONCILE).outcome != "waiting"
    portal.replace(b"", count=0)
    begun.drive()
    assert begun.count() == ("waiting", 1, 0, 2)
    assert read_simulated(portal.target, "stats")["calls"]["create"] == 1


def test_an_upload_that_did_not_come_through_waits_for_nothing_and_is_sent_by_resume(provider, portal, begin):
    portal.target = provider("openai", latency=Latency(low=30))
    portal.replace(b"{}", "upload", status=503)
    begun = begin(portal.url)
    with pytest.raises(TransientServiceError):
        begun.drive()
    assert begun.count() == ("unfinished", 0, 0, 2)
    assert begun.drive(action=RunAction.RECONCILE).outcome != "waiting"
    portal.replace(b"", count=0)
    begun.drive()
    assert begun.count() == ("waiting", 1, 0, 2)
    assert read_simulated(portal.target, "stats")["calls"]["create"] == 1


async def test_rows_that_may_have_been_paid_stay_tied_when_a_later_upload_is_refused(provider, portal, tmp_path):
    portal.target = provider("openai", latency=Latency(low=30))
    with Journal(tmp_path / "run", create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(3), Budget(Prices()))
        portal.replace(b"{}", "upload", status=503)
        executor = make_executor(journal, portal.url, "openai", "batch")
        with pytest.raises(TransientServiceError):
            await executor.run(queue, asyncio.Event())
        update_submission(journal, list_submissions(journal)[0].intent, details={"creations": 1})
        portal.replace(b"{}", "upload", status=401)
        with pytest.raises(TerminalServiceError):
            await executor.run(queue, asyncio.Event())
    assert read_states(tmp_path / "run") == (["planned"], {("draft", "submitted")})
