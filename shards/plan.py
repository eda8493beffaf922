"""Plans: what is done to which shards. A plan is JSON, so that another process or machine can carry it out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import orjson

from goldspan import schemas
from goldspan.annotation.errors import InputError
from goldspan.annotation.identity import digest, hash_file
from goldspan.annotation.labels.schema import LabelSchema, find_label_file, load_labels
from goldspan.shards.packing import strip_packing
from goldspan.shards.storage import Storage, check_name, is_remote, open_storage

FORMAT = 1
_WORKING_FILES = (".state.json", ".rejections.jsonl")


@dataclass(frozen=True, slots=True)
class Shard:
    """One file to work on: the folder it lies in, its name there, and its size in bytes."""

    folder: str
    name: str
    size: int = 0


@dataclass(frozen=True, slots=True)
class ShardPlan:
    """A task with its settings, the label schema's file, the shards, and the folder of the results."""

    task: str
    settings: Mapping[str, Any]
    labels_file: str
    labels_digest: str
    shards: tuple[Shard, ...]
    output: str

    @property
    def fingerprint(self) -> str:
        """Changes with whatever may change a result beside its input: task, settings, label schema."""
        return digest([FORMAT, self.task, dict(self.settings), self.labels_digest], 32)

    def load_labels(self) -> LabelSchema:
        """The label schema.

        Raises:
            InputError: its file changed since the plan was made.
        """
        file = Path(self.labels_file)
        if not file.is_file() or hash_file(file) != self.labels_digest:
            raise InputError(f"The label schema {file} is not what it was when the run began; start the run again.")
        return load_labels(file)

    def to_json(self) -> bytes:
        """The plan as one line of JSON (`schemas/shard-plan.schema.json`)."""
        return orjson.dumps({"format": FORMAT, **asdict(self)}, option=orjson.OPT_APPEND_NEWLINE)


def make_plan(
    task: str, settings: Mapping[str, Any], shards: Iterable[Shard], output: str, labels_file: Path | None = None
) -> ShardPlan:
    """A plan over shards.

    Raises:
        InputError: the results would lie in the folder of a shard.
    """
    file = find_label_file(labels_file)
    shards = tuple(shards)
    if _make_absolute(output) in {shard.folder for shard in shards}:
        raise InputError(f"{output} is the folder of the shards. Give another folder for the results.")
    load_labels(file)
    return ShardPlan(task, dict(settings), str(file.resolve()), hash_file(file), shards, _make_absolute(output))


def read_plan(data: bytes) -> ShardPlan:
    """A plan from its JSON.

    Raises:
        InputError: it is broken or of another format.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise InputError(f"The plan is not valid JSON: {error}.") from None
    if problems := schemas.validator("shard-plan").problems(document):
        raise InputError(f"The plan is broken: {problems[0].pointer or '/'} {problems[0].message}.")
    shards = tuple(Shard(one["folder"], check_name(one["name"]), one["size"]) for one in document["shards"])
    return ShardPlan(
        document["task"],
        document["settings"],
        document["labels_file"],
        document["labels_digest"],
        shards,
        document["output"],
    )


def list_shards(sources: Iterable[str], output: str = "") -> tuple[Shard, ...]:
    """Every file of the sources, in their order; those of a folder sorted by name.

    Raises:
        InputError: a source is not there or holds no file, two shards have one name, or `output` is or lies in a folder
            of the sources.
    """
    shards: list[Shard] = []
    for source in sources:
        found = _list_source(source)
        if output and _lies_in(output, source):
            raise InputError(f"{output} lies in {source}, whose files are the shards. Give a folder outside it.")
        if not found:
            raise InputError(f"{source} holds no file to work on.")
        shards += found
    names: dict[str, Shard] = {}
    for shard in shards:
        plain = strip_packing(shard.name)
        if known := names.get(plain):
            raise InputError(f"{known.folder}/{known.name} and {shard.folder}/{shard.name} would have one result.")
        names[plain] = shard
    return tuple(shards)


def _list_source(source: str) -> list[Shard]:
    storage = open_storage(source)
    if storage.local and storage.local.is_file():
        path = storage.local.resolve()
        return [Shard(str(path.parent), path.name, path.stat().st_size)]
    if storage.local and not storage.local.is_dir():
        raise InputError(f"There is no file or folder {source}.")
    files = storage.list_files()
    if not files and (single := _find_single(source)):
        return [single]
    folder = _make_absolute(storage.address)
    return [Shard(folder, file.name, file.size) for file in files if _holds_rows(file.name)]


def _lies_in(output: str, source: str) -> bool:
    """Whether the results would be among the files of a source."""
    if is_remote(source) != is_remote(output):
        return False
    if not is_remote(source) and not Path(source.removeprefix("file://")).is_dir():
        return False
    inner, outer = (PurePosixPath(_make_absolute(one.rstrip("/") or "/")) for one in (output, source))
    return inner.is_relative_to(outer)


def _find_single(source: str) -> Shard | None:
    """The remote file itself, where the address is not a folder."""
    folder, _, name = source.rstrip("/").rpartition("/")
    if not is_remote(f"{folder}/") or not name:
        return None
    file = open_storage(folder).find(name)
    return Shard(folder, file.name, file.size) if file else None


def _holds_rows(name: str) -> bool:
    return not name.endswith(_WORKING_FILES)


def _make_absolute(address: str) -> str:
    return address.rstrip("/") if is_remote(address) else str(Path(address.removeprefix("file://")).resolve())


def open_output(plan: ShardPlan) -> Storage:
    """The folder of the results."""
    return open_storage(plan.output)
