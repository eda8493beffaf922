"""The pulled file: merge new records, keep conflicting edits apart, write atomically."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import AtomicFile, write_atomic
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.records import digest_record
from goldspan.annotation.tasks.store import read_records

FORMAT = 1


@dataclass(frozen=True, slots=True)
class PullState:
    """Content of `<file>.state.json`: the source of the tasks, and the watermark of the last pull."""

    url: str
    project: int
    watermark: str = ""
    format: int = FORMAT


@dataclass(slots=True)
class Merged:
    """Result of a merge: sample ids that are new, changed, gone or in conflict; `total` lines now."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    unchanged: int = 0
    total: int = 0


def find_state_file(path: Path) -> Path:
    """Path of a pulled file's state."""
    return path.with_suffix(".state.json")


def find_conflict_file(path: Path) -> Path:
    """Path of the records that both sides edited."""
    return path.with_suffix(".conflicts.jsonl")


def load_state(path: Path, client: StudioClient, project: int) -> PullState:
    """The state of a pulled file; an empty one before the first pull.

    Raises:
        StateError: the file belongs to another project, or its state is broken or newer than this release.

    """
    file = find_state_file(path)
    try:
        state = PullState(**orjson.loads(file.read_bytes()))
    except FileNotFoundError:
        return PullState(client.url, project)
    except (TypeError, ValueError):
        raise StateError(f"{file} is not a state of a pull; delete it and pull with --full.") from None
    if state.format > FORMAT:
        raise StateError(f"{file} was written by a newer Goldspan; use that one.")
    if state.project != project:
        raise StateError(f"{path} holds project {state.project}, not {project}; name another file with --output.")
    return state


def save_state(path: Path, state: PullState) -> None:
    """Write the state of a pulled file."""
    fields = {"url": state.url, "project": state.project, "watermark": state.watermark, "format": state.format}
    write_atomic(find_state_file(path), orjson.dumps(fields, option=orjson.OPT_INDENT_2))


class KnownTask(NamedTuple):
    """A task as last pulled: its `updated_at`, and whether it had drafts."""

    stamp: str
    drafts: bool


def read_known_tasks(path: Path) -> dict[int, KnownTask]:
    """The tasks in a pulled file, by id."""
    if not path.exists():
        return {}
    return {
        record.value["id"]: KnownTask(str(_read_pull(record.value).get("stamp", "")), bool(record.value.get("drafts")))
        for record in read_records(path)
        if isinstance(record.value.get("id"), int)
    }


def merge_records(path: Path, fresh: RecordFile, gone: set[int], *, take_remote: bool = False) -> Merged:
    """Rewrite the file with the fresh records, without the deleted tasks.

    A record that was edited on disk is never overwritten: when Label Studio has changed it too, it stays as it is
    and both sides go to the conflict file; `take_remote` takes Label Studio's side instead, the other one is in the
    conflict file all the same.
    """
    merged = Merged()
    conflicts: list[bytes] = []
    left = dict(fresh.places)
    with AtomicFile(path) as stream:
        for line in _iter_lines(path):
            local: dict[str, Any] = orjson.loads(line)
            kept: dict[str, Any] | None
            task = local.get("id")
            if task in left:
                remote = fresh.read(left.pop(task))
                kept = _choose(local, remote, merged, conflicts, take_remote=take_remote)
            elif task in gone:
                kept = _drop(local, merged, conflicts, take_remote=take_remote)
            else:
                kept = local
                merged.unchanged += 1
            if kept is local:
                stream.write(line)
            elif kept is not None:
                stream.write(orjson.dumps(kept, option=orjson.OPT_APPEND_NEWLINE))
            merged.total += kept is not None
        for place in left.values():
            remote = fresh.read(place)
            merged.added.append(remote["data"]["sample_id"])
            stream.write(orjson.dumps(remote, option=orjson.OPT_APPEND_NEWLINE))
            merged.total += 1
    if conflicts:
        write_atomic(find_conflict_file(path), b"".join(conflicts))
    return merged


class RecordFile:
    """Records fetched so far, on disk, so that an interrupted pull can resume.

    `places` gives the place of each record by task id. A line also holds a stamp, so that a record is fetched again
    when its task has changed since.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.places: dict[int, tuple[int, int]] = {}
        self.stamps: dict[int, str] = {}
        self._stream = path.open("a+b")
        self._stream.seek(0)
        self._end = 0
        for line in self._stream:
            if not line.endswith(b"\n"):
                break
            entry = orjson.loads(line)
            self._note(entry, len(line))
        self._stream.truncate(self._end)

    def add(self, task: int, stamp: str, record: dict[str, Any]) -> None:
        """Append a record."""
        entry = {"task": task, "stamp": stamp, "record": record}
        line = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
        self._stream.seek(self._end)
        self._stream.write(line)
        self._note(entry, len(line))

    def read(self, place: tuple[int, int]) -> dict[str, Any]:
        """The record at a place."""
        self._stream.flush()
        self._stream.seek(place[0])
        record: dict[str, Any] = orjson.loads(self._stream.read(place[1]))["record"]
        return record

    def keep_only(self, tasks: dict[int, str]) -> None:
        """Drop records of other tasks and of tasks that have changed since."""
        for task in [task for task, stamp in self.stamps.items() if tasks.get(task) != stamp]:
            del self.places[task], self.stamps[task]

    def flush(self) -> None:
        """Flush to disk."""
        self._stream.flush()

    def close(self, *, finished: bool) -> None:
        """Close the file, and delete it when the pull is done."""
        self._stream.close()
        if finished:
            self._path.unlink(missing_ok=True)

    def _note(self, entry: dict[str, Any], length: int) -> None:
        self.places[entry["task"]] = (self._end, length)
        self.stamps[entry["task"]] = entry["stamp"]
        self._end += length


def _choose(
    local: dict[str, Any], remote: dict[str, Any], merged: Merged, conflicts: list[bytes], *, take_remote: bool
) -> dict[str, Any]:
    base = _read_base(local)
    now, then = remote["data"]["provenance"]["pull"]["sha256"], digest_record(local)
    if now in (base, then):
        merged.unchanged += 1
        return local
    sample_id = remote["data"]["sample_id"]
    if then != base:
        merged.conflicts.append(sample_id)
        conflicts.append(_write_conflict(local, remote))
        if not take_remote:
            return local
    merged.updated.append(sample_id)
    return remote


def _drop(local: dict[str, Any], merged: Merged, conflicts: list[bytes], *, take_remote: bool) -> dict[str, Any] | None:
    sample_id = _read_name(local)
    if digest_record(local) != _read_base(local):
        merged.conflicts.append(sample_id)
        conflicts.append(_write_conflict(local, None))
        if not take_remote:
            return local
    merged.removed.append(sample_id)
    return None


def _read_base(local: dict[str, Any]) -> str:
    return str(_read_pull(local).get("sha256", ""))


def _read_name(record: dict[str, Any]) -> str:
    return str(record.get("data", {}).get("sample_id") or f"task {record['id']}")


def _read_pull(record: dict[str, Any]) -> dict[str, Any]:
    pull = record.get("data", {}).get("provenance", {}).get("pull", {})
    return pull if isinstance(pull, dict) else {}


def _write_conflict(local: dict[str, Any], remote: dict[str, Any] | None) -> bytes:
    entry = {"sample_id": _read_name(local), "task": local["id"], "local": local, "remote": remote}
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def _iter_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as stream:
            for line in stream:
                if line.strip():
                    yield line if line.endswith(b"\n") else line + b"\n"
