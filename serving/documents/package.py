"""Zip packages: read with limits, written with the same parts in the same order."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from goldspan.annotation.errors import InputError

MAX_PARTS = 5_000
MAX_UNPACKED = 512 * 1024 * 1024
"""Bytes of all parts together."""

MAX_RATIO = 200
"""How many times larger than its compressed form a part over a megabyte may be."""


def read_package(path: Path) -> dict[str, bytes]:
    """The parts of a package by name, in their order.

    Raises:
        InputError: it is not a package, is encrypted, or unpacks to more than a document does.
    """
    parts: dict[str, bytes] = {}
    total = 0
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MAX_PARTS:
                raise InputError(f"{path.name} has {len(entries):,} parts; {MAX_PARTS:,} are the most.")
            for entry in entries:
                total += entry.file_size
                too_dense = entry.file_size > 1 << 20 and entry.file_size > MAX_RATIO * max(entry.compress_size, 1)
                if total > MAX_UNPACKED or too_dense:
                    raise InputError(f"{path.name} unpacks to more than a document does; it is not read.")
                if entry.flag_bits & 1:
                    raise InputError(f"{path.name} is encrypted; remove the password first.")
                if entry.filename in parts or ".." in entry.filename.split("/"):
                    raise InputError(f"{path.name} has a part with a forbidden or repeated name.")
                if not entry.is_dir():
                    parts[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise InputError(f"{path.name} is not a package that can be read ({type(error).__name__}).") from None
    return parts


def write_package(path: Path | IO[bytes], parts: Mapping[str, bytes]) -> None:
    """Write a package; times and comments of the original are not carried over."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
