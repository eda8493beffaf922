"""Raw provider responses, stored as received, so that they can be parsed again without cost."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.files import make_private_folder, open_private


class RawLog:
    """An append-only file of lines. Each line is handed to the system before `append` returns."""

    def __init__(self, path: Path) -> None:
        make_private_folder(path.parent)
        self.path = path
        self._is_whole = False
        self._file = open(path, "ab", buffering=0, opener=open_private)  # noqa: SIM115

    def append(self, line: bytes) -> None:
        """Add one line; a missing line end is added, also to a line before that was cut off.

        Raises:
            OSError: the disk is full; nothing that counts is lost, the caller stops the run.
        """
        if not self._is_whole and self._ends_torn():
            line = b"\n" + line
        data = line if line.endswith(b"\n") else line + b"\n"
        self._is_whole = False
        written = self._file.write(data)
        if written != len(data):
            raise OSError(28, "No space left on device", str(self.path))
        self._is_whole = True

    def _ends_torn(self) -> bool:
        if not self._file.tell():
            return False
        with self.path.open("rb") as existing:
            existing.seek(-1, 2)
            return existing.read(1) != b"\n"

    def close(self) -> None:
        """Close the file."""
        self._file.close()
