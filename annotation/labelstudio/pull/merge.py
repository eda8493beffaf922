"""Merge fetched records into the pulled file; edits of both sides are kept apart, and nothing is half written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldspan.annotation.errors import RecordError
from goldspan.annotation.files import AtomicFile, write_atomic
from goldspan.annotation.labelstudio.pull.record_file import RecordFile
from goldspan.annotation.labelstudio.pull.records import digest_record
from goldspan.annotation.tasks.record import (
    holds_layer,
    is_packed,
    pack_record,
    read_packed_id,
    unpack_data,
    unpack_record,
)

_LOCAL, _REMOTE = "local", "remote"


@dataclass(slots=True)
class Merged:
    """Result of a merge: sample ids that are new, changed, gone or in conflict; `total` lines now."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unchanged: int = 0
    total: int = 0


def find_conflict_file(path: Path) -> Path:
    """Path of the records that both sides edited: each with its two versions, and which of them was kept."""
    return path.with_suffix(".conflicts.jsonl")


class KnownTask(NamedTuple):
    """A task as last pulled: its `updated_at`, whether it had drafts, and whether anybody had worked on it."""

    stamp: str
    drafts: bool
    touched: bool = True


def is_torn(path: Path) -> bool:
    """True for a file that does not end in a line break: it was cut, and nobody knows what else it held."""
    if not path.exists():
        return False
    with path.open("rb") as stream:
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 1))
        return stream.read() not in {b"", b"\n"}


def read_known_tasks(path: Path) -> dict[int, KnownTask]:
    """The tasks in a pulled file, by id; without the one of a line that breaks off.

    Raises:
        RecordError: a line is no record.
    """
    known: dict[int, KnownTask] = {}
    for number, line in enumerate(_iter_records(path), start=1):
        record = _parse_record(line, path, number)
        if isinstance(task := record.get("id"), int) and task:
            drafts = holds_layer(record, "drafts")
            stamp = str(read_pull(record).get("stamp", ""))
            known[task] = KnownTask(stamp, drafts, drafts or holds_layer(record, "annotations"))
    return known


