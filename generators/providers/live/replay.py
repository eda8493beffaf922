"""Answers of the live pool as stored: each is appended to `raw/live.jsonl` before it is delivered.

A line is `{"custom_id": …, "body": <chat.completion>}`.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from goldspan.generators.providers.fields import as_mapping
from goldspan.generators.providers.parsing import load_document, read_completion
from goldspan.generators.providers.protocol import Answer

if TYPE_CHECKING:
    from goldspan.generators.providers.client import Reply

RAW_NAME = "live"
_BEGINNING = b'{"custom_id":"'


def make_line(custom_id: str, reply: Reply) -> bytes:
    """The line of an answer: its bytes as received, unless they would not be part of one line of JSON."""
    is_line = reply.raw.startswith(b"{") and b"\n" not in reply.raw
    body = reply.raw if is_line else json.dumps(reply.body).encode()
    return b'{"custom_id":' + orjson.dumps(custom_id) + b',"body":' + body + b"}\n"


def iter_stored(folder: Path, wanted: Container[str] | None = None) -> Iterator[Answer]:
    """The stored answers of a run, or those of the rows `wanted`; a line that was cut off by a crash is skipped."""
    path = folder / "raw" / f"{RAW_NAME}.jsonl"
    if not path.exists():
        return
    with path.open("rb") as lines:
        for line in lines:
            custom_id = line.removeprefix(_BEGINNING).partition(b'"')[0].decode(errors="replace")
            if wanted is not None and custom_id not in wanted:
                continue
            if body := as_mapping(as_mapping(load_document(line)).get("body")):
                yield read_completion(custom_id, body)
