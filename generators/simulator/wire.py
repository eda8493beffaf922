"""Wire objects, as each provider writes them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Mapping
from typing import Any

import orjson

from goldspan.generators.providers.profiles import ProviderProfile
from goldspan.generators.simulator.model_output import ModelOutput
from goldspan.generators.simulator.state import read_json

ERROR_TYPES = {400: "invalid_request_error", 401: "invalid_request_error", 402: "insufficient_quota", 404: "not_found"}


def build_error(message: str, status: int, code: str | None = None) -> dict[str, Any]:
    """An error body."""
    kind = ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def make_file(row: sqlite3.Row, profile: ProviderProfile) -> dict[str, Any]:
    """A file object; `status` only where the provider has it."""
    document = {
        "id": row["id"],
        "object": "file",
        "bytes": row["bytes"],
        "created_at": int(row["created_at"]),
        "expires_at": int(row["expires_at"]),
        "filename": row["filename"],
        "purpose": row["purpose"],
    }
    if profile.has_file_status:
        document |= {"status": "processed", "status_details": None}
    if profile.name == "mistral":
        kind = "instruct" if row["purpose"] == "fine-tune" else "batch_request"
        document |= {"sample_type": kind, "source": "upload", "deleted": False}
    return document


def make_batch(row: sqlite3.Row, profile: ProviderProfile, now: float) -> dict[str, Any]:
    """A batch object. Where nothing expires, `expired_at` still shows a deadline that has passed."""
    expired_at = row["expired_at"]
    if not profile.emits_expired and expired_at is None and row["expires_at"] <= now:
        expired_at = row["expires_at"]
    metadata = read_json(row["metadata"])
    if profile.list_supports_search:
        metadata = {**(metadata or {}), "request_source": "api", "created_by_email": "you@example.test"}
    times = {
        name: _whole(row[name])
        for name in (
            "created_at",
            "in_progress_at",
            "finalizing_at",
            "completed_at",
            "failed_at",
            "cancelling_at",
            "cancelled_at",
            "expires_at",
        )
    }
    absent = "" if row["empty_ids"] else None
    return {
        "id": row["id"],
        "object": "batch",
        "endpoint": row["endpoint"],
        "errors": read_json(row["errors"]),
        "input_file_id": row["input_file_id"],
        "completion_window": row["window"],
        "status": row["status"],
        "output_file_id": row["output_file_id"] or absent,
        "error_file_id": row["error_file_id"] or absent,
        **times,
        "expired_at": _whole(expired_at),
        "request_counts": {"total": row["total"], "completed": row["completed"], "failed": row["failed"]},
        "metadata": metadata,
    }


def make_completion(body: Mapping[str, Any], written: ModelOutput, now: float) -> dict[str, Any]:
    """A `chat.completion` object. Tokens are counted as bytes / 4."""
    count = int(body.get("n") or 1)
    prompt = count_tokens(body.get("messages"))
    completion = count * max(1, len(written.content.encode()) // 4)
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(now),
        "model": str(body.get("model") or ""),
        "choices": [
            {
                "index": index,
                "message": {
                    "role": "assistant",
                    "content": written.content if not written.refusal else None,
                    "refusal": written.refusal or None,
                },
                "logprobs": None,
                "finish_reason": written.finish_reason,
            }
            for index in range(count)
        ],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        },
    }


def make_output_line(custom_id: str, completion: Mapping[str, Any], profile: ProviderProfile) -> bytes:
    """One line of an output file."""
    request_id = uuid.uuid4().hex if profile.has_file_status else None
    response = {"status_code": 200, "request_id": request_id, "body": completion}
    return _make_line(custom_id, response, None)


def make_error_line(custom_id: str, profile: ProviderProfile, code: str, message: str) -> bytes:
    """One line of an error file: OpenAI reports a row that ran and failed as a response, Doubleword as an error."""
    if profile.has_file_status and not code.startswith("batch_"):
        response = {"status_code": 400, "request_id": uuid.uuid4().hex, "body": build_error(message, 400, code)}
        return _make_line(custom_id, response, None)
    return _make_line(custom_id, None, {"code": code, "message": message})


def count_tokens(value: Any) -> int:
    """Roughly how many tokens a JSON value has: bytes / 4."""
    return max(1, len(orjson.dumps(value)) // 4)


def _make_line(custom_id: str, response: Mapping[str, Any] | None, error: Mapping[str, str] | None) -> bytes:
    return orjson.dumps(
        {"id": f"batch_req_{uuid.uuid4().hex}", "custom_id": custom_id, "response": response, "error": error}
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
