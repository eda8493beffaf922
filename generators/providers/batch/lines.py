"""Parse the lines of output and error files, damaged ones as far as they can be read."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple

from goldspan.generators.providers.parsing import load_document, load_json_bytes, read_completion, read_error
from goldspan.generators.providers.protocol import Answer, AnswerState

UNREADABLE = "unreadable_line"
_CUSTOM_ID = re.compile(rb'"custom_id"\s*:\s*"([\x20-\x7e]{1,64}?)"')
_MARKS = (b'"custom_id"', b'"response"', b'"error"', b"batch_req_")
_LINE_KEYS = frozenset({"custom_id", "response", "error", "choices"})
_NOT_BLANK = re.compile(r"[^\s,]")


class LineKind(StrEnum):
    """What a line is: an answer, a damaged line that names its row, one that names none, or nothing of a batch."""

    ANSWER = "answer"
    DAMAGED = "damaged"
    NAMELESS = "nameless"
    FOREIGN = "foreign"
    BLANK = "blank"


class ParsedLine(NamedTuple):
    """A line and its answer; that of a nameless line has no custom_id, that of a damaged one is FAILED."""

    kind: LineKind
    answer: Answer | None = None


async def join_lines(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The lines of a file that comes in chunks, without their ends; each byte is copied once, however long its line."""
    pieces: list[bytes] = []
    async for chunk in chunks:
        first, *others = chunk.split(b"\n")
        pieces.append(first)
        for other in others:
            yield b"".join(pieces)
            pieces = [other]
    if rest := b"".join(pieces):
        yield rest


def parse_line(line: bytes) -> ParsedLine:
    """Parse one line; never raises."""
    line = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not line:
        return ParsedLine(LineKind.BLANK)
    try:
        document = load_json_bytes(line)
    except (ValueError, RecursionError):
        return _parse_damaged(line)
    if not isinstance(document, Mapping):
        return ParsedLine(LineKind.FOREIGN)
    custom_id = document.get("custom_id")
    if isinstance(custom_id, str) and custom_id:
        return ParsedLine(LineKind.ANSWER, _read_document(custom_id, document))
    if _LINE_KEYS & document.keys():
        return ParsedLine(LineKind.NAMELESS, _read_document("", document))
    return ParsedLine(LineKind.FOREIGN)


def split_documents(content: bytes) -> list[Any]:
    """The objects of a file that writes them over several lines, in a list, or in a list within an object."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return []
    decoder, found, place = json.JSONDecoder(strict=False), list[Any](), 0
    while (start := _NOT_BLANK.search(text, place)) is not None:
        try:
            document, place = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            return []
        if isinstance(document, Mapping) and not _LINE_KEYS & document.keys():
            document = next((value for value in document.values() if isinstance(value, list)), document)
        found += document if isinstance(document, list) else [document]
    return found


def read_line(line: bytes) -> Answer | None:
    """The answer of a whole line; None if the line names no row."""
    parsed = parse_line(line)
    return parsed.answer if parsed.kind is LineKind.ANSWER else None


def make_unreadable(custom_id: str) -> Answer:
    """The answer of a row whose line cannot be read."""
    message = "the provider's line for this row cannot be read; it is kept in the run's folder raw/"
    return Answer(custom_id, AnswerState.FAILED, error=UNREADABLE, message=message)


def find_custom_id(line: bytes) -> str:
    """The custom_id that a line names, also one that is no JSON; empty if there is none."""
    match = _CUSTOM_ID.search(line)
    return match[1].decode("ascii") if match else ""


def _parse_damaged(line: bytes) -> ParsedLine:
    if custom_id := find_custom_id(line):
        return ParsedLine(LineKind.DAMAGED, make_unreadable(custom_id))
    is_ours = line.startswith(b"{") and any(mark in line for mark in _MARKS)
    return ParsedLine(LineKind.NAMELESS if is_ours else LineKind.FOREIGN)


def _read_document(custom_id: str, document: Mapping[str, Any]) -> Answer:
    response = document.get("response")
    if response is None and "choices" in document:
        return read_completion(custom_id, document)
    if isinstance(response, Mapping):
        return _read_response(custom_id, response)
    error = document.get("error")
    code, message = read_error(error) if error else ("", "")
    if code in {"", "error"}:
        code = "no_response"
    return _fail(custom_id, code, message or "the line holds neither an answer nor an error")


def _read_response(custom_id: str, response: Mapping[str, Any]) -> Answer:
    body = response.get("body")
    if body is None and "choices" in response:
        body = response
    status = _read_status(response.get("status_code"))
    if isinstance(body, str):
        said, body = body, load_document(body.encode("utf-8", "surrogatepass"))
        if body is None and status != 200:
            body = {"error": {"message": said[:300]}}
    if status == 200 and isinstance(body, Mapping):
        return read_completion(custom_id, body)
    code, message = read_error(body["error"]) if isinstance(body, Mapping) and body.get("error") else ("", "")
    failed = _fail(custom_id, f"http_{status}", message or "the provider could not answer the row")
    return replace(failed, detail=code)


def _read_status(value: Any) -> int:
    """The status of a row; 200 for all that mean success, or where the line does not say."""
    try:
        status = int(value)
    except (TypeError, ValueError, OverflowError):
        return 200
    return status if status >= 300 else 200


def _fail(custom_id: str, code: str, message: str) -> Answer:
    return Answer(custom_id, AnswerState.FAILED, error=code, message=message)
