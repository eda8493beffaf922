"""Lineage of a bundle: the project's split ledger, and the earlier bundle that it extends."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldspan.annotation.corpus.ledger import SplitLedger, find_ledger, read_ledger, write_ledger
from goldspan.annotation.corpus.outline import Outline
from goldspan.annotation.errors import InputError
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.evaluation.audit.ledger import AuditLedger, find_audit_ledger, read_audit_ledger
from goldspan.training.bundle.manifest import MANIFEST
from goldspan.training.bundle.verify import NOTICE, Bundle, open_bundle

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Lineage:
    """The split ledger before a new bundle and its file, the bundle that the new one extends, the audit ledger."""

    path: Path
    ledger: SplitLedger
    extends: Bundle | None = None
    audits: AuditLedger = field(default_factory=AuditLedger)

    def record(self, outlines: Sequence[Outline], assignment: Sequence[str], version: str) -> None:
        """Write the ledger with the assignment of a new version."""
        write_ledger(self.path, self.ledger.record(outlines, assignment, version))

    def describe(self, assignment: Mapping[str, str]) -> dict[str, Any] | None:
        """How a new version differs from the bundle that it extends; None if it extends none."""
        if self.extends is None:
            return None
        before = {
            sample_id: name for name, outline in _iter_outlines(self.extends) for sample_id in [outline.sample_id]
        }
        moved = Counter(
            f"{before[sample_id]} to {split}"
            for sample_id, split in assignment.items()
            if before.get(sample_id, split) != split
        )
        return {
            "name": self.extends.manifest["name"],
            "fingerprint": self.extends.manifest["fingerprint"],
            "added": len(assignment.keys() - before.keys()),
            "removed": len(before.keys() - assignment.keys()),
            "moved": dict(sorted(moved.items())),
        }


@contextmanager
def open_lineage(workspace: Workspace, extends: str = "") -> Iterator[Lineage]:
    """The lineage of the next bundle of a workspace, locked against other writers for the block.

    A bundle that the ledger does not know yet is taken over as if it had been recorded: the one that `extends` names,
    else, in a workspace whose ledger does not exist yet, the newest bundle by name.

    Args:
        workspace: the workspace.
        extends: name of a bundle of the workspace, or a folder.

    Raises:
        InputError: there is no such bundle.
        RecordError: a ledger is broken, or the bundle is.
        SchemaError: the bundle's manifest is not one.
        StateError: the bundle is not intact.
    """
    path = find_ledger(workspace)
    with hold_lock(f"split ledger {path.resolve()}"):
        ledger = read_ledger(path)
        bundle = open_bundle(find_bundle(workspace, extends)) if extends else None
        newest = bundle or (None if path.exists() else _open_newest(workspace))
        if newest is not None:
            ledger = _adopt(ledger, newest)
        yield Lineage(path, ledger, bundle, read_audit_ledger(find_audit_ledger(workspace)))


def find_bundle(workspace: Workspace, name: str | Path) -> Path:
    """The folder of a bundle by its name in the workspace, or by its path.

    Raises:
        InputError: there is no such bundle.
    """
    for folder in (workspace.bundles / name, Path(name)):
        if (folder / MANIFEST).is_file() or (folder / NOTICE).is_file():
            return folder
    known = ", ".join(folder.name for folder in list_bundles(workspace)) or "there is none yet"
    raise InputError(f"There is no bundle {name} in {workspace.bundles}; known: {known}. `goldspan bundle` makes one.")


def find_newest_bundle(workspace: Workspace) -> Path | None:
    """The folder of the bundle that was written last; of several, the last by name."""
    return max(reversed(list_bundles(workspace)), key=lambda folder: folder.stat().st_mtime, default=None)


def list_bundles(workspace: Workspace) -> list[Path]:
    """The bundles of a workspace in the natural order of their names (v2 before v10)."""
    folders = (path.parent for path in workspace.bundles.glob(f"*/{MANIFEST}"))
    return sorted(folders, key=lambda folder: [int(p) if p.isdigit() else p for p in _DIGITS.split(folder.name)])


def _open_newest(workspace: Workspace) -> Bundle | None:
    bundles = list_bundles(workspace)
    return open_bundle(bundles[-1]) if bundles else None


def _adopt(ledger: SplitLedger, bundle: Bundle) -> SplitLedger:
    """The ledger with the samples of a bundle that it does not know."""
    new = [(name, one) for name, one in _iter_outlines(bundle) if one.sample_id not in ledger.entries]
    return ledger.record([one for _, one in new], [name for name, _ in new], str(bundle.manifest["name"]))


def _iter_outlines(bundle: Bundle) -> Iterator[tuple[str, Outline]]:
    """Split and outline of each sample."""
    for name, sample_id, text in bundle.iter_texts():
        yield name, Outline(sample_id, text, text)
