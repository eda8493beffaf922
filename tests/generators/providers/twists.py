"""What servers do beyond the simulator's faults: odd objects, lists, files and bytes on the wire."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from tests.generators.twisting import Call, Reply, Twist

TWISTS: dict[str, Twist] = {}
OLD = [
    {"id": f"batch_old{number}", "object": "batch", "status": "completed", "input_file_id": f"file-old{number}"}
    for number in range(3)
]


def twist(name: str, *kinds: str) -> Callable[[Callable[[Call, Reply], Reply | None]], Twist]:
    """Register a change of the answers to calls of these kinds."""

    def register(change: Callable[[Call, Reply], Reply | None]) -> Twist:
        def apply(call: Call) -> Reply | None:
            reply = call.forward()
            return change(call, reply) if not kinds or call.kind in kinds else reply

        TWISTS[name] = apply
        return apply

    return register


def replace_calls(name: str, kind: str, count: int, answer: Callable[[Call], Reply | None]) -> None:
    """Register an answer given in place of the server's to the first `count` calls of a kind."""
    TWISTS[name] = lambda call: answer(call) if call.kind == kind and call.number < count else call.forward()


def refuse(status: int, message: str, **headers: str) -> Callable[[Call], Reply]:
    body = json.dumps({"error": {"message": message, "type": "error"}}).encode()
    return lambda call: Reply(status, body, {"content-type": "application/json", **headers})


def lose_create(call: Call) -> Reply | None:
    """The first create works, and its reply is lost."""
    reply = call.forward()
    return None if call.kind == "create" and not call.number else reply


