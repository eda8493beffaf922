"""Every store of a workspace. What belongs to none is reported as unknown; a test fails where our code makes such."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.tombstones import FOLDER
from goldspan.privacy.stores.base import Store
from goldspan.privacy.stores.bundles import BundleStore, ModelStore, TrainingStore
from goldspan.privacy.stores.derived import DashboardStore, FolderStore, JobFolderStore, PlainStore, ResultStore
from goldspan.privacy.stores.records import RecordStore
from goldspan.privacy.stores.runs import RunStore
from goldspan.privacy.stores.shards import ShardStore, list_runs
from goldspan.privacy.stores.studio import ConfiguredStudioStore, StudioStore
from goldspan.privacy.stores.uploads import UploadStore
from goldspan.privacy.stores.vaults import VaultStore

MODELS, UPLOADS = ModelStore(), UploadStore()
STORES: tuple[Store, ...] = (
    StudioStore(),
    ConfiguredStudioStore(),
    ShardStore(),
    RecordStore("samples", "generated, imported and pre-annotated samples", "annotation_samples", "audit_samples"),
    RecordStore("gold", "reviewed samples, pull state, conflicts", "training_samples"),
    RunStore(),
    RecordStore("backups", "samples before a change of labels", "backups"),
    BundleStore(),
    TrainingStore(),
    MODELS,
    FolderStore("fits", "state and caches of training methods", "methods", "fit the method again"),
    RecordStore("loop", "queued samples, verdicts of rounds", "loop"),
    RecordStore("fine-tuning", "training rows of hosted fine-tuning", "finetuning"),
    FolderStore("releases", "data sets as they would be uploaded", "releases", "make it anew, update uploads"),
    ResultStore(),
    DashboardStore(),
    VaultStore(),
    JobFolderStore(),
    RecordStore("adjudications", "decisions on disputed spans, with notes", "adjudications.jsonl"),
    RecordStore("pushed", "ids of pushed samples", "pushed", texts=False),
    RecordStore("ledgers", "split and audit by sample id", "split_ledger.jsonl", "audit_ledger.jsonl", texts=False),
    PlainStore(
        "settings", "thresholds, a pending change of labels, signing keys", "gate.toml", "label-change.json", "keys"
    ),
    PlainStore("privacy", "keyed hashes of what was erased and uploaded, withdrawn bundles", FOLDER),
    UPLOADS,
)
"""In the order in which they are erased: Label Studio first, since a pull would bring its samples back."""


def find_store(entry: str) -> Store | None:
    """The store that a name at the top of a workspace belongs to."""
    return next((store for store in STORES if entry in store.entries), None)


def list_unknown(workspace: Workspace) -> Iterator[Path]:
    """What is in a workspace and belongs to no store, nor to a run over shards."""
    if workspace.root.is_dir():
        runs = set(list_runs(workspace.root))
        for path in sorted(workspace.root.iterdir()):
            if find_store(path.name) is None:
                yield from _list_beside(path, runs)


def _list_beside(path: Path, runs: set[Path]) -> Iterator[Path]:
    """A file or folder, without the runs in it."""
    if path in runs:
        return
    if any(run.is_relative_to(path) for run in runs):
        for child in sorted(path.iterdir()):
            yield from _list_beside(child, runs)
    else:
        yield path
