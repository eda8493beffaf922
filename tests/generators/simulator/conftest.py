"""A simulated provider on loopback and the real openai client."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable

import openai
import pytest

from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from tests.waiting import SECONDS

TERMINAL = {"completed", "failed", "expired", "cancelled"}


class Provider:
    """One simulated provider and a client for it."""

    def __init__(self, url: str, end: Callable[[], None] = lambda: None) -> None:
        self.url = url
        self.end = end
        self.client = openai.OpenAI(base_url=url, api_key="any", max_retries=0)

    def simulate(self, name: str):
        return self.client.get(f"{self.url.removesuffix('/v1')}/_simulate/{name}", cast_to=object)

    def upload(self, count: int, *, lines: list[bytes] | None = None):
        lines = lines or [make_line(number) for number in range(count)]
        return self.client.files.create(file=("rows.jsonl", b"\n".join(lines)), purpose="batch")

    def create(self, count: int = 5, metadata: dict[str, str] | None = None):
        file = self.upload(count)
        return self.client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata=metadata
        )

    def wait(self, batch_id: str, statuses=TERMINAL):
        deadline = time.monotonic() + SECONDS
        while (batch := self.client.batches.retrieve(batch_id)).status not in statuses:
            assert time.monotonic() < deadline, f"still {batch.status}"
            time.sleep(0.02)
        return batch

    def read(self, file_id: str | None) -> list[dict]:
        assert file_id
        return [json.loads(line) for line in self.client.files.content(file_id).text.splitlines()]


def make_line(number: int) -> bytes:
    body = {
        "model": "any",
        "messages": [{"role": "user", "content": f"question {number}"}],
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "answer",
                "schema": {"type": "object", "properties": {"words": {"type": "string"}}, "required": ["words"]},
            },
        },
    }
    line = {"custom_id": f"row-{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(line).encode()


@pytest.fixture
def start(tmp_path):
    """Start a provider: start("openai", [{"kind": …}], latency=…)."""
    with contextlib.ExitStack() as stack:

        def begin(profile: str, faults=(), state="provider.db", **settings) -> Provider:
            plan = build_plan({"seed": 1, "faults": list(faults)})
            made = SimulatorSettings(
                find_profile(profile), tmp_path / state, plan, **{"validation_seconds": 0.02, **settings}
            )
            running = stack.enter_context(contextlib.ExitStack())
            return Provider(running.enter_context(serving(made, writer=None)), running.close)

        yield begin
