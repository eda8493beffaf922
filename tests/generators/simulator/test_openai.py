from __future__ import annotations

import time

import openai
import pytest

from goldspan.generators.simulator.latency import Latency

from .conftest import make_line


def test_validation_happens_in_the_batch(start):
    provider = start("openai")
    file = provider.upload(0, lines=[make_line(1), b'{"custom_id": "x"'])
    assert file.status == "processed"
    batch = provider.client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert batch.output_file_id is None
    batch = provider.wait(batch.id)
    assert batch.status == "failed"
    assert batch.errors.data[0].code == "invalid_json_line"
    assert batch.errors.data[0].line == 2


def test_files_appear_at_the_end_and_only_if_they_hold_something(start):
    provider = start("openai")
    batch = provider.wait(provider.create(3).id)
    assert batch.status == "completed"
    assert batch.error_file_id is None
    assert len(provider.read(batch.output_file_id)) == 3


def test_all_failed_is_completed_without_output(start):
    provider = start("openai", [{"kind": "failed", "count": 3}])
    batch = provider.wait(provider.create(3).id)
    assert (batch.status, batch.output_file_id) == ("completed", None)
    assert provider.read(batch.error_file_id)[0]["response"]["status_code"] == 400


def test_empty_file_ids(start):
    provider = start("openai", [{"kind": "empty_file_ids"}])
    batch = provider.wait(provider.create(2).id)
    assert batch.error_file_id == ""


def test_token_limit_fails_after_acceptance(start):
    provider = start("openai", [{"kind": "token_limit_exceeded", "count": 1}])
    batch = provider.wait(provider.create(2).id)
    assert batch.status == "failed"
    assert batch.errors.data[0].code == "token_limit_exceeded"
    assert provider.simulate("ledger")["paid_rows"] == 0
    assert provider.wait(provider.create(2).id).status == "completed"


@pytest.mark.parametrize(("kind", "status"), [("expire", "expired"), ("cancel", "cancelled")])
def test_stopped_batch_keeps_and_charges_what_was_done(start, kind, status):
    provider = start("openai", [{"kind": kind, "fraction": 0.5}])
    batch = provider.wait(provider.create(6).id)
    assert batch.status == status
    assert len(provider.read(batch.output_file_id)) == 3
    errors = provider.read(batch.error_file_id)
    assert [line["error"]["code"] for line in errors] == [f"batch_{status}"] * 3
    assert provider.simulate("ledger")["paid_rows"] == 3


def test_window_expires(start):
    provider = start("openai", latency=Latency(low=5), window_seconds=0.2)
    batch = provider.wait(provider.create(2).id)
    assert (batch.status, batch.output_file_id) == ("expired", None)


def test_list_does_not_search_and_pages(start):
    provider = start("openai", latency=Latency(low=5))
    made = [provider.create(1, {"intent": f"i-{n}"}).id for n in range(5)]
    listed = [batch.id for batch in provider.client.batches.list(limit=2, extra_query={"search": "i-1"})]
    assert listed == made[::-1]


def test_windows_and_retry_are_refused(start):
    provider = start("openai")
    file = provider.upload(1)
    with pytest.raises(openai.BadRequestError):
        provider.client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="1h")
    with pytest.raises(openai.NotFoundError):
        provider.client.post("/batches/batch_x/retry", cast_to=object)


def test_row_faults_in_the_files(start):
    faults = [
        {"kind": "missing", "count": 1},
        {"kind": "duplicate", "count": 1, "skip": 1},
        {"kind": "out_of_order"},
    ]
    provider = start("openai", faults)
    batch = provider.wait(provider.create(8).id)
    ids = [line["custom_id"] for line in provider.read(batch.output_file_id)]
    assert len(ids) == 8
    assert len(set(ids)) == 7
    assert ids != sorted(ids)
    assert provider.simulate("ledger")["paid_twice"] == {}


def test_input_file_expires(start):
    provider = start("openai", input_seconds=0.1)
    file = provider.upload(1)
    time.sleep(0.15)
    with pytest.raises(openai.NotFoundError):
        provider.client.files.retrieve(file.id)
    with pytest.raises(openai.NotFoundError):
        provider.client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")


def test_one_model_per_file_and_metadata_within_limits(start):
    provider = start("openai")
    lines = [make_line(1), make_line(2).replace(b'"any"', b'"other"')]
    file = provider.upload(0, lines=lines)
    order = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = provider.wait(provider.client.batches.create(**order).id)
    assert (batch.status, batch.errors.data[0].code) == ("failed", "mismatched_model")
    with pytest.raises(openai.BadRequestError, match="metadata"):
        provider.client.batches.create(**order, metadata={"k": "v" * 513})
