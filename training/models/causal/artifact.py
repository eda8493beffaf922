"""The folder of a trained LLM token classifier: head and adapter, never the base, which it names.

classifier/
├── head.safetensors            weight (tags, hidden), bias (tags)
├── adapter_config.json         with LoRA
├── adapter_model.safetensors   with LoRA
├── tokenizer.json              the base's own
├── label_mappings.json         numbers of the BIO tags
├── calibration.json            temperature, operating points, thresholds
└── manifest.json               base with revision and fingerprint; SHA-256 of each file
classifier.sig, classifier.pub  signature and public key
predictor.toml                  how `open_predictor` opens the folder
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
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.artifact import write_settings
from goldspan.predictors.model.calibration import Calibration
from goldspan.predictors.model.encoding import WindowSize
from goldspan.predictors.model.signing import SignaturePolicy, verify_folder
from goldspan.training.bundle.manifest import describe_labels, dump, hash_bytes, make_mappings, seal_manifest

SCHEMA, FORMAT = "llm-classifier", 1
FOLDER = "classifier"
MANIFEST, HEAD, TOKENIZER = "manifest.json", "head.safetensors", "tokenizer.json"
MAPPINGS, CALIBRATION = "label_mappings.json", "calibration.json"
ADAPTER = ("adapter_config.json", "adapter_model.safetensors")
PREDICTOR = "llm-classifier"


@dataclass(frozen=True, slots=True)
class ClassifierFolder:
    """A verified folder: its manifest, the bytes of its files, its tags in the order of ids, its calibration."""

    folder: Path
    manifest: dict[str, Any]
    files: dict[str, bytes]
    tags: tuple[str, ...]
    calibration: Calibration

    @property
    def size(self) -> WindowSize:
        """How texts are cut into windows."""
        windows = self.manifest["windows"]
        return WindowSize(windows["tokens"], windows["overlap"])

    @property
    def has_adapter(self) -> bool:
        """True if an adapter belongs to the head."""
        return ADAPTER[1] in self.files


def write_classifier(
    target: Path, files: Mapping[str, bytes], content: Mapping[str, Any], labels: LabelSchema, calibration: Calibration
) -> dict[str, Any]:
    """Write `classifier/` and `predictor.toml` into a folder; returns the manifest.

    Args:
        target: the artifact's folder.
        files: head, tokenizer, and the adapter's files if there are any.
        content: the sections `name`, `bundle`, `base`, `training`, `windows` and `metrics` of the manifest.
        labels: the label schema.
        calibration: of the classifier.

    Raises:
        StateError: the disk refused.

    """
    whole = {**files, MAPPINGS: dump(make_mappings(labels)), CALIBRATION: dump(calibration.to_json())}
    manifest = seal_manifest(
        {
            "schema": SCHEMA,
            "format": FORMAT,
            "goldspan": version("goldspan"),
            "label_schema": describe_labels(labels),
            **content,
            "files": {name: hash_bytes(data) for name, data in sorted(whole.items())},
        }
    )
    _check_manifest(target, dump(manifest))
    folder = target / FOLDER
    with explain_disk(target):
        target.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(dir=target, prefix=f".{FOLDER}."))
        try:
            for name, data in {**whole, MANIFEST: dump(manifest)}.items():
                (staging / name).write_bytes(data)
            staging.chmod(0o755)
            shutil.rmtree(folder, ignore_errors=True)
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        write_settings(target, PREDICTOR, {"classifier": Path(FOLDER)})
    return manifest


def open_classifier(folder: Path, policy: SignaturePolicy = SignaturePolicy.WARN, key: str = "") -> ClassifierFolder:
    """Open `classifier/`: verify the signature, then every file's digest, then parse.

    Raises:
        InputError: there is no such folder.
        StateError: the signature is bad or missing, a file is missing, changed, added or a link, or the format is
            not known.
        ConfigurationError: the key cannot be read.

    """
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder} is no LLM token classifier: it holds no {MANIFEST}.")
    verify_folder(folder, policy, key)
    contents: dict[str, bytes] = {}
    try:
        for entry in sorted(folder.iterdir()):
            if entry.is_symlink() or not entry.is_file():
                raise StateError(f"{entry} is not a plain file; the folder holds nothing else.")
            contents[entry.name] = entry.read_bytes()
    except OSError as error:
        raise StateError(f"{folder} cannot be read: {error.strerror}.") from None
    manifest = _check_manifest(folder, contents.pop(MANIFEST))
    if strange := sorted(set(contents) ^ set(manifest["files"])):
        raise StateError(f"{folder} has files missing or added: {', '.join(strange[:5])}. It was not loaded.")
    for name, data in contents.items():
        if hash_bytes(data) != manifest["files"][name]:
            raise StateError(f"{folder / name} is not what the manifest records. It was not loaded.")
    try:
        numbers = orjson.loads(contents[MAPPINGS])["pii"]["id2label"]
        tags = tuple(numbers[str(number)] for number in range(len(numbers)))
        calibration = Calibration.from_json(orjson.loads(contents[CALIBRATION]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{folder} cannot be read ({type(error).__name__}: {error}). Train it again.") from None
    return ClassifierFolder(folder, manifest, contents, tags, calibration)


def _check_manifest(folder: Path, data: bytes) -> dict[str, Any]:
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
    if problems := schemas.validator(SCHEMA).problems(document):
        listed = "; ".join(f"{problem.pointer or '/'} {problem.message}" for problem in problems[:3])
        raise StateError(f"{folder / MANIFEST} is not a manifest of an LLM token classifier: {listed}")
    checked: dict[str, Any] = document
    return checked
