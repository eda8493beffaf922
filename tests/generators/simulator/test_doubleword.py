from __future__ import annotations

import json
import time

import httpx2
import openai
import pytest

from goldspan.generators.simulator.latency import Latency
from tests.waiting import wait_until

from .conftest import make_line


def test_upload_is_checked_at_once_and_has_no_status(start):
    provider = start("doubleword")
    assert provider.upload(2).status is None
    with pytest.raises(openai.BadRequestError, match="Line 2"):
        provider.upload(0, lines=[make_line(1), b'{"custom_id": "x"'])


def test_both_files_exist_from_the_start(start):
    provider = start("doubleword", latency=Latency(low=5))
    batch = provider.create()
    assert batch.output_file_id
    assert batch.error_file_id
    assert provider.read(batch.output_file_id) == []


def test_rows_are_answered_by_their_schema_and_paid_once(start):
    provider = start("doubleword")
    batch = provider.wait(provider.create(5).id)
    assert batch.status == "completed"
    lines = provider.read(batch.output_file_id)
    assert sorted(line["custom_id"] for line in lines) == [f"row-{n}" for n in range(5)]
    content = lines[0]["response"]["body"]["choices"][0]["message"]["content"]
    assert json.loads(content) == {"words": "example"}
    ledger = provider.simulate("ledger")
    assert (ledger["paid_rows"], ledger["unique_rows"], ledger["paid_twice"]) == (5, 5, {})
    assert ledger["cost"] > 0


def test_partial_output_is_read_with_skip(start):
    provider = start("doubleword", [{"kind": "slow", "seconds": 3, "count": 2}])
    batch = provider.create(6)
    deadline = time.monotonic() + 60
    while provider.client.batches.retrieve(batch.id).request_counts.completed < 4:
        assert time.monotonic() < deadline
    raw = provider.client.files.with_raw_response.content(batch.output_file_id, extra_query={"skip": 3})
    assert raw.headers["x-incomplete"] == "true"
    assert raw.headers["x-last-line"] == "4"
    assert len(raw.content.splitlines()) == 1
    provider.wait(batch.id)
    raw = provider.client.files.with_raw_response.content(batch.output_file_id, extra_query={"skip": 4})
    assert (raw.headers["x-incomplete"], raw.headers["x-last-line"]) == ("false", "6")
    page = provider.client.files.with_raw_response.content(batch.output_file_id, extra_query={"skip": 1, "limit": 2})
    assert (page.headers["x-incomplete"], page.headers["x-last-line"]) == ("true", "3")


def test_search_finds_metadata_and_lag_hides_a_new_batch(start):
    provider = start("doubleword", [{"kind": "list_lag", "seconds": 2, "count": 1}])
    batch = provider.create(1, {"intent": "i-77"})

    def search() -> list[str]:
        return [found.id for found in provider.client.batches.list(extra_query={"search": "i-77"})]

    assert search() == []
    wait_until(lambda: search() == [batch.id])
    provider.create(1, {"intent": "other"})
    assert search() == [batch.id]


def test_error_file_shrinks_after_retry(start):
    provider = start("doubleword", [{"kind": "failed", "count": 2}])
    batch = provider.wait(provider.create(5).id)
    assert len(provider.read(batch.error_file_id)) == 2
    provider.client.post(f"/batches/{batch.id}/retry", cast_to=object)
    batch = provider.wait(batch.id)
    assert provider.read(batch.error_file_id) == []
    assert len(provider.read(batch.output_file_id)) == 5
    with pytest.raises(openai.BadRequestError, match="Nothing to retry"):
        provider.client.post(f"/batches/{batch.id}/retry", cast_to=object)


def test_retry_overturns_a_cancel(start):
    provider = start("doubleword", latency=Latency(low=2))
    batch = provider.create(4)
    provider.wait(batch.id, {"in_progress"})
    provider.client.batches.cancel(batch.id)
    batch = provider.wait(batch.id)
    assert batch.status == "cancelled"
    assert provider.read(batch.output_file_id) == provider.read(batch.error_file_id) == []
    provider.client.post(f"/batches/{batch.id}/retry", cast_to=object)
    assert provider.wait(batch.id).status == "completed"
    assert provider.simulate("ledger")["paid_rows"] == 4


def test_all_rows_failed_means_failed_and_deadline_is_no_failure(start):
    provider = start("doubleword", [{"kind": "failed", "count": 3}], window_seconds=0.2)
    batch = provider.wait(provider.create(3).id)
    assert batch.status == "failed"
    time.sleep(0.25)
    again = provider.wait(provider.create(2).id)
    time.sleep(0.25)
    again = provider.client.batches.retrieve(again.id)
    assert (again.status, again.expired_at is not None) == ("completed", True)


def test_late_row_slips_behind_the_reader(start):
    provider = start("doubleword", [{"kind": "late", "seconds": 2, "count": 1}], latency=Latency(low=0.05))
    batch = provider.create(5)
    deadline = time.monotonic() + 60
    while len(before := provider.read(batch.output_file_id)) < 4:
        assert time.monotonic() < deadline
    provider.wait(batch.id)
    after = provider.read(batch.output_file_id)
    seen = {line["custom_id"] for line in before}
    position = next(place for place, line in enumerate(after) if line["custom_id"] not in seen)
    assert position < 4


def test_estimate_analytics_and_results(start):
    provider = start("doubleword")
    file = provider.upload(3)
    path = f"/files/{file.id}/cost-estimate?completion_window=24h"
    estimate = provider.client.get(path, cast_to=object)
    assert estimate["total_requests"] == 3
    assert isinstance(estimate["total_estimated_cost"], str)
    batch = provider.wait(provider.create(3).id)
    analytics = provider.client.get(f"/batches/{batch.id}/analytics", cast_to=object)
    assert float(analytics["total_cost"]) == pytest.approx(provider.simulate("ledger")["cost"], abs=1e-5)
    merged = provider.client.get(f"/batches/{batch.id}/results", cast_to=httpx2.Response)
    rows = [json.loads(line) for line in merged.text.splitlines()]
    assert [row["status"] for row in rows] == ["completed"] * 3
    assert rows[0]["input_body"]["messages"][0]["content"] == "question 0"
