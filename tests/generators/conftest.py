"""A simulated provider whose model writes small letters."""

from __future__ import annotations

import contextlib
import json
import urllib.request

import pytest

from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from tests.generators.small_run import write_small


def read_simulated(url: str, name: str):
    """What the provider says under `/_simulate/`."""
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/_simulate/{name}", timeout=60) as reply:
        return json.load(reply)


@pytest.fixture
def provider(tmp_path):
    """Start a provider: provider("openai", [{"kind": …}], latency=…) gives its URL."""
    with contextlib.ExitStack() as stack:

        def begin(profile: str, faults=(), seed: int = 1, state: str = "provider.db", **settings) -> str:
            plan = build_plan({"seed": seed, "faults": list(faults)})
            made = SimulatorSettings(
                find_profile(profile), tmp_path / state, plan, **{"validation_seconds": 0.0, **settings}
            )
            return stack.enter_context(serving(made, writer=write_small))

        yield begin
