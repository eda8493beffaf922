from __future__ import annotations

import pytest

from generators.journal import Journal
from generators.submissions import list_submissions
from tests.generators.conftest import read_simulated
from tests.generators.small_run import run_items

PROFILES = ("doubleword", "openai")


def assert_paid_once(url):
    ledger = read_simulated(url, "ledger")
    assert ledger["paid_twice"] == {}
    return ledger


@pytest.mark.parametrize("profile", PROFILES)
async def test_a_run_ends_with_every_item_done_and_paid_once(provider, tmp_path, profile):
    url = provider(profile)
    assert await run_items(tmp_path / "run", url, profile, 12) == {"done": 12}
    assert assert_paid_once(url)["paid_rows"] == 24
    with Journal(tmp_path / "run") as journal:
        assert {submission.state for submission in list_submissions(journal)} == {"collected"}
        assert set(journal.count_rows()) == {("draft", "ok"), ("coreference", "ok")}
    assert list((tmp_path / "run" / "batches").iterdir()) == []
    raw = b"".join(path.read_bytes() for path in (tmp_path / "run" / "raw").iterdir())
    assert raw.count(b"\n") == 24
