"""The state of a pulled file: which project it holds, and what the last pull saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import find_json, write_atomic
from goldspan.annotation.identity import hash_text
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.pull.merge import read_pull
from goldspan.annotation.tasks.jsonl import read_records

FORMAT = 3
_SUFFIX = ".state.json"
_SAMPLED = 20
"""Tasks that are compared to find out whether a file without state belongs to a project."""


@dataclass(frozen=True, slots=True)
class PullState:
    """Content of `<file>.state.json`: the source of the tasks, and what the last pull saw.

    `created_at` is when the project was created, to the microsecond: with its number it tells a project from another
    one of the same number, on another server or after the server was set up again. `rules` is a digest of what decides
    how tasks are read; `refused` are the tasks that could not be read, by id. The watermark is the newest `updated_at`,
    first seen at `seen_at` (seconds since 1970, by our clock); up to `settled` nothing can appear any more. `tasks`
    counts those in the file: one with fewer has lost some.
    """

    url: str
    project: int
    created_at: str = ""
    watermark: str = ""
    seen_at: float = 0.0
    settled: str = ""
    rules: str = ""
    refused: dict[str, RefusedTask] = field(default_factory=dict)
    tasks: int = 0
    format: int = FORMAT


class RefusedTask(NamedTuple):
    """A task that could not be read: its `updated_at`, sample id and the reason."""

    stamp: str
    sample_id: str
    reason: str


def find_state_file(path: Path) -> Path:
    """Path of a pulled file's state."""
    return path.with_suffix(_SUFFIX)


def find_pulled_file(folder: Path, project: Mapping[str, Any]) -> Path | None:
    """The file of a folder that this very project was pulled to, whatever its title was then; None before the first.

    Joined files of adoptions have no rules and are none.
    """
    for file in sorted(folder.glob(f"*{_SUFFIX}")):
        state = find_json(file)
        is_same = (state.get("project"), state.get("created_at")) == (project["id"], project.get("created_at"))
        if is_same and state.get("created_at") and state.get("rules"):
            return file.with_name(f"{file.name.removesuffix(_SUFFIX)}.jsonl")
    return None


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
        for record in (read_records(path, lambda _: None) if path.exists() else ())
        if isinstance(number := record.value.get("id"), int) and read_pull(record.value)
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
