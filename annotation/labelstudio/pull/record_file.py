"""Records that a pull has fetched so far, on disk, so that an interrupted pull can resume."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.files import make_private_folder, open_private


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
            if (entry := _read_entry(line)) is None:
                break
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


def _read_entry(line: bytes) -> dict[str, Any] | None:
    """The entry of a line; None for one that a crash left torn or blank."""
    try:
        entry = orjson.loads(line) if line.endswith(b"\n") else None
    except orjson.JSONDecodeError:
        return None
    return entry if isinstance(entry, dict) and entry.keys() == {"task", "stamp", "record"} else None
