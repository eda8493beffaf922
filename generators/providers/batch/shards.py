"""The input file of one batch, written within the provider's limits."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import orjson

from goldspan.annotation.files import make_private_folder, open_private
from goldspan.generators.providers.profiles import ProviderProfile
from goldspan.generators.providers.protocol import Request

MARGIN = 0.9
"""How much of a provider's limits a shard uses."""


def count_rows(profile: ProviderProfile, size: int) -> int:
    """Rows of `size` bytes that a shard takes."""
    return max(1, int(min(profile.max_requests * MARGIN, profile.max_bytes * MARGIN / max(1, size))))


class BatchShard:
    """An input file being written. Ids are in memory, lines on disk."""

    def __init__(self, path: Path, profile: ProviderProfile, max_rows: int) -> None:
        make_private_folder(path.parent)
        self.path = path
        self.custom_ids: list[str] = []
        self._max_rows = max(1, min(max_rows, int(profile.max_requests * MARGIN)))
        self._max_bytes = int(profile.max_bytes * MARGIN)
        self._size = 0
        self._hash = hashlib.sha256()
        self._file = open(path, "wb", opener=open_private)  # noqa: SIM115

    @property
    def is_full(self) -> bool:
        """True when no further row may be added."""
        return len(self.custom_ids) >= self._max_rows

    def add(self, request: Request, line: bytes) -> bool:
        """Add the request's line; False, and nothing is done, when it does not fit."""
        if self.is_full or (self.custom_ids and self._size + len(line) > self._max_bytes):
            return False
        self._file.write(line)
        self._hash.update(line)
        self._size += len(line)
        self.custom_ids.append(request.custom_id)
        return True

    def close(self) -> str:
        """Bring the file to the disk; returns its SHA-256."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Forget the file; its rows belong to the caller."""
        self._file.close()
        self.path.unlink(missing_ok=True)


def encode_line(request: Request) -> bytes:
    """The request as a line of an input file."""
    return orjson.dumps(request.batch_line) + b"\n"


def read_custom_id(path: Path, line: int) -> str:
    """The custom id of a line of an input file, counted from 1; empty when there is no such line."""
    with path.open("rb") as source:
        for number, raw in enumerate(source, start=1):
            if number == line:
                return str(orjson.loads(raw)["custom_id"])
    return ""
