"""A model directory on disk: what is in it, and how it is opened. Nothing is parsed before it was verified.

<model>/
├── trained/                  a standard transformers model: config.json, model.safetensors, tokenizer.json, …
├── quantized/                what is served
│   ├── model_quantized.onnx      inputs input_ids, attention_mask; outputs pii_logits, logits, mention_logits, …
│   ├── tokenizer.json            without truncation and padding
│   ├── label_mappings.json       numbers of the BIO tags, as kiji's app reads them
│   ├── crf_transitions.json      the BIO rules as transition scores
│   ├── config.json               for transformers.js
│   ├── calibration.json          temperature, operating points, thresholds
│   ├── coreference.json          how mentions are resolved
│   ├── probes.json               eight texts with the tags and entities that the model must give
│   ├── README.md                 the model card
│   └── manifest.json             SHA-256 of each file; fingerprints of bundle, label schema and code
├── quantized.sig             the signature of quantized/
└── quantized.pub             the public key
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

import goldspan.schemas as schemas
from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.identity import hash_file
from goldspan.predictors.artifact import SETTINGS_FILE
from goldspan.predictors.model.calibration import Calibration
from goldspan.predictors.model.coreference import PairScorer
from goldspan.predictors.model.encoding import WindowSize
from goldspan.predictors.model.signing import SignaturePolicy, Verification, verify_folder

SCHEMA = "model-directory"
FORMAT = 1
TRAINED, QUANTIZED = "trained", "quantized"
MODEL = "model_quantized.onnx"
TOKENIZER = "tokenizer.json"
MAPPINGS = "label_mappings.json"
TRANSITIONS = "crf_transitions.json"
CONFIG = "config.json"
CALIBRATION = "calibration.json"
COREFERENCE = "coreference.json"
PROBES = "probes.json"
CARD = "README.md"
MANIFEST = "manifest.json"
FILES = (MODEL, TOKENIZER, MAPPINGS, TRANSITIONS, CONFIG, CALIBRATION, COREFERENCE, PROBES, CARD)
"""Every file beside the manifest; there is no other."""

_MAX_BYTES = 256 << 20
"""Of every file but the graph; the largest tokenizers take 40 MiB."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A text with what the model must give: the number of each token's best tag, and entities `[start, end, label]`."""

    text: str
    tags: tuple[int, ...]
    entities: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class ModelDirectory:
    """A verified model. `model` and `tokenizer` are the bytes that were verified; `tags` are in the order of ids."""

    folder: Path
    manifest: dict[str, Any]
    verification: Verification
    model: bytes
    tokenizer: bytes
    tags: tuple[str, ...]
    calibration: Calibration
    coreference: PairScorer
    probes: tuple[Probe, ...]

    @property
    def name(self) -> str:
        """The model's name."""
        return str(self.manifest["name"])

    @property
    def size(self) -> WindowSize:
        """How texts are cut into windows."""
        windows = self.manifest["windows"]
        return WindowSize(windows["tokens"], windows["overlap"])


def is_model_directory(path: Path) -> bool:
    """True if the path looks like a model directory, or like the `quantized` folder of one."""
    return any((folder / MANIFEST).is_file() and (folder / MODEL).is_file() for folder in (path / QUANTIZED, path))


def find_served_folder(path: Path) -> Path:
    """The folder that is served: `quantized` in a model directory, or the path itself.

    Raises:
        InputError: there is neither.
    """
    for folder in (path / QUANTIZED, path):
        if (folder / MANIFEST).is_file():
            return folder
    if not path.exists():
        raise InputError(f"There is no model directory {path}.")
    if (path / SETTINGS_FILE).is_file():
        raise InputError(
            f"{path} is the artifact of another method, not a model directory: `goldspan method status {path.name}` "
            "describes it."
        )
    raise InputError(
        f"{path} is not a model directory: neither it nor {QUANTIZED}/ in it holds {MANIFEST}. `goldspan train` makes "
        "one."
    )


