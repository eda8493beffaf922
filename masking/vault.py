"""The vault: a ledger on disk, encrypted, so that the same person gets the same surrogate in every text.

The file is a header and records that are only ever appended. Each record is sealed with AES-256-GCM under a subkey of
the masking key; its number and the header are authenticated with it, so that records cannot be exchanged, repeated or
left out in the middle. A record that a crash cut short is dropped when the vault is opened: its text was not given
out. One process writes at a time.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson
from filelock import FileLock, Timeout

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import explain_disk, write_atomic
from goldspan.masking.keys import MaskingKey
from goldspan.masking.ledger import ERASED, Ledger, LedgerEntry

_MAGIC = b"GSVAULT1"
_SALT, _NONCE, _LENGTH = 16, 12, 4
_HEADER = len(_MAGIC) + 4 + _SALT
_MAX_RECORD = 64 * 1024 * 1024


class Vault(Ledger):
    """A ledger whose entries are on disk when `commit` returns. Use it as a context manager.

    Raises:
        StateError: another process has the vault open, the key is not the vault's, or the file was changed.
    """

    def __init__(self, path: Path, key: MaskingKey, patience: float = 0.0) -> None:
        self._path, self._sealing = path, key.derive("vault")
        self._lock = FileLock(path.with_name(path.name + ".lock"), mode=0o600)
        with explain_disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=patience)
            except Timeout:
                raise StateError(f"{path} is open in another process. Wait for it, or give another vault.") from None
        try:
            with explain_disk(path):
                self._header, records, end = self._open(key)
            super().__init__(records, key)
            self._count, self._end = self._read, end
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others open the vault."""
        self._lock.release()

    def _open(self, key: MaskingKey) -> tuple[bytes, list[LedgerEntry], int]:
        self._read = 0
        if not self._path.exists() or self._path.stat().st_size < _HEADER:
            header = _MAGIC + bytes.fromhex(key.id) + secrets.token_bytes(_SALT)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(header)
                stream.flush()
                os.fsync(stream.fileno())
            return header, [], _HEADER
        data = self._path.read_bytes()
        header = data[:_HEADER]
        if not header.startswith(_MAGIC):
            raise StateError(f"{self._path} is not a vault of this version of Goldspan.")
        if header[len(_MAGIC) : len(_MAGIC) + 4].hex() != key.id:
            raise StateError(f"{self._path} belongs to another key than the one in GOLDSPAN_MASKING_KEY.")
        entries: list[LedgerEntry] = []
        end = _HEADER
        for stop, sealed in _split_records(data):
            entries += self._unseal(header, sealed)
            self._read += 1
            end = stop
        return header, entries, end

    def list_entries(self) -> list[LedgerEntry]:
        """What is on disk."""
        data = self._path.read_bytes()
        self._read = 0
        found: list[LedgerEntry] = []
        for _, sealed in _split_records(data[: self._end]):
            found += self._unseal(self._header, sealed)
            self._read += 1
        return found

    def erase(self, is_erased: Callable[[LedgerEntry], bool]) -> int:
        """Rewrite the vault without some entries; returns how many. It has to be opened again to be used.

        Erased placeholders cannot be restored any more, and their numbers are not given out again.

        Raises:
            StateError: the disk refused; the vault is as it was.
        """
        entries = self.list_entries()
        left = (_forget(entry) if is_erased(entry) else entry for entry in entries)
        kept = [entry for entry in left if entry is not None]
        count = sum(is_erased(entry) for entry in entries)
        if count:
            self._header = self._header[:-_SALT] + secrets.token_bytes(_SALT)
            self._count = 0
            sealed = self._seal(kept) if kept else b""
            write_atomic(self._path, self._header + sealed)
        self.close()
        return count

    def _unseal(self, header: bytes, sealed: bytes) -> list[LedgerEntry]:
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce, rest = sealed[:_NONCE], sealed[_NONCE:]
        try:
            content = AESGCM(self._sealing).decrypt(nonce, rest, header + self._read.to_bytes(8, "big"))
        except InvalidTag:
            raise StateError(f"Record {self._read + 1} of {self._path} was changed; restore the file.") from None
        return [LedgerEntry(*(_decode(field) for field in fields)) for fields in orjson.loads(content)]

    def _save(self, entries: list[LedgerEntry]) -> None:
        if not entries:
            return
        if not self._lock.is_locked:
            raise StateError(f"{self._path} was closed; open it again.")
        record = self._seal(entries)
        with explain_disk(self._path), self._path.open("r+b") as stream:
            stream.truncate(self._end)
            stream.seek(self._end)
            stream.write(record)
            stream.flush()
            os.fsync(stream.fileno())
            self._end = stream.tell()
        self._count += 1

    def _seal(self, entries: Iterable[LedgerEntry]) -> bytes:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        content = orjson.dumps([[_encode(field) for field in entry] for entry in entries])
        nonce = secrets.token_bytes(_NONCE)
        bound = self._header + self._count.to_bytes(8, "big")
        sealed = nonce + AESGCM(self._sealing).encrypt(nonce, content, bound)
        return len(sealed).to_bytes(_LENGTH, "big") + sealed


def is_vault(path: Path) -> bool:
    """True for a file that begins as vaults do."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _forget(entry: LedgerEntry) -> LedgerEntry | None:
    """What is left of an erased entry: the number of a placeholder."""
    return LedgerEntry(ERASED, entry.label, "", "", entry.replacement) if entry.kind == "number" else None


def _split_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Whole records with the offset behind each; what a crash cut short at the end is left out."""
    position = _HEADER
    while position + _LENGTH <= len(data):
        size = int.from_bytes(data[position : position + _LENGTH], "big")
        stop = position + _LENGTH + size
        if size > _MAX_RECORD or stop > len(data):
            return
        yield stop, data[position + _LENGTH : stop]
        position = stop


def _encode(text: str) -> str:
    """JSON has no lone surrogates: they travel as private escapes."""
    return text.encode("utf-8", "surrogatepass").decode("latin-1")


def _decode(text: str) -> str:
    return text.encode("latin-1").decode("utf-8", "surrogatepass")
