"""The predictor `llm` through batches of a simulated provider: exact answers, each paid once, also over a crash."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.request
from pathlib import Path

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Sample
from goldspan.evaluation.results.cost import find_prices
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.latency import Latency
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.predictors.mock_model import build_mock_model
from goldspan.predictors.patterns.predictor import RegexPredictor
from goldspan.predictors.prompting.predictor import open_llm

LABELS = load_labels()
SAMPLES = [Sample(f"Ann {n} writes from ann{n}@example.com.", "en", "US", sample_id=str(n)) for n in range(12)]


@contextlib.contextmanager
def provide(tmp_path: Path, faults: tuple[dict, ...] = (), **settings):
    plan = build_plan({"seed": 1, "faults": list(faults)})
    made = SimulatorSettings(
        find_profile("openai"), tmp_path / "provider.db", plan, **{"validation_seconds": 0.0, **settings}
    )
    with serving(made, writer=build_mock_model(LABELS)) as url:
        yield url


def read_ledger(url: str) -> dict:
    with urllib.request.urlopen(f"{url.removesuffix('/v1')}/_simulate/ledger", timeout=60) as reply:
        return json.load(reply)


def open_batch(url: str, folder: Path):
    return open_llm(LABELS, provider="openai", model="m", api_url=url, mode="batch", poll=0.05, folder=folder)


async def read_all(predictor) -> list:
    try:
        return [outcome async for outcome in predictor.predict_many(SAMPLES, workers=1)]
    finally:
        await predictor.aclose()


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


@pytest.mark.parametrize("faults", [(), ({"kind": "accept_and_drop", "call": "create", "count": 1},)])
async def test_all_texts_share_batches_and_are_paid_once(tmp_path: Path, faults: tuple[dict, ...]) -> None:
    with provide(tmp_path, faults) as url:
        outcomes = await read_all(open_batch(url, tmp_path / "answers"))
        again = await read_all(open_batch(url, tmp_path / "answers"))
        ledger = read_ledger(url)
    [journal] = (tmp_path / "answers").rglob("journal.db")
    assert b"example.com" not in journal.read_bytes()
    regex = RegexPredictor(LABELS)
    for outcome, repeated in zip(outcomes, again, strict=True):
        expected = regex.predict_sync(outcome.sample.text, "en", "US").entities
        assert [e.span for e in outcome.annotation.entities] == [e.span for e in expected]
        assert repeated.annotation.entities == outcome.annotation.entities
        assert outcome.prediction.usage.prompt_tokens > 0
        assert (repeated.prediction.usage.cached, repeated.prediction.usage.requests) == (1, 0)
    assert ledger["paid_rows"] == len(SAMPLES)
    assert ledger["paid_twice"] == {}


async def test_a_batch_that_was_left_open_is_collected_and_not_created_again(tmp_path: Path) -> None:
    with provide(tmp_path, latency=Latency(low=0.5)) as url:
        first = open_batch(url, tmp_path / "answers")
        reading = asyncio.create_task(read_all(first))
        async with asyncio.timeout(60):
            while not any((tmp_path / "answers").rglob("*.jsonl")):
                await asyncio.sleep(0.02)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        outcomes = await read_all(open_batch(url, tmp_path / "answers"))
        ledger = read_ledger(url)
    assert all(outcome.annotation for outcome in outcomes)
    assert ledger["paid_rows"] == len(SAMPLES)
    assert ledger["paid_twice"] == {}


def test_only_providers_with_batches_have_the_mode_and_its_price() -> None:
    with pytest.raises(ConfigurationError, match="no batches at mistral"):
        open_llm(LABELS, provider="mistral", mode="batch")
    with pytest.raises(ConfigurationError, match="live or batch, not 'fast'"):
        open_llm(LABELS, mode="fast")
    live, batch = find_prices("openai"), find_prices("openai", mode="batch")
    assert live is not None and batch is not None  # noqa: PT018
    assert batch.prompt < live.prompt
    assert find_prices("mistral") is None
