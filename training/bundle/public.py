"""`goldspan.freeze`: a version of the data, split and fingerprinted, for training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.jsonl import OnError, raise_error
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.training.bundle.freeze import check_version_name, freeze_version
from goldspan.training.bundle.lineage import open_lineage
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.write import write_bundle


@dataclass(frozen=True, slots=True)
class Frozen:
    """A version on disk: its folder, and the manifest in it."""

    folder: Path
    manifest: Mapping[str, Any]


def freeze(
    settings: BundleSettings | str,
    files: str | Path | Iterable[str | Path] = (),
    *,
    labels_file: str | Path | None = None,
    data: str | Path | None = None,
    output: str | Path | None = None,
    extends: str = "",
    despite_gate: bool = False,
    on_error: OnError = raise_error,
) -> Frozen:
    """Freeze a version: train, validation and test, label mappings, and a manifest with fingerprints.

    Identical input gives identical bytes. Samples of earlier versions of the workspace keep their split. Without
    `files` the gate is checked first.

    Args:
        settings: the name of the version, for the reviewed samples of the workspace; or settings with ratios,
            seed, similarity and whether unreviewed samples are taken and Parquet is written.
        files: files or folders of samples to freeze instead of the workspace's; the gate is not asked about them.
        labels_file: the label schema; None: the one that `load_labels()` finds.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        output: the folder to write; None: `bundles/<name>` in the workspace.
        extends: an earlier bundle whose split is kept, by name or folder; needed for one made without a ledger.
        despite_gate: go on though the gate is closed; the manifest says so.
        on_error: called with records that cannot be read and are left out; by default the first one is raised.

    Raises:
        GateClosedError: the gate is closed; nothing was written.
        InputError: the name cannot be a version's, or no sample is left.
        RecordError: a sample may not be written.
        StateError: another version has this name.
    """
    workspace, labels = find_workspace(data), load_labels(labels_file)
    sources = [files] if isinstance(files, str | Path) else list(files)
    if isinstance(settings, str):
        settings = BundleSettings(settings, reviewed_only=not sources)
    name = check_version_name(settings.name)
    folder = Path(output) if output else workspace.bundles / name
    if not sources:
        label_file = Path(labels_file) if labels_file else None
        return Frozen(
            *freeze_version(
                workspace,
                labels,
                settings,
                folder=folder,
                label_file=label_file,
                extends=extends,
                despite_gate=despite_gate,
                on_error=on_error,
            )
        )
    samples = read_samples(sources, labels, on_error)
    with open_lineage(workspace, extends) as lineage:
        return Frozen(folder, write_bundle(folder, samples, labels, settings, lineage))
