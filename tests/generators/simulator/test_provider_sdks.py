"""Together's and Mistral's own clients against the simulator (where they are installed)."""

from __future__ import annotations

import httpx2
import pytest

from tests.generators.simulator.test_tuning import CONTENT, HOUR, forward

MESSAGES = [{"role": "user", "content": "Say something."}]
BASE = "Qwen/Qwen3-8B"


def test_the_together_client_tunes_a_model(start) -> None:
    together = pytest.importorskip("together")
    provider = start("together", tuning_seconds=HOUR)
    client = together.Together(api_key="any", base_url=provider.url.removesuffix("/v1"), max_retries=0)
    upload = {"files": {"file": ("rows.jsonl", CONTENT)}, "data": {"purpose": "fine-tune", "file_name": "rows.jsonl"}}
    file = httpx2.post(f"{provider.url}/files/upload", headers={"Authorization": "Bearer any"}, **upload).json()
    assert client.files.retrieve(file["id"]).id == file["id"]
    request = {"training_file": file["id"], "model": BASE, "n_epochs": 2, "suffix": "mine"}
    job = client.post("/v1/fine-tunes", body=request, cast_to=object)
    assert job["status"] == "pending"
    forward(provider.url, 0.5 * HOUR)
    assert client.fine_tuning.retrieve(job["id"]).status == "running"
    assert [one.id for one in client.fine_tuning.list().data] == [job["id"]]
    assert "job_start" in {str(event.type) for event in client.fine_tuning.list_events(job["id"]).data}
    assert client.fine_tuning.list_checkpoints(job["id"]).data
    forward(provider.url, HOUR)
    assert client.fine_tuning.retrieve(job["id"]).status == "completed"
    second = client.post("/v1/fine-tunes", body=request, cast_to=object)
    assert client.fine_tuning.cancel(second["id"]).status in {"cancel_requested", "cancelled"}
    assert client.chat.completions.create(model=BASE, messages=MESSAGES).choices[0].message.content


def test_the_mistral_client_asks_and_uploads(start) -> None:
    mistral = pytest.importorskip("mistralai.client")
    provider = start("mistral", tuning_seconds=HOUR)
    client = mistral.Mistral(api_key="any", server_url=provider.url.removesuffix("/v1"))
    answer = client.chat.complete(model="mistral-small-latest", messages=MESSAGES)
    assert answer.choices[0].message.content
    assert answer.usage.total_tokens > 0
    file = client.files.upload(file={"file_name": "rows.jsonl", "content": CONTENT}, purpose="fine-tune")
    assert client.files.retrieve(file_id=file.id).purpose == "fine-tune"
