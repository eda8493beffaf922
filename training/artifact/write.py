"""Write the served folder of a model directory: every file, then the manifest, then all of it at once into place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.files import stage_folder, swap_folder
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.predictors.model import directory as layout
from goldspan.predictors.model.decode import make_transitions
from goldspan.predictors.model.encoding import WindowSize
from goldspan.predictors.model.runtime import OnnxRuntime
from goldspan.training.artifact.calibrate import calibrate, describe_sensitivities
from goldspan.training.artifact.card import write_card
from goldspan.training.artifact.coreference import choose_scorer
from goldspan.training.artifact.parity import choose_precision
from goldspan.training.artifact.probes import record_probes
from goldspan.training.artifact.quantise import FP32, PRECISIONS
from goldspan.training.bundle.manifest import describe_labels, dump, hash_bytes, make_mappings, seal_manifest

_SOURCES = ("training/models", "training/artifact", "predictors/model")


@dataclass(frozen=True, slots=True)
class ServedInputs:
    """What a served folder is made from.

    `graph` is the fp32 ONNX graph; `pair_weights` are those of the coreference head, `head_trained` whether it was
    trained; `bundle` and `record` are descriptions for the manifest; `validation` is what calibration and parity read.
    """

    name: str
    graph: bytes
    tokenizer: bytes
    trained: Path
    pair_weights: Sequence[float]
    head_trained: bool
    labels: LabelSchema
    validation: Sequence[Sample]
    bundle: Mapping[str, str]
    record: Mapping[str, Any]
    settings: Mapping[str, Any]
    size: WindowSize


def write_served(target: Path, inputs: ServedInputs, *, quantised: bool) -> dict[str, Any]:
    """Write the folder `target` anew and return its manifest; an older one is replaced only by a whole one.

    Raises:
        StateError: the disk refused.
    """
    labels = inputs.labels
    tags = labels.bio_table
    chosen = choose_precision(
        inputs.graph,
        inputs.tokenizer,
        inputs.validation,
        tags,
        inputs.size,
        allowed=PRECISIONS if quantised else (FP32,),
    )
    calibration = calibrate(chosen.outputs)
    scorer, coreference = choose_scorer(chosen.outputs, inputs.pair_weights, trained=inputs.head_trained)
    probes = record_probes(OnnxRuntime(chosen.model, inputs.tokenizer, inputs.size), tags)
    files = {
        layout.MODEL: chosen.model,
        layout.TOKENIZER: inputs.tokenizer,
        layout.MAPPINGS: dump({"pii": make_mappings(labels)["pii"]}),
        layout.TRANSITIONS: orjson.dumps(make_transitions(tags)),
        layout.CONFIG: (inputs.trained / "config.json").read_bytes(),
        layout.CALIBRATION: dump(calibration.to_json()),
        layout.COREFERENCE: dump(scorer.to_json()),
        layout.PROBES: dump(
            [{"text": p.text, "tags": list(p.tags), "entities": [list(e) for e in p.entities]} for p in probes]
        ),
    }
    manifest: dict[str, Any] = {
        "schema": layout.SCHEMA,
        "format": layout.FORMAT,
        "name": inputs.name,
        "goldspan": version("goldspan"),
        "code": digest_code(),
        "label_schema": describe_labels(labels),
        "bundle": dict(inputs.bundle),
        "encoder": describe_encoder(inputs.record["encoder"]),
        "training": {
            "seed": inputs.settings["training"]["seed"],
            "settings": dict(inputs.settings),
            **{key: inputs.record[key] for key in ("steps", "tokens", "labels", "parameters", "device", "averaged")},
            "languages": inputs.record.get("languages", {}),
        },
        "windows": {"tokens": inputs.size.tokens, "overlap": inputs.size.overlap},
        "precision": chosen.precision,
        "quantisation": chosen.report,
        "coreference": coreference,
        "metrics": {"validation": inputs.record["validation"], "sensitivities": describe_sensitivities(chosen.outputs)},
        "trained": digest_folder(inputs.trained),
    }
    files[layout.CARD] = write_card(manifest, calibration, ()).encode()
    return replace_folder(target, files, manifest)


def add_results(target: Path, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Write the results of evaluations into manifest and card of a served folder; any signature is void after that."""
    from goldspan.predictors.model.calibration import Calibration

    files = {name: (target / name).read_bytes() for name in layout.FILES}
    manifest = orjson.loads((target / layout.MANIFEST).read_bytes())
    manifest["metrics"] = manifest["metrics"] | {"evaluations": list(rows)}
    calibration = Calibration.from_json(orjson.loads(files[layout.CALIBRATION]))
    files[layout.CARD] = write_card(manifest, calibration, rows).encode()
    return replace_folder(target, files, manifest)


def replace_folder(target: Path, files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Seal the manifest over the files, and put all of them into place at once.

    Raises:
        StateError: the disk refused.
    """
    sealed = seal_manifest({**manifest, "files": {name: hash_bytes(data) for name, data in files.items()}})
    layout.check_manifest(target, dump(sealed))
    with stage_folder(target) as staging:
        for name, data in {**files, layout.MANIFEST: dump(sealed)}.items():
            (staging / name).write_bytes(data)
        swap_folder(staging, target)
    return sealed


def describe_encoder(card: Mapping[str, Any]) -> dict[str, Any]:
    """The section `encoder`."""
    return {
        "name": str(card["name"]),
        "licence": str(card.get("licence", "unknown")),
        "source": str(card.get("source", "")),
        "attribution": {str(key): str(value) for key, value in card.get("attribution", {}).items()},
    }


def digest_folder(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder."""
    return {entry.name: hash_bytes(entry.read_bytes()) for entry in sorted(folder.iterdir()) if entry.is_file()}


def digest_code() -> str:
    """SHA-256 over the sources of training and decoding, by name."""
    root = Path(__file__).resolve().parents[2]
    hashed = hashlib.sha256()
    for folder in _SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            hashed.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return hashed.hexdigest()
