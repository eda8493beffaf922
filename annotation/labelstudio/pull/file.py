"""The pulled file: merge new records, keep conflicting edits apart, write atomically."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldspan.annotation.errors import RecordError, StateError
from goldspan.annotation.files import AtomicFile, make_private_folder, open_private, write_atomic
from goldspan.annotation.identity import hash_text
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.records import digest_record
from goldspan.annotation.tasks.record import (
    holds_layer,
    is_packed,
    pack_record,
    read_packed_id,
    unpack_data,
    unpack_record,
)
from goldspan.annotation.tasks.store import read_records

FORMAT = 3
_SAMPLED = 20
"""Tasks that are compared to find out whether a file without state belongs to a project."""


@dataclass(frozen=True, slots=True)
class PullState:
    """Content of `<file>.state.json`: the source of the tasks, and what the last pull saw.

    `created_at` is when the project was created, to the microsecond: with its number it tells a project from another
    one of the same number, on another server or after the server was set up again. `rules` is a digest of what decides
    how tasks are read; `refused` are the tasks that could not be read, by id. The watermark is the newest `updated_at`,
    first seen at `seen_at` (seconds since 1970, by our clock); up to `settled` nothing can appear any more.
    """

    url: str
    project: int
    created_at: str = ""
    watermark: str = ""
    seen_at: float = 0.0
    settled: str = ""
    rules: str = ""
    refused: dict[str, RefusedTask] = field(default_factory=dict)
    format: int = FORMAT


class RefusedTask(NamedTuple):
    """A task that could not be read: its `updated_at`, sample id and the reason."""

    stamp: str
    sample_id: str
    reason: str


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


def load_state(path: Path, client: StudioClient, project: Mapping[str, Any]) -> PullState:
    """The state of a pulled file, checked to be of this very project; an empty one before the first pull.

    Raises:
        StateError: the file holds another project, or the same number on another server, or its state is broken or
            newer than this release.

    """
    file = find_state_file(path)
    fresh = PullState(client.url, project["id"], str(project.get("created_at") or ""))
    try:
        document = orjson.loads(file.read_bytes())
        refused = {task: RefusedTask(*entry) for task, entry in document.pop("refused", {}).items()}
        state = PullState(**document, refused=refused)
    except FileNotFoundError:
        _require_same_tasks(path, client, project)
        return fresh
    except (AttributeError, TypeError, ValueError):
        raise StateError(f"{file} is not a state of a pull; delete it and pull with --full.") from None
    if state.format > FORMAT:
        raise StateError(f"{file} was written by a newer Goldspan; use that one.")
    if state.project != fresh.project:
        raise StateError(f"{path} holds project {state.project}, not {fresh.project}; name another file with --output.")
    if state.created_at:
        same = state.created_at == fresh.created_at
    else:
        same = state.url == fresh.url and (not state.watermark or state.watermark > fresh.created_at)
    if not same:
        raise StateError(
            f"{path} holds project {state.project} of {state.url}, created {state.created_at or 'earlier'}; project "
            f"{fresh.project} of {fresh.url} was created {fresh.created_at} and is another one. Nothing was changed. "
            "Name another file with --output, or move this one away."
        )
    return replace(state, url=fresh.url, created_at=fresh.created_at)


def save_state(path: Path, state: PullState) -> None:
    """Write the state of a pulled file."""
    refused = {task: list(entry) for task, entry in state.refused.items()}
    document = asdict(state) | {"refused": refused, "format": FORMAT}
    write_atomic(find_state_file(path), orjson.dumps(document, option=orjson.OPT_INDENT_2), mode=0o600)


def _require_same_tasks(path: Path, client: StudioClient, project: Mapping[str, Any]) -> None:
    """Check a file whose state is gone by the texts of some of its tasks."""
    texts = {
        number: hash_text(str(record.value.get("data", {}).get("text")))
        for record in (read_records(path) if path.exists() else ())
        if isinstance(number := record.value.get("id"), int) and _read_pull(record.value)
    }
    sampled = sorted(texts)[:: max(1, len(texts) // _SAMPLED)]
    if not sampled:
        return
    found = {task["id"]: task["data"] for task in client.read_tasks(project["id"], sampled, "id,data")}
    same = [
        number
        for number, data in found.items()
        if texts[number] in {hash_text(value) for value in data.values() if isinstance(value, str)}
    ]
    if not same:
        raise StateError(
            f"{path} has no state file, and its tasks are not those of project {project['id']} of {client.url}. "
            "Nothing was changed. Name another file with --output, or move this one away."
        )


class KnownTask(NamedTuple):
    """A task as last pulled: its `updated_at`, whether it had drafts, and whether anybody had worked on it."""

    stamp: str
    drafts: bool
    touched: bool = True


def read_known_tasks(path: Path) -> dict[int, KnownTask]:
    """The tasks in a pulled file, by id."""
    known: dict[int, KnownTask] = {}
    for number, line in enumerate(_iter_lines(path), start=1):
        try:
            record = unpack_data(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            raise RecordError(f"not valid JSON: {error.msg}", file=str(path), line=number) from None
        if isinstance(task := record.get("id"), int) and task:
            drafts = holds_layer(record, "drafts")
            stamp = str(_read_pull(record).get("stamp", ""))
            known[task] = KnownTask(stamp, drafts, drafts or holds_layer(record, "annotations"))
    return known


def merge_records(path: Path, fresh: RecordFile, gone: set[int], *, take_remote: bool = False) -> Merged:
    """Rewrite the file with the fresh records, without the deleted tasks.

    A record that was edited on disk is never overwritten: when Label Studio has changed it too, it stays as it is
    and both sides go to the conflict file; `take_remote` takes Label Studio's side instead, the other one is in the
    conflict file all the same.
    """
    merged = Merged()
    conflicts: list[bytes] = []
    left = dict(fresh.places)
    with AtomicFile(path, mode=0o600) as stream:
        for line in _iter_lines(path):
            number = read_packed_id(line)
            if number is not None and number not in left and number not in gone:
                stream.write(line)
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
    if conflicts:
        write_atomic(find_conflict_file(path), b"".join(conflicts), mode=0o600)
    return merged


class RecordFile:
    """Records fetched so far, on disk, so that an interrupted pull can resume.

    `places` gives the place of each record by task id. A line also holds a stamp, so that a record is fetched again
    when its task has changed since.
    """

    def __init__(self, path: Path) -> None:
        make_private_folder(path.parent)
        self._path = path
        self.places: dict[int, tuple[int, int]] = {}
        self.stamps: dict[int, str] = {}
        self._stream = open(path, "a+b", opener=open_private)  # noqa: SIM115
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
    remote = keep_shown(local, remote)
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


def _repack(line: bytes, record: dict[str, Any]) -> bytes:
    """The line of an older version, packed; as it is if that would look like an edit."""
    packed = pack_record(record)
    return packed if unpack_record(orjson.loads(packed)) == record else line


def _write_conflict(local: dict[str, Any], remote: dict[str, Any] | None) -> bytes:
    entry = {"sample_id": _read_name(local), "task": local["id"], "local": local, "remote": remote}
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def _iter_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as stream:
            for line in stream:
                if line.strip():
                    yield line if line.endswith(b"\n") else line + b"\n"
