"""The simulated fine-tuning APIs as their own clients see them."""

from __future__ import annotations

import itertools
import json
import time
import urllib.request

import httpx2
import openai
import pytest

ROWS = [
    {
        "messages": [
            {"role": "system", "content": "Mark the names."},
            {"role": "user", "content": f"Maria wrote {number}"},
            {"role": "assistant", "content": f"<FIRSTNAME>Maria</FIRSTNAME> wrote {number}"},
        ]
    }
    for number in range(12)
]
CONTENT = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
HOUR = 3600.0


def forward(url: str, seconds: float) -> None:
    data = json.dumps({"forward": seconds}).encode()
    urllib.request.urlopen(f"{url.removesuffix('/v1')}/_simulate/clock", data, timeout=60).close()


def test_the_openai_client_tunes_a_model(start) -> None:
    provider = start("openai", tuning_seconds=HOUR)
    client = provider.client
    file = client.files.create(file=("rows.jsonl", CONTENT), purpose="fine-tune")
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}}
    job = client.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file.id, suffix="mine", method=method)
    assert job.status == "validating_files"
    forward(provider.url, 0.5 * HOUR)
    assert client.fine_tuning.jobs.retrieve(job.id).status == "running"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="ft:gpt-4o-mini:x", messages=[{"role": "user", "content": "a"}])
    forward(provider.url, HOUR)
    done = client.fine_tuning.jobs.retrieve(job.id)
    assert (done.status, done.error.message) == ("succeeded", None)
    assert done.fine_tuned_model.startswith("ft:gpt-4o-mini:goldspan:mine:")
    assert len(list(client.fine_tuning.jobs.list_events(job.id, limit=3))) == 8
    assert [one.step_number for one in client.fine_tuning.jobs.checkpoints.list(job.id)] == [10, 20, 30]
    assert [one.id for one in client.fine_tuning.jobs.list()] == [job.id]
    answer = client.chat.completions.create(model=done.fine_tuned_model, messages=[{"role": "user", "content": "a"}])
    assert answer.model == done.fine_tuned_model
    jobs = provider.simulate("ledger")["jobs"]
    assert (jobs["paid"], jobs["unique"]) == (1, 1)
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.cancel(job.id)


def test_mistral_halts_with_a_quote_and_takes_the_same_file_once(start) -> None:
    provider = start("mistral", tuning_seconds=HOUR)
    with httpx2.Client(base_url=provider.url, headers={"Authorization": "Bearer k"}) as client:
        ids = {
            client.post("/files", data={"purpose": "fine-tune"}, files={"file": ("a.jsonl", CONTENT)}).json()["id"]
            for _ in range(2)
        }
        assert len(ids) == 1
        body = {"model": "open-mistral-nemo", "training_files": [{"file_id": ids.pop()}], "auto_start": False}
        job = client.post("/fine_tuning/jobs", json=body).json()
        assert job["status"] == "VALIDATING"
        forward(provider.url, 2 * HOUR)
        job = client.get(f"/fine_tuning/jobs/{job['id']}").json()
        assert (job["status"], job["metadata"]["cost"], job["metadata"]["cost_currency"]) == ("VALIDATED", 4.0, "USD")
        assert provider.simulate("ledger")["jobs"]["paid"] == 0
        client.post(f"/fine_tuning/jobs/{job['id']}/start").raise_for_status()
        assert client.post(f"/fine_tuning/jobs/{job['id']}/start").status_code == 400
        forward(provider.url, 2 * HOUR)
        done = client.get(f"/fine_tuning/jobs/{job['id']}").json()
        assert done["status"] == "SUCCESS"
        assert provider.simulate("ledger")["jobs"]["cost"] == 4.0
        refused = client.get("/fine_tuning/jobs/none")
        assert (refused.status_code, refused.json()["object"]) == (404, "error")


def test_a_description_of_mistral_is_of_one_moment(start, monkeypatch: pytest.MonkeyPatch) -> None:
    hours = itertools.count()
    begun = time.time()
    monkeypatch.setattr(
        "goldspan.generators.simulator.tuning.mistral.read_clock", lambda state: begun + HOUR * next(hours)
    )
    provider = start("mistral", [{"kind": "invalid_rows"}], tuning_seconds=10 * HOUR)
    with httpx2.Client(base_url=provider.url, headers={"Authorization": "Bearer k"}) as client:
        file = client.post("/files", data={"purpose": "fine-tune"}, files={"file": ("a.jsonl", CONTENT)}).json()["id"]
        body = {"model": "open-mistral-nemo", "training_files": [{"file_id": file}], "auto_start": False}
        job = client.post("/fine_tuning/jobs", json=body).json()
        seen = [client.get(f"/fine_tuning/jobs/{job['id']}").json() for _ in range(4)]
    for document in seen:
        assert (document["status"] == "FAILED_VALIDATION") == any("error" in one["data"] for one in document["events"])
    assert {document["status"] for document in seen} == {"VALIDATING", "FAILED_VALIDATION"}


def test_together_quotes_once_the_file_is_checked_and_refuses_odd_rows(start) -> None:
    provider = start("together", tuning_seconds=HOUR, validation_seconds=HOUR)
    with httpx2.Client(base_url=provider.url, headers={"Authorization": "Bearer k"}) as client:
        form = {"purpose": "fine-tune", "file_name": "a.jsonl", "file_type": "jsonl"}
        content = CONTENT + b'{"messages": [{"role": "user", "content": "no answer"}]}\n'
        file = client.post("/files/upload", data=form, files={"file": ("a.jsonl", content)}).json()
        order = {"model": "acme/7B", "training_file": file["id"], "n_epochs": 1}
        quote = client.post("/fine-tunes/estimate-price", json=order).json()
        assert quote == {"estimation_available": False, "unavailable_reason": "train_file_not_validated"}
        job = client.post("/fine-tunes", json=order).json()
        forward(provider.url, 2 * HOUR)
        job = client.get(f"/fine-tunes/{job['id']}").json()
        assert job["status"] == "error"
        assert "line 13: the last message is not the assistant's" in job["events"][0]["message"]
        assert provider.simulate("ledger")["jobs"]["paid"] == 0


@pytest.mark.parametrize("profile", ["doubleword"])
def test_a_provider_without_fine_tuning_has_no_such_routes(start, profile) -> None:
    provider = start(profile)
    with pytest.raises(openai.NotFoundError):
        provider.client.fine_tuning.jobs.list()
    assert provider.simulate("ledger")["jobs"] == {}
