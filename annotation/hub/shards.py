"""The data files of a snapshot, and their rows one at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.formats.parquet import read_parquet_rows
from goldspan.annotation.formats.wrappers import unwrap_rows
from goldspan.annotation.identity import digest
from goldspan.annotation.tasks.jsonl import read_records

_SUFFIXES = (".parquet", ".jsonl", ".json")
_SPLIT = re.compile(r"(?<![a-z])(train|training|test|validation|valid|val|dev)(?![a-z])")
_SPLIT_NAMES = {"training": "train", "valid": "validation", "val": "validation", "dev": "validation"}
_NO_DATA = {"dataset_infos.json", "dataset_info.json", "state.json", "config.json"}


@dataclass(frozen=True, slots=True)
class HubShard:
    """A data file of the repository, and the split in its name: `train` if there is none.

    `name` is a file name for what is made of it, unique within the repository.
    """

    file: str
    split: str
    name: str


def list_shards(files: Sequence[str], splits: Sequence[str] = ()) -> list[HubShard]:
    """The data files among the files of a repository: Parquet if there is any, else JSON lines.

    Raises:
        InputError: there is no data file.
        UnknownNameError: a split that was asked for is not there.
    """
    data = [file for file in files if PurePosixPath(file).name not in _NO_DATA and not file.startswith(".")]
    by_suffix = {suffix: [file for file in data if file.endswith(suffix)] for suffix in _SUFFIXES}
    chosen = next((found for found in by_suffix.values() if found), [])
    if not chosen:
        raise InputError(
            f"The repository holds no {', '.join(_SUFFIXES)} file. "
            "For older data sets try --revision refs/convert/parquet."
        )
    names = {file: _flatten(file) for file in sorted(chosen)}
    taken = Counter(name.casefold() for name in names.values())
    shards = [
        HubShard(file, find_split(file), name if taken[name.casefold()] == 1 else f"{name}-{digest(file, 8)}")
        for file, name in names.items()
    ]
    present = {shard.split for shard in shards}
    for split in splits:
        if split not in present:
            raise UnknownNameError("split", split, present)
    return [shard for shard in shards if not splits or shard.split in splits]


def _flatten(file: str) -> str:
    stem = str(PurePosixPath(file).with_suffix("")).removeprefix("data/")
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-") or "data"


def find_split(file: str) -> str:
    """The split in a file's path: the last word in it that names one, else `train`."""
    found = _SPLIT.findall(file.lower())
    return _SPLIT_NAMES.get(found[-1], found[-1]) if found else "train"


def read_rows(path: Path, name: str) -> Iterator[Mapping[str, Any] | None]:
    """The rows of a data file in its order; None is a line that cannot be read.

    `name` is the file's name in the repository: the cache may call it otherwise.

    Raises:
        InputError: the file cannot be read at all.
    """
    return read_parquet_rows(path, name) if name.endswith(".parquet") else _read_json(path)


def _read_json(path: Path) -> Iterator[Mapping[str, Any] | None]:
    bad = 0

    def count_bad(_: Exception) -> None:
        nonlocal bad
        bad += 1

    for record in read_records(path, count_bad, coerce=unwrap_rows):
        yield from (None for _ in range(bad))
        bad = 0
        yield record.value
    yield from (None for _ in range(bad))
