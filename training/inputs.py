"""The bundle of a training run, and all that its steps read as one archive: none depends on a path of one machine."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.wording import describe_error
from goldspan.training.bundle.lineage import find_bundle, find_newest_bundle
from goldspan.training.bundle.verify import Bundle, open_bundle
from goldspan.training.config import TrainingConfig, parse_config

_BUNDLE, _LABELS, _CONFIG, _EXTERNAL = "bundle", "labels.toml", "config.json", "external"


@dataclass(frozen=True, slots=True)
class RunInputs:
    """The unpacked archive: a verified bundle (none if it is still to be exported), labels, settings, external gold."""

    folder: Path
    bundle: Bundle | None
    labels: LabelSchema
    config: TrainingConfig
    external: tuple[Path, ...]

    def require_bundle(self) -> Bundle:
        """The bundle.

        Raises:
            InputError: there is none.
        """
        if self.bundle is None:
            raise InputError("There is no bundle to train on. Give one, or set skip_export = false to pull samples.")
        return self.bundle


def choose_bundle(
    bundle: Path | None, config: TrainingConfig, workspace: Workspace, labels_file: Path, scratch: Path
) -> Path | None:
    """The folder of the bundle to train on; None if the flow is to export one.

    Raises:
        InputError: there is none.
    """
    if bundle is None and config.paths.bundle:
        bundle = Path(config.paths.bundle)
    if bundle is not None:
        return find_bundle(workspace, bundle)
    if not config.pipeline.skip_export:
        return None
    if config.paths.training_samples_dir:
        from goldspan.training.bundle.manifest import BundleSettings
        from goldspan.training.bundle.public import freeze

        source = Path(config.paths.training_samples_dir)
        settings = BundleSettings(source.name or "samples", reviewed_only=False, seed=config.training.seed)
        return freeze(
            settings, [source], labels_file=labels_file, data=workspace.root, output=scratch / "bundle"
        ).folder
    if newest := find_newest_bundle(workspace):
        return newest
    raise InputError(
        f"There is nothing to train on: {workspace.bundles} holds no bundle. Make one with `goldspan bundle`, or set "
        "training_samples_dir in [paths]."
    )


def pack_inputs(bundle: Path | None, labels_file: Path, config: TrainingConfig, external: Sequence[Path] = ()) -> bytes:
    """The archive (tar, gzip) of a bundle, the label schema, the settings and files of external gold.

    Raises:
        InputError: a file cannot be read.
    """
    buffer = io.BytesIO()
    try:
        with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=6) as archive:
            if bundle is not None:
                for path in sorted(bundle.rglob("*")):
                    name = f"{_BUNDLE}/{path.relative_to(bundle)}"
                    archive.add(path, name, recursive=False, filter=_forget_owner)
            archive.add(labels_file, _LABELS, filter=_forget_owner)
            for path in external:
                archive.add(path, f"{_EXTERNAL}/{path.name}", filter=_forget_owner)
            data = orjson.dumps(config.to_json())
            entry = tarfile.TarInfo(_CONFIG)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    except OSError as error:
        raise InputError(f"{error.filename or bundle} cannot be read: {error.strerror}.") from None
    return buffer.getvalue()


def unpack_inputs(archive: bytes, folder: Path) -> RunInputs:
    """Unpack an archive into an empty folder, and verify the bundle.

    Raises:
        StateError: the archive is broken, or the bundle is not what its manifest says.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as packed:
            packed.extractall(folder, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise StateError(
            f"The inputs of the run cannot be unpacked: {describe_error(error)}. Start a new run."
        ) from None
    labels = load_labels(folder / _LABELS)
    config = parse_config(orjson.loads((folder / _CONFIG).read_bytes()))
    bundle = open_bundle(folder / _BUNDLE, labels) if (folder / _BUNDLE).is_dir() else None
    external = tuple(sorted((folder / _EXTERNAL).iterdir())) if (folder / _EXTERNAL).is_dir() else ()
    return RunInputs(folder, bundle, labels, config, external)


def _forget_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    return entry
