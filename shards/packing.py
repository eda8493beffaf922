"""Packed files: `.gz` and `.zst`, unpacked as they are read and packed with equal bytes for equal content."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.files import is_full
from goldspan.annotation.formats.parquet import import_arrow

PACKED = (".gz", ".zst")
MAX_UNPACKED = 8 << 30
"""Bytes that a packed file may unpack to."""
_SMALL, _MAX_RATIO = 64 << 20, 250
"""Beyond this size, a file that unpacks to so many times its own size is a bomb; text shrinks to a fiftieth at best."""

_BLOCK = 1 << 20


def strip_packing(name: str) -> str:
    """The name without `.gz` or `.zst`."""
    return next((name[: -len(ending)] for ending in PACKED if name.lower().endswith(ending)), name)


@contextmanager
def unpack(path: Path, scratch: Path | None = None) -> Iterator[Path]:
    """A `.gz` or `.zst` file unpacked for the block, in a private folder (in `scratch`); any other file itself.

    Raises:
        InputError: it is broken, or unpacks to more than `MAX_UNPACKED` bytes.
    """
    if path.suffix.lower() not in PACKED:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="goldspan-shard-", dir=scratch) as folder:
        target = Path(folder) / strip_packing(path.name)
        try:
            with _open_packed(path) as source, target.open("wb") as sink:
                _copy_limited(source, sink, path)
        except (OSError, EOFError, zlib.error) as error:
            if is_full(error):
                raise
            raise InputError(
                f"{path} cannot be unpacked: it is broken, or its end is missing ({type(error).__name__})."
            ) from None
        yield target


def pack(path: Path, ending: str) -> Path:
    """The file packed as `.gz` or `.zst` beside it, with equal bytes for equal content; it is removed itself."""
    target = path.with_name(path.name + ending)
    if ending == ".gz":
        with path.open("rb") as source, target.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as sink:
            shutil.copyfileobj(source, sink, _BLOCK)
    else:
        arrow = import_arrow()
        with path.open("rb") as source, arrow.CompressedOutputStream(str(target), "zstd") as sink:
            shutil.copyfileobj(source, sink, _BLOCK)
    path.unlink()
    return target


def _copy_limited(source: IO[bytes], sink: IO[bytes], path: Path) -> None:
    written, most = 0, max(_SMALL, path.stat().st_size * _MAX_RATIO)
    while block := source.read(_BLOCK):
        written += len(block)
        if written > MAX_UNPACKED:
            raise InputError(f"{path} unpacks to more than {MAX_UNPACKED >> 30} GiB. Split it.")
        if written > most:
            raise InputError(f"{path} unpacks to more than {_MAX_RATIO} times its size. If that is right, unpack it.")
        sink.write(block)


def _open_packed(path: Path) -> Any:
    return (
        gzip.open(path, "rb")
        if path.suffix.lower() == ".gz"
        else import_arrow().CompressedInputStream(str(path), "zstd")
    )
