"""Open a bundle and verify every file against its manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_records, read_samples
from goldspan.annotation.types import Sample
from goldspan.training.bundle.manifest import MANIFEST, check_manifest, hash_folder, seal_manifest

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle."""

    folder: Path
    manifest: dict[str, Any]

    def read_split(self, name: str, labels: LabelSchema) -> Iterator[Sample]:
        """Samples of a split, one at a time."""
        return read_samples([self.folder / f"{name}.jsonl"], labels)


def open_bundle(folder: Path, labels: LabelSchema | None = None) -> Bundle:
    """Open a bundle after checking every byte of it; with `labels`, also that it was made with this label schema.

    Raises:
        InputError: there is no bundle.
        SchemaError: the manifest is not one.
        StateError: a file is missing, was changed, was added or is a symbolic link, a sample is in two splits, or the
            label schema differs.

    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds no {MANIFEST}: it is not a training bundle.")
    try:
        manifest = check_manifest(orjson.loads(path.read_bytes()))
    except orjson.JSONDecodeError:
        raise StateError(f"{path} is not JSON any more. Make the bundle anew.") from None
    if seal_manifest(manifest)["fingerprint"] != manifest["fingerprint"]:
        raise StateError(f"{path} was changed after the bundle was made. Make the bundle anew.")
    if labels and manifest["label_schema"]["fingerprint"] != labels.fingerprint:
        raise StateError(
            f"{folder} was made with label schema {manifest['label_schema']['fingerprint']}, this one is "
            f"{labels.fingerprint}. Use that schema, or make the bundle anew."
        )
    _check_files(folder, manifest["files"])
    _check_disjoint(folder, manifest["split"]["sizes"])
    return Bundle(folder, manifest)


def _check_files(folder: Path, files: dict[str, str]) -> None:
    expected = {MANIFEST, *(name.rstrip("/") for name in files)}
    if strange := sorted({entry.name for entry in folder.iterdir()} ^ expected):
        raise StateError(f"{folder} has files missing or added: {', '.join(strange[:5])}. Make the bundle anew.")
    if links := sorted(str(entry.relative_to(folder)) for entry in folder.rglob("*") if entry.is_symlink()):
        raise StateError(f"{folder} holds symbolic links: {', '.join(links[:5])}. Copy the bundle with its files.")
    for name, recorded in files.items():
        if _digest_path(folder / name) != recorded:
            raise StateError(f"{folder / name} is not what the manifest records. Make the bundle anew.")


def _digest_path(path: Path) -> str:
    if path.is_dir():
        return hash_folder({entry.name: _digest_path(entry) for entry in path.iterdir()})
    hashed = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def _check_disjoint(folder: Path, sizes: dict[str, int]) -> None:
    seen: dict[str, str] = {}
    for name, size in sizes.items():
        count = 0
        for record in read_records(folder / f"{name}.jsonl"):
            sample_id = record.value["data"]["sample_id"]
            if seen.setdefault(sample_id, name) != name:
                raise StateError(f"{folder}: sample {sample_id} is in {seen[sample_id]} and in {name}.")
            count += 1
        if count != size:
            raise StateError(f"{folder}: {name} has {count} samples, the manifest records {size}.")
