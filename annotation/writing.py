"""What the disk says when it refuses, as one of our errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annotation.errors import StateError


@contextmanager
def explain_disk(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a StateError that names the path."""
    try:
        yield
    except OSError as error:
        raise StateError(f"{path} cannot be written: {error.strerror or error}.") from None
