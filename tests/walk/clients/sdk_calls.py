"""Calls of the openai client, in an environment of its own: `python sdk_calls.py URL ROWS`. Prints JSON."""

from __future__ import annotations

import io
import json
import sys
import time

import openai

ENDPOINT = "/v1/chat/completions"


def make_file(count: int, prefix: str) -> bytes:
    lines = [
        {
            "custom_id": f"{prefix}-{number}",
            "method": "POST",
            "url": ENDPOINT,
            "body": {"model": "any", "messages": [{"role": "user", "content": f"Question {number}"}]},
        }
        for number in range(count)
    ]
    return b"\n".join(json.dumps(line).encode() for line in lines)


def read_lines(client: openai.OpenAI, file_id: str | None) -> list[dict]:
    return [json.loads(line) for line in client.files.content(file_id).text.splitlines()] if file_id else []


def wait(client: openai.OpenAI, batch_id: str) -> openai.types.Batch:
    deadline = time.monotonic() + 60
    while (batch := client.batches.retrieve(batch_id)).status not in {"completed", "failed", "expired", "cancelled"}:
        assert time.monotonic() < deadline, batch.status
        time.sleep(0.05)
    return batch


def name_error(call) -> str:
    try:
        call()
    except openai.APIStatusError as error:
        return f"{type(error).__name__} {error.status_code}"
    return "none"


def main(url: str, count: int) -> None:
    client = openai.OpenAI(base_url=url, api_key="any", max_retries=3)
    file = client.files.create(file=("rows.jsonl", io.BytesIO(make_file(count, "sdk"))), purpose="batch")
    assert client.files.wait_for_processing(file.id, poll_interval=0.05).status == "processed"
    made = client.batches.create(input_file_id=file.id, endpoint=ENDPOINT, completion_window="24h", metadata={"a": "b"})
    batch = wait(client, made.id)
    lines = [*read_lines(client, batch.output_file_id), *read_lines(client, batch.error_file_id)]
    other = client.files.create(file=("more.jsonl", io.BytesIO(make_file(2, "cancelled"))), purpose="batch")
    second = client.batches.create(input_file_id=other.id, endpoint=ENDPOINT, completion_window="24h")
    client.batches.cancel(second.id)
    cancelled = wait(client, second.id)
    asked = [{"role": "user", "content": "Say something."}]
    live = client.chat.completions.create(model="any", messages=asked)
    streamed = client.chat.completions.create(model="any", messages=asked, stream=True)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in streamed if chunk.choices)
    response = client.responses.create(model="any", input="Say something.")
    listed = [one.id for one in client.batches.list(limit=1)]
    assert client.files.delete(file.id).deleted
    result = {
        "status": batch.status,
        "metadata": batch.metadata,
        "counts": batch.request_counts.model_dump(),
        "answered": sorted(line["custom_id"] for line in lines if (line["response"] or {}).get("status_code") == 200),
        "failed": sorted(line["custom_id"] for line in lines if (line["response"] or {}).get("status_code") != 200),
        "cancelled": cancelled.status,
        "listed": sorted(listed) == sorted([made.id, second.id]),
        "live": bool(live.choices[0].message.content) and said == live.choices[0].message.content,
        "response": bool(response.output_text),
        "errors": [
            name_error(lambda: client.batches.retrieve("batch_none")),
            name_error(lambda: client.files.content("file-none")),
            name_error(
                lambda: client.batches.create(input_file_id=other.id, endpoint=ENDPOINT, completion_window="3h")
            ),
            name_error(lambda: client.batches.cancel(made.id)),
            name_error(lambda: client.chat.completions.create(model="any", messages=asked, max_tokens=-1)),
        ],
    }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
