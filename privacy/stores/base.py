"""What every store of a workspace can do: list its files, find a subject in them, and erase it."""

from __future__ import annotations

import os
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.formats.parquet import refuse_expansion
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.subject import Subject
from goldspan.shards.packing import unpack

_CHUNK, _OVERLAP, _WHOLE = 8 << 20, 1 << 16, 256 << 20
_ROWS = 1000
_GZIP = b"\x1f\x8b\x08"
_WEIGHTS = frozenset({".onnx", ".safetensors", ".pt", ".bin", ".npy"})


class Hit(NamedTuple):
    """Records of a subject in one place. `action` says what an erasure does; a hit that `remains` is for people."""

    store: str
    place: str
    records: int
    action: str
    remains: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: a workspace, the label schema of its bundles, and the Label Studio to ask."""

    workspace: Workspace
    labels_file: Path | None = None
    url: str | None = None
    token: str | None = None

    @property
    def root(self) -> Path:
        """The folder of the workspace."""
        return self.workspace.root

    def name(self, path: Path) -> str:
        """A path as people read it: relative to the workspace."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


class Store(ABC):
    """One kind of data of a workspace.

    `entries` are its names at the top of the workspace; `holds` says what is in it, and `texts` whether that may be
    texts of samples. `erase` is idempotent, and complete when its iterator ends: what a killed erasure left is erased
    by the next one.
    """

    name: str
    holds: str
    entries: tuple[str, ...]
    texts: bool = True

    def list_files(self, place: Place) -> Iterator[Path]:
        """The files of the store that exist; links are not followed."""
        for entry in self.entries:
            yield from iter_files(place.root / entry)

    @abstractmethod
    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Where the subject is; the subject learns ids and texts of its samples on the way."""

    @abstractmethod
    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Erase the subject, and name each place when it is done."""


def iter_files(path: Path) -> Iterator[Path]:
    """A file, or every file of a folder, in order of names; links are not followed."""
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder) / name
                if not file.is_symlink() and file.is_file():
                    yield file


def search_bytes(path: Path, subject: Subject) -> bool:
    """True if a file holds the subject: its bytes, read in pieces that overlap, what is packed in it, Parquet cells.

    Weights of models are numbers and not searched.
    """
    if path.suffix in _WEIGHTS:
        return False
    try:
        if path.suffix == ".zst":
            with unpack(path) as plain:
                return search_bytes(plain, subject)
        if path.suffix == ".parquet":
            return _search_parquet(path, subject)
        with path.open("rb") as stream:
            rest = b""
            while chunk := stream.read(_CHUNK):
                if subject.holds_bytes(rest + chunk):
                    return True
                rest = chunk[-_OVERLAP:]
            if path.stat().st_size <= _WHOLE:
                stream.seek(0)
                return any(subject.holds_bytes(piece) for piece in _iter_streams(stream.read()))
    except (OSError, GoldspanError):
        return False
    return False


def _iter_streams(data: bytes, depth: int = 2) -> Iterator[bytes]:
    """What the gzip streams in some bytes hold, and the streams in those."""
    place = data.find(_GZIP)
    while place >= 0:
        try:
            unpacked = zlib.decompressobj(31).decompress(data[place:], _WHOLE)
        except zlib.error:
            unpacked = b""
        if unpacked:
            yield unpacked
            if depth > 1:
                yield from _iter_streams(unpacked, depth - 1)
        place = data.find(_GZIP, place + 1)


def _search_parquet(path: Path, subject: Subject) -> bool:
    """Search the text cells of a Parquet file; one that cannot be read counts as holding nothing."""
    try:
        import pyarrow.parquet as parquet
    except ModuleNotFoundError:
        return False
    try:
        refuse_expansion(path)
        with parquet.ParquetFile(path) as file:
            return any(subject.holds(row) for batch in file.iter_batches(_ROWS) for row in batch.to_pylist())
    except (ValueError, OSError):
        return False
