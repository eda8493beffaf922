"""Local record of the samples that were pushed, so that no request is needed to know.

One file a project, `pushed/<project>.json` in the workspace: url, project, title, at, sample_ids.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.files import find_json, write_atomic
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample


class PushedIds:
    """Iterates over samples and collects their ids."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self._samples = samples
        self._ids: Counter[str] = Counter()

    def __iter__(self) -> Iterator[Sample]:
        for sample in self._samples:
            self._ids[identify_sample(sample)] += 1
            yield sample

    def without(self, refused: Iterable[str]) -> list[str]:
        """The collected ids without those that were refused as often as they came."""
        return list(self._ids - Counter(refused))


def record_pushed(workspace: Workspace, url: str, project: int, title: str, sample_ids: Iterable[str]) -> Path:
    """Record samples as pushed to a project; returns the file."""
    path = workspace.root / "pushed" / f"{project}.json"
    with hold_lock(f"pushed {path.resolve()}"):
        known = _read(path)
        before = known["sample_ids"] if known.get("url") == url else ()
        record = {
            "url": url,
            "project": project,
            "title": title,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "sample_ids": list(dict.fromkeys([*before, *sample_ids])),
        }
        write_atomic(path, orjson.dumps(record))
    return path


def read_pushed(workspace: Workspace) -> set[str]:
    """Ids of all samples that were pushed from this workspace; unreadable files are ignored."""
    files = sorted((workspace.root / "pushed").glob("*.json"))
    return {sample_id for file in files for sample_id in _read(file).get("sample_ids", ())}


def find_pushed(workspace: Workspace, sample_ids: Sequence[str]) -> tuple[str, int]:
    """The address of Label Studio and the project that all of these samples were pushed to; empty if there is none."""
    for file in sorted((workspace.root / "pushed").glob("*.json")):
        record = _read(file)
        url, project = record.get("url"), record.get("project")
        if isinstance(url, str) and isinstance(project, int) and set(sample_ids) <= set(record["sample_ids"]):
            return url, project
    return "", 0


def _read(path: Path) -> dict[str, Any]:
    record = find_json(path)
    ids = record.get("sample_ids")
    return record if isinstance(ids, list) and all(isinstance(sample_id, str) for sample_id in ids) else {}
