"""Sealed folders: files, and a manifest with the SHA-256 of each; verified before anything in them is parsed.

What is trained on a causal base is saved so: heads and adapters, never the base, which the manifest names.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

import goldspan.schemas as schemas
from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import explain_disk
from goldspan.predictors.model.signing import SignaturePolicy, verify_folder
from goldspan.training.bundle.manifest import dump, hash_bytes, seal_manifest

MANIFEST = "manifest.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class SealedFolder:
    """A verified folder: its manifest, and the bytes of its files as they were verified."""

    folder: Path
    manifest: dict[str, Any]
    files: dict[str, bytes]


def write_sealed(folder: Path, schema: str, files: Mapping[str, bytes], content: Mapping[str, Any]) -> dict[str, Any]:
    """Write a folder with its manifest in the place of an older one; returns the manifest.

    Args:
        folder: where it goes.
        schema: the JSON Schema of the manifest, by name.
        files: what goes in.
        content: the manifest without `schema`, `format`, `goldspan`, `files` and `fingerprint`.

    Raises:
        StateError: the disk refused.

    """
    hashes = {name: hash_bytes(data) for name, data in sorted(files.items())}
    fixed = {"schema": schema, "format": FORMAT, "goldspan": version("goldspan"), "files": hashes}
    manifest = seal_manifest({**content, **fixed})
    _check(folder, schema, dump(manifest))
    with explain_disk(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
        try:
            for name, data in {**files, MANIFEST: dump(manifest)}.items():
                (staging / name).write_bytes(data)
            shutil.rmtree(folder, ignore_errors=True)
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return manifest


def open_sealed(
    folder: Path, schema: str, policy: SignaturePolicy = SignaturePolicy.WARN, key: str = ""
) -> SealedFolder:
    """Open a folder: verify the signature, then the digest of every file.

    Raises:
        InputError: there is no such folder.
        StateError: the signature is bad or missing, a file is missing, changed, added or a link, or the format is
            not known.
        ConfigurationError: the key cannot be read.

    """
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder} holds no trained model: {MANIFEST} is missing.")
    verify_folder(folder, policy, key)
    files: dict[str, bytes] = {}
    try:
        for entry in sorted(folder.iterdir()):
            if entry.is_symlink() or not entry.is_file():
                raise StateError(f"{entry} is not a plain file; the folder holds nothing else.")
            files[entry.name] = entry.read_bytes()
    except OSError as error:
        raise StateError(f"{folder} cannot be read: {error.strerror}.") from None
    manifest = _check(folder, schema, files.pop(MANIFEST))
    if strange := sorted(set(files) ^ set(manifest["files"])):
        raise StateError(f"{folder} has files missing or added: {', '.join(strange[:5])}. It was not loaded.")
    for name, data in files.items():
        if hash_bytes(data) != manifest["files"][name]:
            raise StateError(f"{folder / name} is not what the manifest records. It was not loaded.")
    return SealedFolder(folder, manifest, files)


def _check(folder: Path, schema: str, data: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise StateError(f"{folder / MANIFEST} is not JSON. Train or get the model again.") from None
    found = document.get("format") if isinstance(document, dict) else None
    if isinstance(found, int) and found != FORMAT:
        raise StateError(
            f"{folder} has format {found}, this version of Goldspan reads format {FORMAT}. Upgrade Goldspan, or train "
            "the model again."
        )
    if problems := schemas.validator(schema).problems(document):
        listed = "; ".join(f"{problem.pointer or '/'} {problem.message}" for problem in problems[:3])
        raise StateError(f"{folder / MANIFEST} breaks its JSON Schema ({schema}): {listed}")
    checked: dict[str, Any] = document
    return checked
