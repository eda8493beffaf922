"""Folders of files on this machine or at any fsspec address: listed, fetched, and published whole.

A file of a remote address is copied to a temporary one to be read, and uploaded when it is finished; object stores show
an upload when it is whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from goldspan.annotation.errors import ConfigurationError, InputError, StateError
from goldspan.annotation.files import explain_disk, is_full, make_private_folder, write_atomic
from goldspan.annotation.identity import hash_file
from goldspan.annotation.remote import make_remote_folder, open_remote
from goldspan.shards.packing import unpack

_CAUSE = re.compile(r"(?<=AWS Error )[A-Z_]{1,60}|\ABucket .{1,80} not found")
"""What may be shown of an error of S3: Amazon's code, or that the bucket is missing."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a folder: its path below the folder, with `/`, and its size in bytes."""

    name: str
    size: int


class Storage(ABC):
    """One folder. Names of files are relative to it and never leave it."""

    address: str

    @abstractmethod
    def list_files(self) -> list[StoredFile]:
        """Every file below the folder, sorted by name; hidden ones are left out."""

    @abstractmethod
    def find(self, name: str) -> StoredFile | None:
        """The file of that name, if it is there."""

    @abstractmethod
    @contextmanager
    def fetch(self, name: str) -> Iterator[Path]:
        """A local copy of a file for the block, or the file itself.

        Raises:
            InputError: it cannot be read.
        """
        yield Path()

    @abstractmethod
    def publish(self, file: Path, name: str) -> None:
        """Move a finished local file into the folder; it appears whole.

        Raises:
            StateError: it cannot be written.
        """

    @abstractmethod
    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    @property
    def local(self) -> Path | None:
        """The folder, if it is on this machine."""
        return None

    def read(self, name: str) -> bytes | None:
        """The content of a small file, if it is there."""
        if self.find(name) is None:
            return None
        with self.fetch(name) as path:
            return path.read_bytes()

    def write(self, name: str, data: bytes) -> None:
        """Write a small file whole."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "file"
            path.write_bytes(data)
            self.publish(path, name)


class LocalStorage(Storage):
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.address, self._folder = str(folder), folder

    @property
    def local(self) -> Path | None:
        """The folder."""
        return self._folder

    def list_files(self) -> list[StoredFile]:
        """Every file below the folder, also through links; a link that leads nowhere is a file of no bytes."""
        files = (
            StoredFile(path.relative_to(self._folder).as_posix(), path.stat().st_size if path.exists() else 0)
            for path in _walk(self._folder)
            if path.is_file() or not path.exists()
        )
        return sorted((file for file in files if not _is_hidden(file.name)), key=lambda file: file.name)

    def find(self, name: str) -> StoredFile | None:
        """The file of that name, if it is there."""
        path = self._place(name)
        return StoredFile(name, path.stat().st_size) if path.is_file() else None

    @contextmanager
    def fetch(self, name: str) -> Iterator[Path]:
        """The file itself."""
        path = self._place(name)
        if not path.is_file():
            raise InputError(f"There is no file {path}.")
        yield path

    def publish(self, file: Path, name: str) -> None:
        """Rename the file, or copy it where it lies on another disk."""
        path = self._place(name)
        with explain_disk(path):
            make_private_folder(path.parent)
            staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
            shutil.move(file, staged)
            staged.chmod(0o600)
            with staged.open("rb") as stream:
                os.fsync(stream.fileno())
            staged.replace(path)

    def write(self, name: str, data: bytes) -> None:
        """Write a small file whole."""
        write_atomic(self._place(name), data)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._place(name).unlink(missing_ok=True)

    def _place(self, name: str) -> Path:
        return self._folder / check_name(name)


def _walk(folder: Path) -> Iterator[Path]:
    """Paths of all files below a folder; a link that leads back to a folder on its way is not followed."""
    for root, folders, files in os.walk(folder, followlinks=True):
        place = Path(root)
        way = {one.resolve() for one in (place, *place.parents)}
        folders[:] = [name for name in folders if (place / name).resolve() not in way]
        yield from (place / name for name in files)


class RemoteStorage(Storage):
    """A folder at an fsspec address: `s3://…`, `hf://…`, `memory://…`."""

    def __init__(self, address: str) -> None:
        self._files, self._root = open_remote(address)
        self.address = address.rstrip("/")

    def list_files(self) -> list[StoredFile]:
        """Every file below the folder."""
        with self._explain("listed"):
            self._files.invalidate_cache()
            found: dict[str, Any] = self._files.find(self._root, detail=True)
        start = len(self._root) + 1
        files = (StoredFile(path[start:], int(info.get("size") or 0)) for path, info in found.items())
        return sorted((file for file in files if file.name and not _is_hidden(file.name)), key=lambda file: file.name)

    def find(self, name: str) -> StoredFile | None:
        """The file of that name, if it is there."""
        with self._explain("read"):
            self._files.invalidate_cache()
            try:
                info = self._files.info(self._place(name))
            except FileNotFoundError:
                return None
        return StoredFile(name, int(info.get("size") or 0)) if info.get("type") == "file" else None

    @contextmanager
    def fetch(self, name: str) -> Iterator[Path]:
        """A private copy of the file for the block."""
        with tempfile.TemporaryDirectory(prefix="goldspan-shard-") as folder:
            path = Path(folder) / PurePosixPath(name).name
            with self._explain("read"):
                self._files.get_file(self._place(name), str(path))
            yield path

    def publish(self, file: Path, name: str) -> None:
        """Upload the file and remove it here."""
        with self._explain("written"):
            place = self._place(name)
            make_remote_folder(self._files, place.rpartition("/")[0])
            self._files.put_file(str(file), place)
        file.unlink()

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        if self.find(name) is not None:
            with self._explain("removed"):
                self._files.rm_file(self._place(name))

    def _place(self, name: str) -> str:
        return f"{self._root}/{check_name(name)}"

    @contextmanager
    def _explain(self, verb: str) -> Iterator[None]:
        """Errors of the file system as ours, without what a server said but `_CAUSE`."""
        try:
            yield
        except FileNotFoundError:
            raise InputError(f"There is no such file or folder at {self.address}.") from None
        except ImportError as error:
            raise ConfigurationError(f"{self.address} needs a library that is not installed: {error}.") from None
        except Exception as error:
            if is_full(error):
                raise
            kind = StateError if verb != "read" else InputError
            known = _CAUSE.search(str(error))
            cause = known[0] if known else type(error).__name__
            raise kind(f"{self.address} cannot be {verb} ({cause}).") from None


def open_storage(address: str) -> Storage:
    """The folder at an address: a local path, or a URL with a scheme."""
    return RemoteStorage(address) if is_remote(address) else LocalStorage(Path(address.removeprefix("file://")))


def is_remote(address: str) -> bool:
    """True for an address with a scheme other than `file`."""
    return "://" in address and not address.startswith("file://")


def check_name(name: str) -> str:
    """A name that stays below its folder.

    Raises:
        InputError: it would leave it.
    """
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or "\0" in name:
        raise InputError(f"{name!r} is no name of a file in a folder of shards.")
    return name


@contextmanager
def fetch_plain(storage: Storage, name: str) -> Iterator[Path]:
    """A file of a storage for the block, unpacked.

    Raises:
        InputError: it cannot be read or unpacked.
    """
    with storage.fetch(name) as packed, unpack(packed) as plain:
        yield plain


def digest_tree(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of a folder's files."""
    if path.is_file():
        return hash_file(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    named = "".join(f"{file.relative_to(path).as_posix()}\0{hash_file(file)}\0" for file in files)
    return hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()


def _is_hidden(name: str) -> bool:
    return any(part.startswith((".", "_")) for part in PurePosixPath(name).parts)
