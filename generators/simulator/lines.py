"""The lines of a batch input file and their validation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldspan.generators.providers.profiles import ProviderProfile

ENDPOINTS = ("/v1/chat/completions",)


class Line(NamedTuple):
    """One line: its number from 0, its place in the file (bytes), and its JSON (None if it is not JSON)."""

    number: int
    place: int
    size: int
    document: Any


class LineProblem(NamedTuple):
    """Why a line is refused: HTTP status, code and sentence."""

    status: int
    code: str
    message: str


def iter_lines(path: Path) -> Iterator[Line]:
    """The lines of a file, blank ones left out."""
    place = number = 0
    with path.open("rb") as source:
        for raw in source:
            if raw.strip():
                yield Line(number, place, len(raw), _parse(raw))
                number += 1
            place += len(raw)


def find_problem(line: Line, profile: ProviderProfile) -> LineProblem | None:
    """What is wrong with a line, or None."""
    document = line.document
    if not isinstance(document, dict):
        return LineProblem(400, "invalid_json_line", "This line is not parseable as valid JSON.")
    custom_id, body = document.get("custom_id"), document.get("body")
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= 64 or not custom_id.isascii():
        return LineProblem(400, "invalid_custom_id", "custom_id must be 1 to 64 printable ASCII characters.")
    if document.get("method") != "POST":
        return LineProblem(400, "invalid_method", "method must be POST.")
    if document.get("url") not in ENDPOINTS:
        return LineProblem(400, "invalid_url", f"url must be one of {', '.join(ENDPOINTS)}.")
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list) or not body["messages"]:
        return LineProblem(400, "invalid_body", "body needs a list of messages.")
    if not body.get("model"):
        return LineProblem(403, "model_not_found", "body names no model that you may use.")
    if line.size > profile.max_body_bytes:
        return LineProblem(413, "body_too_large", f"A request may have {profile.max_body_bytes} bytes at most.")
    return None


def find_other_model(line: Line, model: str) -> LineProblem | None:
    """OpenAI runs one model per file: what is wrong with a line that asks another."""
    if line.document["body"]["model"] == model:
        return None
    return LineProblem(400, "mismatched_model", f"The model of this line differs from that of the first, {model}.")


def _parse(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
