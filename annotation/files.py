"""Files written whole or not at all, and OS errors as ours."""

from __future__ import annotations

import difflib
import errno
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import orjson

from goldspan.annotation.errors import DiskFullError, StateError
from goldspan.annotation.wording import describe_error

LARGEST_SETTINGS = 16 << 20
"""Bytes of a file of settings."""


class AtomicFile:
    """A file that appears whole when the block ends well, and not at all when it does not.

    The bytes go to a temporary file in the same folder, are flushed to the disk and renamed over `path`.
    On local file systems a crash leaves the old file or the new one. Files may hold personal data: whatever the umask,
    they are readable by their owner only, and so are folders that are made for them. A file that exists never gets
    more permissions than it had. Without `replace` a file that exists, or that another process writes meanwhile, is
    an error.
    """

    def __init__(self, path: Path, mode: int = 0o600, *, replace: bool = True) -> None:
        self._path, self._mode, self._replace = path, mode, replace

    def __enter__(self) -> IO[bytes]:
        try:
            make_private_folder(self._path.parent)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.", suffix=".tmp")
        except OSError as error:
            raise explain_refusal(error, f"{self._path} cannot be written: {error.strerror}.") from None
        self._temporary = Path(name)
        self._stream: IO[bytes] = os.fdopen(handle, "wb")
        return self._stream

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._commit()
            else:
                self._stream.close()
            if isinstance(error, OSError):
                raise error
        except OSError as problem:
            message = f"{self._path} was not written: {describe_error(problem)}. Nothing was changed."
            raise explain_refusal(problem, message) from None
        finally:
            self._temporary.unlink(missing_ok=True)

    def _commit(self) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._temporary.chmod(self._choose_mode())
        if self._replace:
            self._temporary.replace(self._path)
        else:
            os.link(self._temporary, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _choose_mode(self) -> int:
        try:
            return self._mode & self._path.stat().st_mode
        except OSError:
            return self._mode


def make_private_folder(path: Path) -> None:
    """Make a folder and its missing parents, for their owner only; folders that exist stay as they are."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing or [path]):
        folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def stage_folder(target: Path) -> Iterator[Path]:
    """An empty folder beside the target, for what is then put into its place; what is left of it is removed.

    Raises:
        StateError: the disk refused.
    """
    with explain_disk(target):
        make_private_folder(target.parent)
        staging = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
        try:
            yield staging
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def swap_folder(new: Path, target: Path) -> None:
    """Put a folder into the place of another; the old one is kept until the new one is there."""
    old = target.with_name(f".{target.name}.old")
    if target.exists():
        shutil.rmtree(old, ignore_errors=True)
        target.rename(old)
    try:
        new.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def hold_private_umask() -> Iterator[None]:
    """Let what this process and the processes that it starts write in the block be readable by its owner only."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def open_private(path: str, flags: int) -> int:
    """An opener for `open`: a new file is readable by its owner only, and a link in its place is refused."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)


def refuse_device(stream: IO[bytes], path: Path) -> None:
    """Raise an `OSError` if the file is a device, which may have no end."""
    mode = os.fstat(stream.fileno()).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise OSError(errno.EINVAL, "it is a device", str(path))


def read_small(path: Path) -> bytes:
    """The bytes of a file of settings.

    Raises:
        OSError: it cannot be read, is a device, or is larger than `LARGEST_SETTINGS`.
    """
    with path.open("rb") as stream:
        refuse_device(stream, path)
        data = stream.read(LARGEST_SETTINGS + 1)
    if len(data) > LARGEST_SETTINGS:
        raise OSError(errno.EFBIG, f"it is larger than {LARGEST_SETTINGS >> 20} MiB", str(path))
    return data


def read_json(path: Path, advice: str) -> Any:
    """The JSON in a file of ours.

    Raises:
        StateError: it cannot be read, or is not JSON; `advice` is a sentence that says what to do then.
    """
    try:
        return orjson.loads(path.read_bytes())
    except OSError as error:
        raise StateError(f"{path} cannot be read: {error.strerror}.") from None
    except orjson.JSONDecodeError:
        raise StateError(f"{path} is not JSON any more. {advice}") from None


def find_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none that can be read."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a whole file, or leave what was there."""
    with AtomicFile(path, mode) as stream:
        stream.write(data)


def exists(path: Path) -> bool:
    """True if there is such a path; False for what can be none."""
    try:
        return path.exists()
    except OSError:
        return False


def suggest_path(path: Path) -> str:
    """` Did you mean data/gold.jsonl?`, after what says that there is no such path; empty where nothing is near."""
    missing = next((place for place in (*reversed(path.parents), path) if not exists(place)), path)
    try:
        names = [one.name for one in missing.parent.iterdir()]
    except OSError:
        return ""
    if not (near := difflib.get_close_matches(missing.name, names, n=1, cutoff=0.7)):
        return ""
    folder = missing.parent / near[0]
    found = folder / path.relative_to(missing)
    return f" Did you mean {found if exists(found) else folder}?"


@contextmanager
def explain_disk(path: Path) -> Iterator[None]:
    """Translate an `OSError` of the block into a `StateError` that names the path."""
    try:
        yield
    except OSError as error:
        raise explain_refusal(error, f"{path} cannot be written: {describe_error(error)}.") from None


def is_full(error: BaseException) -> bool:
    """True for an error that says that the disk is full or the quota used up."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def explain_refusal(error: OSError, message: str) -> StateError:
    """The error to raise for what the disk refused."""
    return DiskFullError(message) if is_full(error) else StateError(message)
