"""What providers do, and what each costs: rows paid, samples, dead letters. Prints the table."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from goldspan.annotation.errors import GoldspanError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.pipeline import draw_brief
from goldspan.generators.runs.queue import PipelineQueue, Workload
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.latency import Latency
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.generators.stages.stage import ModelSettings, build_stages
from tests.generators.conftest import read_simulated
from tests.generators.providers.twists import TWISTS, jump
from tests.generators.scripted import LABELS, make_settings, write_content
from tests.generators.small_run import make_executor
from tests.generators.twisting import twisting

ITEMS = 4
ATTEMPTS = 3


@dataclass(frozen=True)
class Behaviour:
    """Faults and what must come of them; `again` is how many rows may be paid beyond one for each item."""

    faults: tuple[dict[str, Any], ...]
    done: int = ITEMS
    again: int = 0
    profile: str = "openai"
    mode: str = "batch"
    resumes: int = 0
    twist: str = ""
    latency: float = 0.0
    clock: float = 0.0
    reasons: tuple[str, ...] = field(default=())


def batch(*faults: dict[str, Any], **more: Any) -> Behaviour:
    return Behaviour(faults, **more)


def twisted(twist: str, **more: Any) -> Behaviour:
    mode = "live" if twist.startswith("live: ") else "batch"
    return Behaviour(more.pop("faults", ()), mode=mode, twist=twist, **more)


def live(*faults: dict[str, Any], **more: Any) -> Behaviour:
    return Behaviour(faults, mode="live", **more)


DROP = {"kind": "accept_and_drop", "call": "create", "count": 1}
BEHAVIOURS: dict[str, Behaviour] = {
    "nothing wrong": batch(),
    "file ids late": batch({"kind": "late_file_ids", "seconds": 0.3}),
    "file ids late, null counts": batch({"kind": "late_file_ids", "seconds": 0.2}, {"kind": "null_counts"}),
    "file ids late, expired": batch(
        {"kind": "late_file_ids", "seconds": 0.3}, {"kind": "expire", "fraction": 0.5, "count": 1}
    ),
    "half of the lines at first": batch({"kind": "stale_content", "seconds": 0.3}),
    "no line at first": batch({"kind": "stale_content", "seconds": 0.3, "fraction": 0}),
    "half of the lines at first, null counts": batch(
        {"kind": "stale_content", "seconds": 0.2}, {"kind": "null_counts"}
    ),
    "download cut, framed as whole": batch({"kind": "short_reply", "call": "content", "count": 2}),
    "file unknown at first": batch({"kind": "unknown_file", "seconds": 0.3}),
    "batch unknown at first": batch({"kind": "unknown_batch", "seconds": 0.3}),
    "batch unknown at first (doubleword)": batch({"kind": "unknown_batch", "seconds": 0.3}, profile="doubleword"),
    "create dropped, clock 2 h behind": batch(DROP, {"kind": "clock_skew", "seconds": 7200}),
    "create dropped, clock 2 h ahead": batch({**DROP, "call": "create"}, {"kind": "clock_skew", "seconds": 0}),
    "create 504, clock a day behind": batch(
        {"kind": "gateway_timeout", "call": "create", "count": 1}, {"kind": "clock_skew", "seconds": 86_400}
    ),
    "statuses in capitals": batch({"kind": "upper_case_status"}),
    "counts too high": batch({"kind": "lying_counts"}),
    "counts null": batch({"kind": "null_counts"}),
    "one row in no file, counts too high": batch({"kind": "missing", "count": 1}, {"kind": "lying_counts"}, again=0),
    "login page at two polls": batch({"kind": "web_page", "call": "get", "count": 2}),
    "empty reply at two polls": batch({"kind": "empty_reply", "call": "get", "count": 2}),
    "login page in place of the file": batch({"kind": "web_page", "call": "content", "count": 2}),
    "byte order mark": batch({"kind": "byte_order_mark"}),
    "carriage returns": batch({"kind": "carriage_return"}),
    "blank lines": batch({"kind": "blank_line"}),
    "lone surrogate": batch({"kind": "lone_surrogate"}),
    "status as text": batch({"kind": "status_as_text"}),
    "body as text": batch({"kind": "body_as_text"}),
    "one cut line": batch({"kind": "cut_line", "count": 1}, again=1),
    "every line cut": batch({"kind": "cut_line"}, done=0, again=2 * ITEMS, resumes=2, reasons=("unreadable_line",)),
    "one line without custom_id": batch({"kind": "no_custom_id", "count": 1}),
    "no line with custom_id": batch({"kind": "no_custom_id", "count": ITEMS}, again=ITEMS, resumes=1),
    "one custom_id altered": batch({"kind": "altered_custom_id", "count": 1}, again=1),
    "error body in every line": batch({"kind": "error_body", "count": ITEMS}, again=ITEMS, resumes=1),
    "structured outputs refused row by row": batch({"kind": "format_refused"}),
    "no balance row by row": batch({"kind": "no_balance", "count": ITEMS}, resumes=1),
    "half of the lines at first, clock set 2 h forward": batch(
        {"kind": "stale_content", "seconds": 0.3}, {"kind": "null_counts"}, clock=7200.0
    ),
    "one row in no file, clock set a day back": batch(
        {"kind": "missing", "count": 1}, {"kind": "null_counts"}, clock=-86_400.0
    ),
    "expires before any row ran": batch({"kind": "expire", "fraction": 0, "count": 1}, resumes=1),
    "too many tokens queued, once": batch({"kind": "token_limit_exceeded", "count": 1}),
    "too many tokens queued, twice (doubleword)": batch(
        {"kind": "token_limit_exceeded", "count": 2}, profile="doubleword"
    ),
    "too many tokens queued above two rows": batch({"kind": "token_limit_exceeded", "min_rows": 3}),
    "one row in no file": batch({"kind": "missing", "count": 1}),
    "no row in any file": batch({"kind": "missing"}, done=0, resumes=2, reasons=("missing",)),
    "cancelled half way": batch({"kind": "cancel", "fraction": 0.5, "count": 1}),
    "content as parts": batch({"kind": "content_parts"}),
    "answer in the reasoning field": batch({"kind": "reasoning_only"}),
    "answer as tool call": batch({"kind": "tool_call"}),
    "live: content as parts": live({"kind": "content_parts"}),
    "live: answer in the reasoning field": live({"kind": "reasoning_only"}),
    "live: answer as tool call": live({"kind": "tool_call"}),
    "live: think block": live({"kind": "think_block"}),
    "live: fences and talk": live({"kind": "fenced"}),
    "live: trailing comma": live({"kind": "trailing_comma"}),
    "live: raw line breaks": live({"kind": "raw_line_breaks"}),
    "live: smart quotes": live({"kind": "smart_quotes"}),
    "live: single quotes": live({"kind": "single_quotes"}),
    "live: in a list": live({"kind": "in_list"}),
    "live: encoded twice": live({"kind": "double_encoded"}),
    "live: extra key": live({"kind": "extra_key"}),
    "live: no JSON at all": live({"kind": "bare_text"}),
    "live: small-letter tags": live({"kind": "lowercase_tags"}),
    "live: untagged": live({"kind": "untagged"}),
    "live: half tagged": live({"kind": "half_tagged"}),
    "live: one label for all": live({"kind": "one_label"}),
    "live: Chinese for all": live({"kind": "other_language"}, done=0, again=2 * ITEMS, reasons=("another language",)),
    "live: placeholder once": live({"kind": "placeholder", "count": 1}, again=1),
    "live: preface once": live({"kind": "preface", "count": 1}, again=1),
    "live: cut, reported as model_length": live({"kind": "model_length", "count": 1}, again=1),
    "live: cut, reported as stop": live({"kind": "truncated_silently", "count": 1}, again=1),
    "live: two errors with status 200": live({"kind": "error_body", "count": 2}, again=2),
    "live: login page once": live({"kind": "web_page", "call": "chat", "count": 1}),
    "live: empty reply once": live({"kind": "empty_reply", "call": "chat", "count": 1}),
    "live: structured outputs refused": live({"kind": "format_refused"}),
    "live: 429 twice": live({"kind": "too_many_requests", "call": "chat", "count": 2, "retry_after": 0.1}),
    "live: 500 once": live({"kind": "server_error", "call": "chat", "count": 1}),
}


def odd(kind: str, call: str, count: int = 0, **more: Any) -> Behaviour:
    """A fault of replies: the call is carried out."""
    fault = {"kind": kind, "call": call} | ({"count": count} if count else {})
    return Behaviour((fault,), mode="live" if call == "chat" else "batch", **more)


def refused(status: int, shape: str, call: str, message: str = "", count: int = 1, **more: Any) -> Behaviour:
    """An error in the words of some server; nothing is done."""
    fault = {"kind": "error_reply", "call": call, "status": status, "shape": shape, "count": count}
    return Behaviour(
        (fault | ({"message": message} if message else {}),), mode="live" if call == "chat" else "batch", **more
    )


BEHAVIOURS |= {
    "batch: no counts": odd("no_counts", "get"),
    "batch: counts as text": odd("counts_as_text", "get"),
    "batch: counts negative": odd("negative_counts", "get"),
    "batch: times in milliseconds": odd("times_in_milliseconds", "get"),
    "batch: times in words": odd("times_as_text", "get"),
    "batch: no times": odd("no_times", "get"),
    "batch: errors as an empty list": odd("errors_as_list", "get"),
    "batch: errors that are warnings": odd("warnings_as_errors", "get"),
    "batch: completed, and never a file": odd(
        "no_output_file", "get", done=0, again=2 * ITEMS, resumes=2, reasons=("missing",)
    ),
    "batch: metadata null at every look": odd("no_metadata", "get"),
    "file: a list in place of lines": odd("lines_as_list", "content"),
    "file: a list in an object": odd("lines_in_object", "content"),
    "file: indented objects": odd("indented_lines", "content"),
    "file: each line twice": odd("repeated_lines", "content"),
    "file: gzip": odd("gzip", "content"),
    "file: gzip, damaged once": odd("gzip_damaged", "content", 1),
    "file: connection cut once": odd("cut_connection", "content", 1),
    "file: custom_id in capitals": batch({"kind": "upper_case_id"}),
    "file: custom_id with blanks": batch({"kind": "blanks_around_id"}),
    "file: body beside the status": batch({"kind": "body_as_response"}),
    "file: body on the line": batch({"kind": "body_on_line"}),
    "file: error is an empty object": batch({"kind": "empty_error"}),
    "file: status 0": batch({"kind": "status_zero"}),
    "create: 202": odd("status_202", "create"),
    "live: blank lines before the answer": odd("keep_alive_blanks", "chat"),
    "live: a stream though none was asked for": odd("event_stream", "chat"),
    "live: a stream that an error ends, once": odd("event_stream_error", "chat", 1, again=1),
    "live: 202": odd("status_202", "chat"),
    "live: usage as text": odd("usage_as_text", "chat"),
    "live: no usage": odd("no_usage", "chat"),
    "live: choices as an object": odd("choices_as_object", "chat"),
    "live: no choices, once": odd("no_choices", "chat", 1, again=1),
    "live: choices null, once": odd("null_choices", "chat", 1, again=1),
    "live: error in the choice, once": odd("choice_error", "chat", 1, again=1),
    "live: content filter, once": odd("content_filter", "chat", 1, again=1),
    "live: content filter for all": odd(
        "content_filter", "chat", done=0, again=2 * ITEMS, reasons=("content filter",)
    ),
    "live: 204 once": odd("no_content", "chat", 1, again=1),
    "live: gzip, damaged once": odd("gzip_damaged", "chat", 1, again=1),
    "live: gzip, unannounced": odd("gzip_unannounced", "chat"),
    "live: not decompressed though it says so": odd("gzip_claimed", "chat"),
    "live: connection cut once": odd("cut_connection", "chat", 1, again=1),
    "live: an error as detail, once": odd("detail_body", "chat", 1, again=1),
    "live: Azure filters one prompt": refused(400, "azure", "chat", "The response was filtered.", count=1),
    "live: OpenRouter's moderation flags one prompt": refused(
        403, "openrouter", "chat", "Your input was flagged by the moderation of the provider."
    ),
    "live: vLLM, context length": refused(
        400, "vllm", "chat", "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens "
        "(7000 in the messages, 2000 in the completion).",
    ),
    "live: Ollama loads the model": refused(500, "ollama", "chat", "llama runner process is loading", count=2),
    "live: llama.cpp loads the model": refused(503, "openai", "chat", "Loading model", count=3),
    "live: LM Studio unloads the model": refused(400, "ollama", "chat", "Model unloaded."),
    "live: OpenRouter, no provider": refused(502, "openrouter", "chat", "Provider returned error"),
    "live: OpenRouter, 502 with status 200": refused(200, "openrouter", "chat", "Provider returned error"),
    "live: Anthropic is overloaded": refused(529, "anthropic", "chat", "Overloaded", count=2),
    "live: Gemini's list of errors": refused(503, "gemini", "chat", "The model is overloaded.", count=2),
    "live: Gemini's list with status 429": refused(429, "gemini", "chat", "Resource has been exhausted."),
    "live: Mistral's 422": refused(422, "fastapi", "chat", "Input should be a valid list"),
    "live: proxy, 408": refused(408, "plain", "chat"),
    "live: proxy, 413": refused(413, "html", "chat"),
    "live: proxy, 421": refused(421, "plain", "chat", "Misdirected Request"),
    "live: proxy, 425": refused(425, "plain", "chat", "Too Early"),
    "live: proxy, 499": refused(499, "empty", "chat"),
    "poll: 421": refused(421, "plain", "get"),
    "poll: 425": refused(425, "plain", "get"),
    "poll: 529": refused(529, "anthropic", "get", count=2),
    "poll: Gemini's list of errors": refused(503, "gemini", "get", count=2),
    "create: 529": refused(529, "anthropic", "create"),
    "create: 425": refused(425, "plain", "create"),
    "upload: 421": refused(421, "plain", "upload"),
    "upload: Together's 429": refused(429, "openai", "upload", "Too many uploads"),
    "file: 425": refused(425, "plain", "content"),
    "file: 403 once": refused(403, "html", "content", resumes=1),
} | {
    f"{name}: Cloudflare's {status}": refused(status, "html", call)
    for status, (name, call) in zip(
        range(520, 527),
        (
            ("live", "chat"), ("poll", "get"), ("file", "content"), ("live", "chat"), ("poll", "get"),
            ("upload", "upload"), ("live", "chat"),
        ),
        strict=True,
    )
}  # fmt: skip
BEHAVIOURS |= {
    "create: twice by a gateway, and lost": twisted("create: twice by a gateway, and lost", latency=1.0),
    "list: not there at first": twisted("list: not there at first", resumes=1),
    "403 at one poll": twisted("403 at one poll", resumes=1),
    "401 at one poll": twisted("401 at one poll", resumes=1),
    "batch: failed at one look": twisted("batch: failed at one look", latency=0.5),
    "batch: failed at one look, no reason": twisted("batch: failed at one look, no reason", latency=0.5),
    "live: gzip, length too long once": twisted("live: gzip, length too long once", again=1),
    "file: no response and no error once": twisted("file: no response and no error once", again=1),
}
BEHAVIOURS |= {name: twisted(name) for name in TWISTS if name not in BEHAVIOURS}


@pytest.fixture(scope="module")
def table(request):
    rows: list[tuple[Any, ...]] = []
    yield rows
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        reporter.write_line(
            f"\n{'behaviour':45} {'paid':>5} {'asked':>6} {'again':>6} {'done':>5} {'dead':>5}  reasons"
        )
        for name, paid, asked, again, done, dead, reasons in rows:
            reporter.write_line(f"{name:45} {paid:5} {asked:6} {again:6} {done:5} {dead:5}  {'; '.join(reasons)}")


async def run_once(folder, url, behaviour: Behaviour) -> None:
    settings = make_settings(samples=ITEMS, seed=3, languages=("en",))
    stages = build_stages(("draft",), ModelSettings("m", max_tokens=2000), LABELS, seed=3)
    with Journal(folder, create=True, lock=True) as journal:
        work = Workload(ITEMS, stages, LABELS, partial(draw_brief, settings, LABELS), ATTEMPTS)
        executor = make_executor(journal, url, behaviour.profile, behaviour.mode)
        await asyncio.wait_for(executor.run(PipelineQueue(journal, work, Budget(Prices())), asyncio.Event()), 60)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_behaviour(tmp_path, table, name, monkeypatch):
    monkeypatch.setattr("goldspan.generators.providers.client._BACKOFF", lambda state: 0.01)
    behaviour = BEHAVIOURS[name]
    if behaviour.clock:
        monkeypatch.setattr(
            "goldspan.generators.providers.batch.watcher.time", SimpleNamespace(time=jump(behaviour.clock))
        )
    plan = build_plan({"seed": 1, "faults": list(behaviour.faults)})
    made = SimulatorSettings(
        find_profile(behaviour.profile),
        tmp_path / "s.db",
        plan,
        Latency(low=behaviour.latency),
        validation_seconds=0.0,
    )
    with contextlib.ExitStack() as stack:
        server = url = stack.enter_context(serving(made, writer=write_content))
        if behaviour.twist:
            url = stack.enter_context(twisting(server, TWISTS[behaviour.twist]))
        for turn in range(behaviour.resumes + 1):
            stops = pytest.raises(GoldspanError) if turn < behaviour.resumes else contextlib.nullcontext()
            with stops:
                asyncio.run(run_once(tmp_path / "run", url, behaviour))
        ledger = read_simulated(server, "ledger")
    with Journal(tmp_path / "run") as journal:
        items = Counter(journal.count_items())
        reasons = sorted({item.reason[:60] for item in journal.iter_items("dead")})
        assert sum(journal.count_open().values()) == 0
    paid, asked = ledger["paid_rows"], len({custom_id.split("-")[1] for custom_id in ledger["rows"]})
    table.append((name, paid, asked, paid - asked, items["done"], items["dead"], reasons))
    assert items["done"] + items["dead"] == ITEMS
    assert items["done"] == behaviour.done, reasons
    assert paid - asked <= behaviour.again
    assert all(any(part in reason for reason in reasons) for part in behaviour.reasons)
