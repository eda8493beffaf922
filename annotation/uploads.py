"""Records of what left the machine: `privacy/uploads/<id>.json`, one file for each upload. No text is in it.

A sample is recorded by the keyed hash of its id, as in tombstones: `erased` holds the hashes of what was erased here
after it had been uploaded.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import orjson

from goldspan.annotation.errors import InputError, StateError, TerminalServiceError
from goldspan.annotation.files import write_atomic
from goldspan.annotation.tombstones import FOLDER, Tombstones, open_key

_FOLDER = "uploads"


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload.

    `kind` is `data set`, `model`, `batch file` or `fine-tuning file`; `service` the address of the server; `name` the
    repository or the id of the file, empty while the server has not confirmed it; `revision` the commit.
    """

    at: str
    kind: str
    service: str
    name: str
    revision: str = ""
    samples: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()


class UploadRecord:
    """A record that the block of `record_upload` completes."""

    def __init__(self, path: Path, upload: Upload) -> None:
        self._path, self.upload = path, upload

    def complete(self, *, name: str = "", revision: str = "") -> None:
        """Write what the server answered."""
        self.upload = replace(self.upload, name=name or self.upload.name, revision=revision)
        write_upload(self._path, self.upload)


@contextmanager
def record_upload(root: Path, kind: str, service: str, name: str, sample_ids: Iterable[str]) -> Iterator[UploadRecord]:
    """Record an upload of the workspace at `root` before it is sent; the record stays unless the server refuses it.

    An earlier attempt whose outcome is unknown keeps its record, which is completed by this one.

    Raises:
        StateError: the disk refused.
    """
    key = Tombstones(open_key(root))
    hashes = {key.make("id", sample_id).hash for sample_id in sample_ids}
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    new = make_upload_path(root), Upload(at, kind, service, name)
    path, upload = next((pair for pair in list_uploads(root) if _is_same_attempt(pair[1], new[1])), new)
    upload = replace(upload, samples=tuple(sorted(hashes.union(upload.samples))))
    write_upload(path, upload)
    try:
        yield UploadRecord(path, upload)
    except (InputError, TerminalServiceError):
        if path == new[0]:
            path.unlink(missing_ok=True)
        raise


def _is_same_attempt(before: Upload, now: Upload) -> bool:
    """True for an upload of the same thing whose outcome was never learnt."""
    same = (before.kind, before.service, before.name) == (now.kind, now.service, now.name)
    return same and not before.revision


def make_upload_path(root: Path) -> Path:
    """The file of a new record."""
    return root / FOLDER / _FOLDER / f"{secrets.token_hex(8)}.json"


def write_upload(path: Path, upload: Upload) -> None:
    """Write one record.

    Raises:
        StateError: the disk refused.
    """
    write_atomic(path, orjson.dumps(asdict(upload), option=orjson.OPT_INDENT_2))


def list_uploads(root: Path) -> list[tuple[Path, Upload]]:
    """The uploads of a workspace with their files, the oldest first.

    Raises:
        StateError: a record cannot be read.
    """
    found = [(path, _read(path)) for path in (root / FOLDER / _FOLDER).glob("*.json")]
    return sorted(found, key=lambda pair: (pair[1].at, pair[0].name))


def _read(path: Path) -> Upload:
    try:
        values = orjson.loads(path.read_bytes())
        values |= {name: tuple(map(str, values[name])) for name in ("samples", "erased")}
        return Upload(**values)
    except (OSError, ValueError, KeyError, TypeError):
        raise StateError(f"{path} is no record of an upload. Restore it from a backup.") from None
