"""Checkpoints of a training run: written whole, with a digest; the one before the newest stays as a reserve."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import IO, Any

import torch

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import AtomicFile

_NEWEST, _RESERVE = "checkpoint.pt", "checkpoint.previous.pt"
_DIGEST = 32


class _HashedStream:
    """Passes on what is written and hashes it: a checkpoint is not held in memory a second time."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._stream.write(data)

    def flush(self) -> None:
        self._stream.flush()


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint; the newest one becomes the reserve.

    Raises:
        StateError: the disk refused.
    """
    if (folder / _NEWEST).is_file():
        (folder / _NEWEST).replace(folder / _RESERVE)
    with AtomicFile(folder / _NEWEST) as stream:
        stream.write(bytes(_DIGEST))
        hashed: Any = _HashedStream(stream)
        torch.save(state, hashed)
        stream.seek(0)
        stream.write(hashed.digest.digest())


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint that is whole; None if there never was one.

    Raises:
        StateError: there are checkpoints, and none of them is whole.
    """
    broken = []
    for name in (_NEWEST, _RESERVE):
        path = folder / name
        if not path.is_file():
            continue
        data = path.read_bytes()
        if hashlib.sha256(data[_DIGEST:]).digest() == data[:_DIGEST]:
            state: dict[str, Any] = torch.load(io.BytesIO(data[_DIGEST:]), weights_only=True, map_location="cpu")
            return state
        broken.append(str(path))
    if broken:
        raise StateError(
            f"{' and '.join(broken)} cannot be read: the content does not match its digest. Delete the files to train "
            "from the beginning, or start a new run with `goldspan train`."
        )
    return None


def remove_checkpoints(folder: Path) -> None:
    """Delete the checkpoints of a finished run."""
    for name in (_NEWEST, _RESERVE):
        (folder / name).unlink(missing_ok=True)