def _parse_record(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
        problem = "not a record with data and an object as its provenance"
    except orjson.JSONDecodeError as error:
        record, problem = None, f"not valid JSON: {error.msg}"
    if isinstance(record, dict) and isinstance(record.get("data"), dict):
        record = unpack_data(record)
        if isinstance(record["data"].get("provenance", {}), dict):
            return record
    raise RecordError(
        f"{problem}. Correct the line, or move the file away to pull all of it again", file=str(path), line=number
    )


def merge_records(path: Path, fresh: RecordFile, gone: set[int], *, take_remote: bool = False) -> Merged:
    """Rewrite the file with the fresh records, without the deleted tasks.

    A record that was edited on disk is never overwritten: when Label Studio has changed it too, it stays as it is
    and both sides go to the conflict file until they agree; `take_remote` takes Label Studio's side instead. The other
    one is then in the conflict file alone: it is written first, and stays there. A last line that breaks off is left
    out.
    """
    merged = Merged()
    conflicts: list[bytes] = []
    waiting: set[int | None] = set()
    left = dict(fresh.places)
    with AtomicFile(path, mode=0o600) as stream:
        for line in _iter_records(path):
            number = read_packed_id(line)
            if number is not None and number not in left and number not in gone:
                stream.write(line)
                waiting.add(number)
                merged.unchanged += 1
                merged.total += 1
                continue
            stored = orjson.loads(line)
            local = unpack_record(stored)
            kept: dict[str, Any] | None
            task = local.get("id")
            if task in left:
                remote = fresh.read(left.pop(task))
                kept = _choose(local, remote, merged, conflicts, take_remote=take_remote)
            elif task in gone:
                kept = _drop(local, merged, conflicts, take_remote=take_remote)
            else:
                kept = local
                waiting.add(task)
                merged.unchanged += 1
            if kept is local:
                stream.write(line if is_packed(stored) else _repack(line, local))
            elif kept is not None:
                stream.write(pack_record(kept))
            merged.total += kept is not None
        for place in left.values():
            remote = fresh.read(place)
            merged.added.append(remote["data"]["sample_id"])
            stream.write(pack_record(remote))
            merged.total += 1
        _update_conflicts(find_conflict_file(path), conflicts, waiting)
    return merged


def _update_conflicts(file: Path, conflicts: Sequence[bytes], waiting: Set[int | None]) -> None:
    """Add conflicts to their file, and take out those that are decided: `waiting` tasks were not looked at."""
    before = list(_iter_lines(file))
    lines = list(dict.fromkeys((*(line for line in before if _stays(line, waiting)), *conflicts)))
    if not lines:
        file.unlink(missing_ok=True)
    elif lines != before:
        write_atomic(file, b"".join(lines))


def _stays(line: bytes, waiting: Set[int | None]) -> bool:
    """True for a conflict that was not looked at, a record that is nowhere else, and a line that is none of ours."""
    try:
        entry = orjson.loads(line)
        return entry["kept"] != _LOCAL or entry["task"] in waiting
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return True


def _choose(
    local: dict[str, Any], remote: dict[str, Any], merged: Merged, conflicts: list[bytes], *, take_remote: bool
) -> dict[str, Any]:
    base = _read_base(local)
    remote = keep_shown(local, remote)
    now, then = remote["data"]["provenance"]["pull"]["sha256"], digest_record(local)
    if now in (base, then):
        merged.unchanged += 1
        return local
    sample_id = remote["data"]["sample_id"]
    if then != base:
        merged.conflicts.append(sample_id)
        conflicts.append(_write_conflict(local, remote, _REMOTE if take_remote else _LOCAL))
        if not take_remote:
            return local
    merged.updated.append(sample_id)
    return remote


def keep_shown(local: dict[str, Any], remote: dict[str, Any]) -> dict[str, Any]:
    """The remote record with those predictions of the local one that its reviews started from and that it lacks."""
    known = {item.get("id") for item in remote["predictions"]}
    parents = {item.get("parent_prediction") for item in remote["annotations"]} - known
    shown = [item for item in local.get("predictions", ()) if item.get("id") in parents - {None}]
    if not shown:
        return remote
    data = remote["data"]
    kept = remote | {"predictions": [*shown, *remote["predictions"]]}
    pull = {**data["provenance"]["pull"], "sha256": digest_record(kept)}
    return kept | {"data": {**data, "provenance": {**data["provenance"], "pull": pull}}}


def _drop(local: dict[str, Any], merged: Merged, conflicts: list[bytes], *, take_remote: bool) -> dict[str, Any] | None:
    sample_id = _read_name(local)
    if digest_record(local) != _read_base(local):
        merged.conflicts.append(sample_id)
        conflicts.append(_write_conflict(local, None, _REMOTE if take_remote else _LOCAL))
        if not take_remote:
            return local
    merged.removed.append(sample_id)
    return None


def _read_base(local: dict[str, Any]) -> str:
    return str(read_pull(local).get("sha256", ""))


def _read_name(record: dict[str, Any]) -> str:
    return str(record.get("data", {}).get("sample_id") or f"task {record['id']}")


def read_pull(record: dict[str, Any]) -> dict[str, Any]:
    """What the pull noted in a record: `stamp` and `sha256`."""
    pull = record.get("data", {}).get("provenance", {}).get("pull", {})
    return pull if isinstance(pull, dict) else {}


def _repack(line: bytes, record: dict[str, Any]) -> bytes:
    """The line of an older version, packed; as it is if that would look like an edit."""
    packed = pack_record(record)
    return packed if unpack_record(orjson.loads(packed)) == record else line


def _write_conflict(local: dict[str, Any], remote: dict[str, Any] | None, kept: str) -> bytes:
    entry = {"sample_id": _read_name(local), "task": local["id"], "kept": kept, "local": local, "remote": remote}
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def _iter_records(path: Path) -> Iterator[bytes]:
    return (_complete(line) for line in _iter_raw(path) if not _breaks_off(line))


def _iter_lines(path: Path) -> Iterator[bytes]:
    return map(_complete, _iter_raw(path))


def _iter_raw(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as stream:
            for line in stream:
                if line.strip():
                    yield line


def _complete(line: bytes) -> bytes:
    return line if line.endswith(b"\n") else line + b"\n"


def _breaks_off(line: bytes) -> bool:
    """True for the beginning of a record without its end."""
    if line.endswith(b"\n") or not line.startswith(b"{"):
        return False
    try:
        orjson.loads(line.decode("utf-8", "ignore"))
    except orjson.JSONDecodeError as error:
        return error.msg.startswith("unexpected end of data")
    return False