def open_directory(path: Path, policy: SignaturePolicy = SignaturePolicy.WARN, key: str = "") -> ModelDirectory:
    """Open a model directory: verify the signature, then every file's digest, then parse.

    Args:
        path: the model directory, or its `quantized` folder.
        policy: what is asked of the signature.
        key: the pinned public key: a PEM file or a fingerprint.

    Raises:
        InputError: it is not a model directory.
        StateError: the signature is bad or missing, a file is missing, changed, added or a link, or the format is
            newer than this version knows.
        ConfigurationError: the key cannot be read.
    """
    folder = find_served_folder(path)
    verification = verify_folder(folder, policy, key)
    contents = read_files(folder, large=(MODEL,))
    manifest = check_manifest(folder, contents.pop(MANIFEST))
    check_digests(folder, contents, manifest["files"], FILES)
    try:
        mappings = orjson.loads(contents[MAPPINGS])["pii"]["id2label"]
        tokenizer = orjson.loads(contents[TOKENIZER])
        calibration = Calibration.from_json(orjson.loads(contents[CALIBRATION]))
        coreference = PairScorer.from_json(orjson.loads(contents[COREFERENCE]))
        probes = tuple(
            Probe(p["text"], tuple(p["tags"]), tuple((s, e, label) for s, e, label in p["entities"]))
            for p in orjson.loads(contents[PROBES])
        )
        tags = tuple(str(mappings[str(number)]) for number in range(len(mappings)))
        tokenizer = dict(tokenizer)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StateError(f"{folder} cannot be read ({type(error).__name__}). Train or get it again.") from None
    if tokenizer.get("truncation") is not None or tokenizer.get("padding") is not None:
        raise StateError(
            f"{folder / TOKENIZER} truncates or pads texts; a model directory's tokenizer does neither. Set truncation "
            "and padding to null and sign again."
        )
    return ModelDirectory(
        folder, manifest, verification, contents[MODEL], contents[TOKENIZER], tags, calibration, coreference, probes
    )


def check_manifest(folder: Path, data: bytes, schema: str = SCHEMA) -> dict[str, Any]:
    """The manifest, if it keeps its JSON Schema, which `schema` names.

    Raises:
        StateError: it does not, or its format is not known.
    """
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
    if wrong := schemas.validator(schema).explain(document):
        raise StateError(f"{folder / MANIFEST} breaks its JSON Schema ({schema}): {wrong}")
    checked: dict[str, Any] = document
    return checked


def check_digests(
    folder: Path, contents: Mapping[str, bytes], recorded: Mapping[str, str], required: Iterable[str] = ()
) -> None:
    """Hold the bytes of every file against the manifest.

    Raises:
        StateError: a file is missing, added or changed.
    """
    if strange := sorted(set(contents) ^ set(recorded) | (set(required) - set(contents))):
        raise StateError(f"{folder} has files missing or added: {', '.join(strange[:5])}. It was not loaded.")
    for name, data in contents.items():
        if hashlib.sha256(data).hexdigest() != recorded[name]:
            raise StateError(f"{folder / name} is not what the manifest records. It was not loaded.")


def list_trained_faults(directory: ModelDirectory) -> list[str]:
    """What in `trained/` beside the served folder is not as the signed manifest records; nothing where it is absent."""
    trained, recorded = directory.folder.parent / TRAINED, directory.manifest["trained"]
    if not trained.is_dir():
        return []
    strange = sorted(entry.name for entry in trained.iterdir() if entry.name not in recorded or not _is_plain(entry))
    faults = [f"{TRAINED}/{name} is a file that the manifest does not list" for name in strange]
    for name, digest in recorded.items():
        file = trained / name
        if name not in strange and not (file.is_file() and hash_file(file) == digest):
            faults.append(f"{TRAINED}/{name} is not what the manifest records")
    return faults


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def read_files(folder: Path, large: Collection[str] | None = None) -> dict[str, bytes]:
    """The bytes of every file of a folder; all but the `large` ones must be small, where these are given.

    Raises:
        StateError: an entry is no plain file, is too large, or cannot be read.
    """
    contents: dict[str, bytes] = {}
    try:
        for entry in sorted(folder.iterdir()):
            if not _is_plain(entry):
                raise StateError(f"{entry} is not a plain file; the folder of a model holds nothing else.")
            if large is not None and entry.name not in large and entry.stat().st_size > _MAX_BYTES:
                raise StateError(f"{entry} is over {_MAX_BYTES >> 20} MiB, more than any model needs of it.")
            contents[entry.name] = entry.read_bytes()
    except OSError as error:
        raise StateError(f"{folder} cannot be read: {error.strerror}.") from None
    return contents
