"""The state of a download on disk: finished shards, and the writers of their samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import AtomicFile, explain_disk, open_private, write_atomic
from goldspan.annotation.hub.client import Snapshot
from goldspan.annotation.hub.shards import HubShard
from goldspan.annotation.tasks.jsonl import read_records

Layout = Literal["jsonl", "files"]
Write = Callable[[str, bytes], None]
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class ShardResult:
    """The result of one shard: rows = samples + rejections."""

    split: str
    rows: int
    samples: int
    rejected: dict[str, int] = field(default_factory=dict)
    unmapped: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DownloadReport:
    """The result of a download. `folder` holds the rejections and the state of the download."""

    repository: str
    revision: str
    licence: str
    taxonomy: str
    folder: str
    shards: dict[str, ShardResult]

    @property
    def rows(self) -> int:
        """Rows read."""
        return sum(result.rows for result in self.shards.values())

    @property
    def samples(self) -> int:
        """Samples written."""
        return sum(result.samples for result in self.shards.values())

    @property
    def rejected(self) -> dict[str, int]:
        """Rejected rows by code."""
        return dict(sum((Counter(result.rejected) for result in self.shards.values()), Counter[str]()))

    @property
    def unmapped(self) -> dict[str, int]:
        """Spans left out because their label has no counterpart here, by outside label."""
        return dict(sum((Counter(result.unmapped) for result in self.shards.values()), Counter[str]()))


@dataclass(frozen=True, slots=True)
class DownloadState:
    """Locate and write a download's files: samples in `output`, state and rejections in a folder beside them."""

    snapshot: Snapshot
    output: Path
    layout: Layout
    label_schema: str

    @property
    def folder(self) -> Path:
        """The folder of the record and the rejections."""
        return self.output / f"{_flatten(self.snapshot.repository)}.import"

    def locate_samples(self, shard: HubShard) -> Path:
        """The JSONL file of a shard."""
        return self.output / f"{_flatten(self.snapshot.repository)}.{shard.name}.jsonl"

    def locate_rejections(self, shard: HubShard) -> Path:
        """The file of a shard's rejected rows: file, row, code, detail."""
        return self.folder / f"{shard.name}.rejections.jsonl"

    def read(self) -> tuple[str, dict[str, ShardResult]]:
        """The taxonomy in use (empty: none yet) and the finished shards.

        Raises:
            StateError: the record is of another commit, layout, label schema or format.
        """
        path = self.folder / "download.json"
        if not path.exists():
            return "", {}
        try:
            record: Mapping[str, Any] = orjson.loads(path.read_bytes())
            for name, expected in self._describe().items():
                if record[name] != expected:
                    raise StateError(
                        f"{self.output} holds {self.snapshot.repository} with {name} {record[name]}, not {expected}. "
                        f"Give another --output-dir, or remove {self.folder.name} and its samples to start anew."
                    )
            return record["taxonomy"], {name: ShardResult(**result) for name, result in record["shards"].items()}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise StateError(f"{path} is broken. Remove {self.folder.name} and its samples to start anew.") from None

    def write(self, taxonomy: str, shards: Mapping[str, ShardResult]) -> None:
        """Record the finished shards."""
        record = self._describe() | {
            "taxonomy": taxonomy,
            "shards": {name: asdict(result) for name, result in shards.items()},
        }
        write_atomic(
            self.folder / "download.json", orjson.dumps(record, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        )

    def _describe(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "repository": self.snapshot.repository,
            "revision": self.snapshot.revision,
            "layout": self.layout,
            "label_schema": self.label_schema,
        }

    def collect_ids(self, shards: Iterable[HubShard]) -> Iterator[str]:
        """Ids of the samples that earlier runs wrote for these shards."""
        for shard in shards:
            if self.layout == "files":
                yield from self._locate_ids(shard).read_text(encoding="ascii").split()
            else:
                yield from (record.value["data"]["sample_id"] for record in read_records(self.locate_samples(shard)))

    @contextmanager
    def open_samples(self, shard: HubShard) -> Iterator[Write]:
        """A function that writes one task; JSONL files and lists of ids appear whole when the block ends well."""
        target = self._locate_ids(shard) if self.layout == "files" else self.locate_samples(shard)
        with AtomicFile(target) as stream:

            def write_line(sample_id: str, task: bytes) -> None:
                stream.write(task)

            def write_file(sample_id: str, task: bytes) -> None:
                with open(self.output / f"{sample_id}.json", "wb", opener=open_private) as file:
                    file.write(task)
                stream.write(sample_id.encode() + b"\n")

            with explain_disk(self.output):
                yield write_file if self.layout == "files" else write_line

    def _locate_ids(self, shard: HubShard) -> Path:
        return self.folder / f"{shard.name}.ids.txt"


def _flatten(repository: str) -> str:
    return repository.replace("/", "--")
