"""Masking vaults: files anywhere in the project that begin as a vault does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.project import find_project
from goldspan.annotation.tombstones import fold_words
from goldspan.masking.keys import MaskingKey, find_key
from goldspan.masking.ledger import LedgerEntry
from goldspan.masking.vault import Vault, is_vault
from goldspan.privacy.stores.base import Hit, Place, Store, iter_files
from goldspan.privacy.subject import Subject

_SKIPPED = frozenset({".git", ".venv", "node_modules"})


class VaultStore(Store):
    """Vaults: values of the subject are removed; their placeholders are never given out again."""

    name, holds, entries = "masking vaults", "values that masking replaced, encrypted", ()

    def list_files(self, place: Place) -> Iterator[Path]:
        """Vaults in the project's folder and in the workspace."""
        yield from list_vaults(place)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Count the values; a vault that cannot be opened is named."""
        for path in list_vaults(place):
            key = find_key()
            try:
                if key is None:
                    raise GoldspanError("GOLDSPAN_MASKING_KEY is not set")
                count = _count(path, key, subject)
            except GoldspanError as error:
                yield Hit(self.name, place.name(path), 0, f"cannot be searched: {error}", remains=True)
                continue
            if count:
                yield Hit(self.name, place.name(path), count, "remove values")

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Remove them."""
        for path in list_vaults(place):
            if (key := find_key()) is not None and _opens(path, key):
                with Vault(path, key) as vault:
                    count = vault.erase(lambda entry: _holds(entry, subject))
                if count:
                    yield Hit(self.name, place.name(path), count, "removed values")


def list_vaults(place: Place) -> list[Path]:
    """Vault files in the workspace and in the project around it."""
    project = find_project(place.root.absolute().parent if place.root.exists() else None)
    roots = {place.root.resolve()} | ({project.folder} if project else set())
    files = {file for root in roots for file in iter_files(root) if not _SKIPPED & set(file.parts)}
    return sorted(file for file in files if is_vault(file))


def _count(path: Path, key: MaskingKey, subject: Subject) -> int:
    with Vault(path, key) as vault:
        return sum(_holds(entry, subject) for entry in vault.list_entries())


def _opens(path: Path, key: MaskingKey) -> bool:
    try:
        with Vault(path, key):
            return True
    except GoldspanError:
        return False


def _holds(entry: LedgerEntry, subject: Subject) -> bool:
    """True for a value with the term, or a value of a person whose name it is: a vault holds parts of names apart."""
    referent = set(fold_words(entry.referent))
    return subject.holds_text(entry.value) or (subject.is_term and referent.issuperset(subject.words))