def edit_lines(reply: Reply, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> Reply:
    lines = [json.dumps(edit(json.loads(line))).encode() for line in reply.body.splitlines()]
    return replace(reply, body=b"".join(line + b"\n" for line in lines))


def is_object(reply: Reply) -> bool:
    return reply.status in {200, 201} and reply.body.startswith(b"{")


# --- the list of batches, after a create whose reply was lost


def _list(name: str, show: Callable[[Call, list[dict[str, Any]]], dict[str, Any]]) -> None:
    def apply(call: Call) -> Reply | None:
        reply = lose_create(call)
        if call.kind == "list" and reply:
            return reply.with_document(show(call, reply.document["data"]))
        return reply

    TWISTS[name] = apply


_list("list: the same page for ever", lambda call, data: {"data": [*data, *OLD], "has_more": True})
_list(
    "list: two pages in turns",
    lambda call, data: {"data": [OLD[call.number % 2]] if call.number % 3 else [*data, OLD[2]], "has_more": True},
)
_list("list: oldest first", lambda call, data: {"data": [*OLD, *data], "has_more": False})
_list(
    "list: oldest first, one a page",
    lambda call, data: {"data": page_by_one(call, [*OLD, *data]), "has_more": None},
)
_list("list: without object, data alone", lambda call, data: {"data": [*data, *OLD]})
_list("list: null entries", lambda call, data: {"data": [None, *data, {}, "x"], "has_more": False})
_list("list: empty at first", lambda call, data: {"data": data if call.number > 2 else [], "has_more": False})
_list("list: metadata null", lambda call, data: {"data": [{**one, "metadata": None} for one in data]})
_list("list: no input file", lambda call, data: {"data": [{**one, "input_file_id": None} for one in data]})


@twist("list: not there at first")
def _(call: Call, reply: Reply) -> Reply | None:
    if call.kind == "list" and call.number < 2:
        return refuse(404, "no such route")(call)
    return None if call.kind == "create" and not call.number else reply


@twist("list: pages of 20 at most")
def _(call: Call, reply: Reply) -> Reply | None:
    if call.kind == "list" and "limit=100" in call.target:
        return refuse(400, "limit must be at most 20")(call)
    return None if call.kind == "create" and not call.number else reply


def page_by_one(call: Call, data: list[dict[str, Any]]) -> list[dict[str, Any]]:
    after = call.target.partition("after=")[2].partition("&")[0]
    ids = [one["id"] for one in data]
    start = ids.index(after) + 1 if after in ids else 0
    return data[start : start + 1]


# --- create and upload

replace_calls("create: 202 and no body", "create", 1, lambda call: call.forward() and Reply(202))
replace_calls("create: 200 and an empty object", "create", 1, lambda call: call.forward() and Reply(200, b"{}"))
replace_calls("create: 409 though it worked", "create", 1, lambda call: call.forward() and refuse(409, "exists")(call))
replace_calls("create: an error with status 200", "create", 1, refuse(200, "upstream overloaded"))
replace_calls("create: 429, to wait until a date", "create", 1, refuse(429, "busy", **{"retry-after": formatdate(0)}))
replace_calls("upload: empty reply", "upload", 1, lambda call: Reply(200))
replace_calls("upload: login page", "upload", 2, lambda call: Reply(200, b"<html>Sign in</html>"))
replace_calls("list: login page", "list", 1, lambda call: Reply(200, b"<html>Sign in</html>"))


@twist("create: twice by a gateway, and lost", "create")
def _(call: Call, reply: Reply) -> Reply | None:
    if call.number:
        return reply
    call.forward()
    return None


@twist("upload: taken twice", "upload")
def _(call: Call, reply: Reply) -> Reply | None:
    return reply if call.number else None


def _limit_rows(call: Call) -> Reply | None:
    if call.kind == "upload" and call.body.count(b"custom_id") > 2:
        return refuse(413, "Request Entity Too Large")(call)
    return call.forward()


TWISTS["upload: 413 above two rows"] = _limit_rows


@twist("ids are numbers")
def _(call: Call, reply: Reply) -> Reply:
    """Files and batches are known by numbers."""
    known = call.memory.setdefault("numbers", {})
    if not is_object(reply) or call.kind == "content":
        return reply
    document = reply.document
    for entry in document.get("data", [document]):
        for name in ("id", "input_file_id", "output_file_id", "error_file_id"):
            if isinstance(entry.get(name), str):
                entry[name] = known.setdefault(entry[name], 1000 + len(known))
    return reply.with_document(document)


def _translate_numbers(call: Call) -> Reply | None:
    names = {str(number): name for name, number in call.memory.get("numbers", {}).items()}
    call.target = "/".join(names.get(part, part) for part in call.target.split("/"))
    if call.kind == "create":
        order = json.loads(call.body)
        order["input_file_id"] = names.get(str(order["input_file_id"]), "?")
        call.body = json.dumps(order).encode()
    return _numbered(call)


_numbered = TWISTS["ids are numbers"]
TWISTS["ids are numbers"] = _translate_numbers


# --- the batch object


def _batch(name: str, change: Callable[[Call, dict[str, Any]], dict[str, Any]]) -> None:
    @twist(name, "create", "get", "list")
    def _(call: Call, reply: Reply) -> Reply:
        if not is_object(reply):
            return reply
        document = reply.document
        if "data" in document:
            return reply.change(data=[change(call, one) for one in document["data"]])
        return reply.with_document(change(call, document))


def _is_first_end(call: Call, batch: dict[str, Any], looks: int = 1) -> bool:
    """True at the first looks at a batch that has ended."""
    seen = call.memory.setdefault("ends", {})
    if call.kind != "get" or batch["status"] != "completed":
        return False
    seen[batch["id"]] = seen.get(batch["id"], 0) + 1
    return seen[batch["id"]] <= looks


_batch(
    "batch: counts fall",
    lambda call, one: {
        **one, "request_counts": {"total": 9 - min(call.number, 5), "completed": 9 - min(call.number, 5), "failed": 0}
    },
)  # fmt: skip
_batch("batch: id in capitals", lambda call, one: {**one, "id": one["id"].upper().replace("BATCH_", "batch_")})
_batch(
    "batch: another's output file at first",
    lambda call, one: {**one, "output_file_id": "file-other"} if _is_first_end(call, one, 2) else one,
)
_batch(
    "batch: completed without a file, then in progress again",
    lambda call, one: (
        {**one, "status": next(call.memory["shown"]), "output_file_id": None}
        if _is_first_end(call, one, 3)
        and call.memory.setdefault("shown", iter(("completed", "in_progress", "finalizing")))
        else one
    ),
)
_batch(
    "batch: failed at one look",
    lambda call, one: (
        {**one, "status": "failed", "errors": {"data": [{"code": "internal", "message": "try later"}]}}
        if call.kind == "get" and not call.number
        else one
    ),
)
_batch(
    "batch: failed at one look, no reason",
    lambda call, one: {**one, "status": "failed"} if call.kind == "get" and not call.number else one,
)


@twist("an error with status 200 at three polls", "get")
def _(call: Call, reply: Reply) -> Reply:
    return refuse(200, "try again later")(call) if call.number < 3 else reply


replace_calls("403 at one poll", "get", 1, refuse(403, "Forbidden"))
replace_calls("401 at one poll", "get", 1, refuse(401, "token expired"))


# --- files


def _file(name: str, change: Callable[[Call, Reply], Reply | None]) -> None:
    twist(name, "content")(lambda call, reply: change(call, reply) if reply.status == 200 else reply)


def _edit(name: str, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    _file(name, lambda call, reply: edit_lines(reply, edit))


def _first(call: Call, reply: Reply, edit: Callable[[bytes], bytes]) -> Reply:
    """The first line of the first batch's file changed."""
    head, _, rest = reply.body.partition(b"\n")
    if call.memory.setdefault("file", call.target) != call.target:
        return reply
    return replace(reply, body=edit(head) + b"\n" + rest)


def _set(line: bytes, **fields: Any) -> bytes:
    return json.dumps({**json.loads(line), **fields}).encode()


_file("file: 200 and empty at first", lambda call, reply: reply if call.number > 1 else Reply(200))
_file("file: gzip, length too long once", lambda call, reply: _zip(reply, 40) if not call.number else reply)
_file("file: gzip, length too short once", lambda call, reply: _zip(reply, -20) if not call.number else reply)
_file("file: HTTP/1.0 without length", lambda call, reply: replace(reply, length=-1))
_file("file: HTTP/1.0 cut once", lambda call, reply: reply if call.number else _cut(reply))
_file("file: no response and no error once", lambda call, reply: _first(call, reply, lambda x: _set(x, response=None)))
_file(
    "file: rows of other batches too",
    lambda call, reply: replace(reply, body=reply.body.replace(b"draft-", b"other-") + reply.body),
)
_edit("file: error beside the answer", lambda line: {**line, "error": {"code": None, "message": None}})


def _cut(reply: Reply) -> Reply:
    return replace(reply, length=-1, body=reply.body[: len(reply.body) // 2])


def _zip(reply: Reply, more: int) -> Reply:
    packed = gzip.compress(reply.body)
    return replace(reply, body=packed, length=len(packed) + more, headers={"content-encoding": "gzip"})


@twist("rows in both files", "get", "content")
def _(call: Call, reply: Reply) -> Reply:
    """The error file names rows of the output file too."""
    if call.kind == "get":
        batch = reply.document
        return reply.change(error_file_id="file-errors") if batch.get("output_file_id") else reply
    if "file-errors" not in call.target:
        call.memory["lines"] = reply.body
        return reply
    errors = Reply(200, call.memory["lines"])
    return edit_lines(errors, lambda line: {**line, "response": None, "error": {"code": "timeout", "message": "late"}})


# --- live


def _live(name: str, change: Callable[[Call, Reply], Reply | None]) -> None:
    twist(f"live: {name}", "chat")(change)


_live("HTTP/1.0 without length", lambda call, reply: replace(reply, length=-1))
_live("gzip, length too long once", lambda call, reply: reply if call.number else _zip(reply, 40))
replace_calls("live: 409 once", "chat", 1, refuse(409, "conflict"))
replace_calls("live: 429, to wait until a date", "chat", 1, refuse(429, "busy", **{"retry-after": formatdate(0)}))
replace_calls("live: 503, to wait 0.1 s", "chat", 2, refuse(503, "busy", **{"retry-after": "0.1"}))


def jump(seconds: float) -> Callable[[], float]:
    """A clock that is set forward or back by `seconds` after its first two readings."""
    start, readings = time.time(), iter(range(1 << 30))
    return lambda: (start if next(readings) < 2 else start + seconds) + (time.time() - start)
