"""Open a bundle and verify every file against its manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError, RecordError, StateError
from goldspan.annotation.files import find_json
from goldspan.annotation.identity import hash_file
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import check_file_name
from goldspan.annotation.types import Sample
from goldspan.annotation.wording import format_count
from goldspan.training.bundle.card import CARD
from goldspan.training.bundle.manifest import MANIFEST, MAPPINGS, check_manifest, hash_folder, seal_manifest
from goldspan.training.bundle.successor import find_successor

NOTICE = "withdrawn.json"
"""What is left of a bundle that was withdrawn."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A verified bundle."""

    folder: Path
    manifest: dict[str, Any]

    def read_split(self, name: str, labels: LabelSchema) -> Iterator[Sample]:
        """Samples of a split, one at a time.

        Raises:
            InputError: the bundle has no such split.
        """
        if name not in self.manifest["split"]["sizes"]:
            raise InputError(f"{self.folder} has no split {name!r}, only {', '.join(self.manifest['split']['sizes'])}.")
        return read_samples([self.folder / f"{name}.jsonl"], labels)

    def iter_texts(self) -> Iterator[tuple[str, str, str]]:
        """Split, sample id and text of every sample; needs no label schema, which may have changed since.

        Raises:
            RecordError: a record has no sample id or no text.
        """
        for name in self.manifest["split"]["sizes"]:
            for record in read_records(self.folder / f"{name}.jsonl"):
                data = record.value.get("data") if isinstance(record.value, dict) else None
                sample_id, text = (data.get(key) if isinstance(data, dict) else None for key in ("sample_id", "text"))
                if not isinstance(sample_id, str) or not isinstance(text, str):
                    reason = "it is not a task: data.sample_id and data.text are needed"
                    raise RecordError(reason, file=record.file, line=record.line)
                yield name, sample_id, text


def open_bundle(folder: Path, labels: LabelSchema | None = None) -> Bundle:
    """Open a bundle after checking every byte of it; with `labels`, also that it was made with this label schema.

    Raises:
        InputError: there is no bundle.
        SchemaError: the manifest is not one.
        RecordError: a record is no task.
        StateError: the bundle was withdrawn, the manifest names files outside the folder or splits without a digest, a
            file is missing, was changed, was added or is a symbolic link, a sample is in two splits, or the label
            schema differs.
    """
    path = folder / MANIFEST
    if (folder / NOTICE).is_file():
        raise StateError(f"{folder} is {describe_notice(find_json(folder / NOTICE))}")
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
            f"{labels.fingerprint}. {_advise(folder, manifest['fingerprint'])}"
        )
    _check_names(folder, manifest)
    _check_files(folder, manifest["files"])
    bundle = Bundle(folder, manifest)
    _check_splits(bundle)
    return bundle


def describe_notice(notice: Mapping[str, Any]) -> str:
    """Why a bundle cannot be used, and what can."""
    successor = f" Use its successor {notice['successor']}." if notice.get("successor") else ""
    erased = format_count(int(notice.get("erased", 0)), "sample")
    return f"the bundle {notice.get('name')}, which was withdrawn, with {erased} erased.{successor}"


def _advise(folder: Path, fingerprint: str) -> str:
    if successor := find_successor(folder.parent, fingerprint, "change"):
        return f"Its labels were changed since: use its successor {successor.name}."
    return "Use that schema, or make the bundle anew."


def _check_names(folder: Path, manifest: dict[str, Any]) -> None:
    """Every name is that of an entry of the folder, and every split is a file and a folder with a digest.

    Either all splits have a Parquet file, or none.
    """
    splits, files = manifest["split"]["sizes"], manifest["files"]
    try:
        for name in (*splits, *(name.removesuffix("/") for name in files)):
            check_file_name(name)
    except InputError as error:
        raise StateError(f"{folder / MANIFEST} names a file outside the bundle: {error}") from None
    card = {CARD} if manifest["format"] > 2 else set()
    expected = {MAPPINGS, *card, *(f"{name}.jsonl" for name in splits), *(f"{name}/" for name in splits)}
    if any(name.endswith(".parquet") for name in files):
        expected |= {f"{name}.parquet" for name in splits}
    if strange := sorted(expected ^ set(files)):
        raise StateError(f"{folder / MANIFEST}: splits and digests do not fit together: {', '.join(strange[:5])}.")


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
    return hash_file(path)


def _check_splits(bundle: Bundle) -> None:
    """No sample is in two splits, and every split has the recorded size."""
    seen: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for name, sample_id, _ in bundle.iter_texts():
        if seen.setdefault(sample_id, name) != name:
            raise StateError(f"{bundle.folder}: sample {sample_id} is in {seen[sample_id]} and in {name}.")
        counts[name] += 1
    for name, size in bundle.manifest["split"]["sizes"].items():
        if counts[name] != size:
            raise StateError(
                f"{bundle.folder}: {name} has {format_count(counts[name], 'sample')}, the manifest records {size}."
            )
