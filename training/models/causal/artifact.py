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

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.artifact import write_settings
from goldspan.predictors.model.calibration import Calibration
from goldspan.predictors.model.encoding import WindowSize
from goldspan.predictors.model.signing import SignaturePolicy
from goldspan.training.bundle.manifest import describe_labels, dump, make_mappings
from goldspan.training.models.causal.lora import ADAPTER
from goldspan.training.models.causal.sealed import SealedFolder, open_sealed, write_sealed

SCHEMA = "llm-classifier"
FOLDER = "classifier"
HEAD, TOKENIZER, MAPPINGS, CALIBRATION = "head.safetensors", "tokenizer.json", "label_mappings.json", "calibration.json"
PREDICTOR = "llm-classifier"


@dataclass(frozen=True, slots=True)
class ClassifierFolder:
    """A verified classifier: its sealed folder, its tags in the order of ids, its calibration."""

    sealed: SealedFolder
    tags: tuple[str, ...]
    calibration: Calibration

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest."""
        return self.sealed.manifest

    @property
    def files(self) -> dict[str, bytes]:
        """The verified files by name."""
        return self.sealed.files

    @property
    def size(self) -> WindowSize:
        """How texts are cut into windows."""
        windows = self.manifest["windows"]
        return WindowSize(windows["tokens"], windows["overlap"])

    @property
    def has_adapter(self) -> bool:
        """True if an adapter belongs to the head."""
        return set(ADAPTER) <= set(self.files)


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
    manifest = write_sealed(target / FOLDER, SCHEMA, whole, {**content, "label_schema": describe_labels(labels)})
    write_settings(target, PREDICTOR, {"classifier": Path(FOLDER)})
    return manifest


def open_classifier(folder: Path, policy: SignaturePolicy = SignaturePolicy.WARN, key: str = "") -> ClassifierFolder:
    """Open `classifier/`: nothing is parsed before it was verified. Raises as `open_sealed`."""
    sealed = open_sealed(folder, SCHEMA, policy, key)
    try:
        numbers = orjson.loads(sealed.files[MAPPINGS])["pii"]["id2label"]
        tags = tuple(numbers[str(number)] for number in range(len(numbers)))
        calibration = Calibration.from_json(orjson.loads(sealed.files[CALIBRATION]))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{folder} cannot be read ({type(error).__name__}: {error}). Train it again.") from None
    return ClassifierFolder(sealed, tags, calibration)
