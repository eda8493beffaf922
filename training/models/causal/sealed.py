"""Sealed folders: files, and a manifest with the SHA-256 of each; verified before anything in them is parsed.

What is trained on a causal base is saved so: heads and adapters, never the base, which the manifest names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.files import stage_folder, swap_folder
from goldspan.predictors.model.directory import FORMAT, MANIFEST, check_digests, check_manifest, read_files
from goldspan.predictors.model.signing import SignaturePolicy, verify_folder
from goldspan.training.bundle.manifest import dump, hash_bytes, seal_manifest


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
    check_manifest(folder, dump(manifest), schema)
    with stage_folder(folder) as staging:
        for name, data in {**files, MANIFEST: dump(manifest)}.items():
            (staging / name).write_bytes(data)
        swap_folder(staging, folder)
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
    files = read_files(folder)
    manifest = check_manifest(folder, files.pop(MANIFEST), schema)
    check_digests(folder, files, manifest["files"])
    return SealedFolder(folder, manifest, files)
