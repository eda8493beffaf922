"""A run is killed at every commit point, up to three times, and resumed: nothing is lost, nothing is paid twice."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path

import pytest

from goldspan.generators.journal.journal import Journal
from tests.generators.conftest import read_simulated
from tests.generators.small_run import run_items, run_until_killed

BATCH_POINTS = (
    "shard-written",
    "batch-planned",
    "file-uploaded",
    "upload-recorded",
    "creation-announced",
    "batch-created",
    "batch-recorded",
    "lines-kept",
    "answers-delivered",
    "batch-ended",
    "output-read",
    "errors-read",
    "batch-collected",
)
"""Commit points of the batch executor, in the order in which a batch passes them."""

LIVE_POINTS = ("rows-taken", "answer-received", "answer-kept", "answer-delivered")
"""Commit points of the live executor, in the order in which a row passes them."""

ITEMS = 4
WORKERS = 4
TURNS = (1, 1, 2)
PROFILES = ("doubleword", "openai")
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["openai.resources", "aiohttp", "httpx2", "goldspan.generators.providers.live.pool", "tests.generators.small_run"]
)


def kill_at(point: str, folder: Path, url: str, profile: str, mode: str) -> bool:
    process = _CONTEXT.Process(target=run_until_killed, args=(point, folder, url, profile, ITEMS, mode))
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def list_accepted(folder: Path) -> set[str]:
    with Journal(folder) as journal:
        return {custom_id for (custom_id,) in journal.query("SELECT custom_id FROM row WHERE state = 'ok'")}


@pytest.fixture(scope="module")
def matrix(request):
    rows: list[tuple[str, str, str, int, int, int]] = []
    yield rows
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        reporter.ensure_newline()
        reporter.write_line(f"{'mode':<22}{'profile':<12}{'killed at':<20}{'kills':>6}{'paid':>6}{'unique':>8}")
        for mode, profile, point, kills, paid, unique in rows:
            reporter.write_line(f"{mode:<22}{profile:<12}{point:<20}{kills:>6}{paid:>6}{unique:>8}")


async def kill_and_resume(matrix, name: str, url: str, folder: Path, profile: str, mode: str, point: str) -> int:
    """Kill at the first passing, again, then at the second, then let it end; returns how many rows were paid again."""
    kills, accepted = 0, set()
    for turn in TURNS:
        kills += kill_at(f"{point}:{turn}", folder, url, profile, mode)
        kept = list_accepted(folder)
        assert accepted <= kept
        accepted = kept
    assert await run_items(folder, url, profile, ITEMS, mode) == {"done": ITEMS}
    assert accepted <= list_accepted(folder)
    assert len(list_accepted(folder)) == 2 * ITEMS
    assert kills
    ledger = read_simulated(url, "ledger")
    assert ledger["unique_rows"] == 2 * ITEMS
    matrix.append((name, profile, point, kills, ledger["paid_rows"], ledger["unique_rows"]))
    return ledger["paid_rows"] - ledger["unique_rows"]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("point", BATCH_POINTS)
async def test_batch(provider, tmp_path, matrix, profile, point):
    url = provider(profile)
    if point == "errors-read":
        url = provider(profile, [{"kind": "failed", "count": 2}], state="failing.db")
    assert await kill_and_resume(matrix, "batch", url, tmp_path / "run", profile, "batch", point) == 0


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("point", LIVE_POINTS)
async def test_live_with_keys_honoured(provider, tmp_path, matrix, profile, point):
    url = provider(profile, idempotent=True)
    assert await kill_and_resume(matrix, "live, keys honoured", url, tmp_path / "run", profile, "live", point) == 0


@pytest.mark.parametrize("point", LIVE_POINTS)
async def test_live_pays_again_only_what_was_on_its_way(provider, tmp_path, matrix, point):
    url = provider("openai")
    again = await kill_and_resume(matrix, "live, keys ignored", url, tmp_path / "run", "openai", "live", point)
    assert again <= len(TURNS) * WORKERS
