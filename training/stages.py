"""The steps of a training run as plain functions over a work folder; the flow only calls them in order."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.files import explain_disk, stage_folder, swap_folder, write_atomic
from goldspan.annotation.types import Sample
from goldspan.predictors.model import directory as layout
from goldspan.predictors.model.encoding import WindowSize
from goldspan.training.inputs import RunInputs
from goldspan.training.runs import TrainingRun

GRAPH, FULL, EVALUATION, ROWS = "model.onnx", "full", "evaluation", "rows.json"
_HELD_OUT = ("validation", "test")


@dataclass(frozen=True, slots=True)
class Work:
    """The inputs of a run and the folder that its steps write to."""

    inputs: RunInputs
    run: TrainingRun
    name: str
    report: Callable[[str], None]

    @property
    def folder(self) -> Path:
        """Where the steps write."""
        return self.run.folder

    def read_split(self, name: str) -> list[Sample]:
        """The samples of a split of the bundle; empty if it has none of that name."""
        bundle = self.inputs.require_bundle()
        if name not in bundle.manifest["split"]["sizes"]:
            return []
        return list(bundle.read_split(name, self.inputs.labels))


def export_samples(inputs: RunInputs, workspace: Path | None = None) -> Path | None:
    """Pull the project of the settings and freeze it as a bundle; None where the samples that are there are taken.

    Args:
        inputs: of the run.
        workspace: whose split ledger holds for the bundle; None where it is not on this machine.

    Raises:
        ConfigurationError: Label Studio's address, token or project is missing.
        GateClosedError: the gate is closed.
        ServiceError: Label Studio refused.
    """
    if inputs.config.pipeline.skip_export:
        return None
    from goldspan.annotation.labelstudio.pull.public import pull
    from goldspan.training.bundle.manifest import BundleSettings
    from goldspan.training.bundle.public import freeze

    studio = inputs.config.labelstudio
    if not studio.project_id:
        raise InputError("skip_export = false needs project_id in [labelstudio].")
    pulled = inputs.folder / "export"
    report = pull(studio.project_id, labels=inputs.labels, data=pulled, url=studio.base_url or None)
    settings = BundleSettings("export", reviewed_only=True)
    labels_file = inputs.folder / "labels.toml"
    output = inputs.folder / "exported"
    return freeze(settings, [report.file], labels_file=labels_file, data=workspace or pulled, output=output).folder


def preprocess(work: Work) -> dict[str, Any]:
    """Check that there is something to learn; returns sizes and languages of the splits.

    Raises:
        InputError: the training split has no entity, or there is no validation split.
    """
    from goldspan.training.models.corpus import check_labels, check_validation

    train = work.read_split("train")
    counts = check_labels(train, work.inputs.labels)
    held_out = {name: work.read_split(name) for name in _HELD_OUT}
    check_validation(held_out["validation"], work.report)
    sizes = {name: len(samples) for name, samples in held_out.items()}
    missing = [label.code for label in work.inputs.labels.entities if not counts[label.code]]
    if missing:
        work.report(f"No entity in the training split has the label {', '.join(missing)}.")
    summary = {"train": len(train), **sizes, "languages": dict(Counter(s.language for s in train)), "without": missing}
    work.run.update_state({"splits": summary})
    return summary


def train(work: Work) -> dict[str, Any]:
    """Train, or resume from the newest checkpoint; writes `trained/` and the fp32 graph."""
    from goldspan.training.artifact.export import export_onnx
    from goldspan.training.models.fit import RECORD, TrainingData, fit, load_trained
    from goldspan.training.models.loop import TrainingProgress

    def show(progress: TrainingProgress) -> None:
        row = {
            "step": progress.step,
            "tokens": progress.tokens,
            "total": progress.total,
            "loss": round(progress.loss, 4),
            "f1": round(progress.validation.f1, 4),
        }
        work.run.add_progress(row)
        work.report(
            f"{progress.tokens:,} of {progress.total:,} tokens, loss {progress.loss:.3f}, "
            f"strict F1 {progress.validation.f1:.3f} on the validation split"
        )

    inputs = work.inputs
    data = TrainingData(work.read_split("train"), work.read_split("validation"))
    record = fit(data, inputs.labels, inputs.config, work.folder, report=show)
    record["languages"] = dict(sorted(Counter(sample.language for sample in data.train).items()))
    network = load_trained(work.folder / layout.TRAINED)
    record["pair_weights"] = [float(weight) for weight in network.side.features.tolist()]
    with explain_disk(work.folder):
        write_atomic(work.folder / GRAPH, export_onnx(network))
        write_atomic(work.folder / RECORD, orjson.dumps(record, option=orjson.OPT_INDENT_2))
    work.run.update_state({"f1": record["validation"]["f1"], "tokens": record["tokens"]})
    return record


def evaluate(work: Work, previous: Path | None = None) -> list[dict[str, Any]]:
    """Evaluate the fp32 model on the test split and on external gold, beside the baselines and the previous model."""
    from goldspan.evaluation.matching.levels import Level
    from goldspan.training.artifact.external import ExternalGold, read_external
    from goldspan.training.artifact.measure import evaluate_systems

    _write_served(work, work.folder / FULL / layout.QUANTIZED, quantised=False)
    inputs = work.inputs
    groups = frozenset(label.group for label in inputs.labels.entities)
    golds = [ExternalGold("test", tuple(s for s in work.read_split("test") if s.best), Level.LABEL, groups)]
    golds += [read_external(path, inputs.labels) for path in inputs.external]
    predictor = _open(work.folder / FULL, work)
    rows, notes = evaluate_systems(
        predictor,
        golds,
        inputs.labels,
        work.folder / EVALUATION,
        baselines=inputs.config.evaluation.baselines,
        previous=previous,
    )
    for note in notes:
        work.report(note)
    for row in rows:
        work.report(f"{row.gold}: {row.system} strict F1 {row.f1:.3f}, not fully hidden {row.missed:.3f}")
    found = [row.to_json() for row in rows]
    write_atomic(work.folder / EVALUATION / ROWS, orjson.dumps(found))
    return found


def quantise(work: Work) -> dict[str, Any]:
    """Write `quantized/`: INT8 if the parity gate holds; returns its manifest."""
    manifest = _write_served(
        work, work.folder / layout.QUANTIZED, quantised=not work.inputs.config.pipeline.skip_quantization
    )
    from goldspan.training.artifact.write import add_results

    rows = orjson.loads((work.folder / EVALUATION / ROWS).read_bytes())
    report = manifest["quantisation"]
    work.report(f"Served as {manifest['precision']}, {report[manifest['precision']]['bytes'] / 1e6:.1f} MB")
    for tried in report["tried"]:
        if tried["faults"]:
            work.report(f"{tried['precision']} was refused: {'; '.join(tried['faults'])}")
    if "conll" in manifest["coreference"]:
        work.report(f"Mentions are resolved by: {manifest['coreference']['method']} {manifest['coreference']['conll']}")
    return add_results(work.folder / layout.QUANTIZED, rows)


def sign(work: Work, key: Path | None) -> str:
    """Sign `quantized/`; returns the key's fingerprint, empty if signing is skipped or there is no key here."""
    from goldspan.predictors.model.signing import make_key, sign_folder

    if work.inputs.config.pipeline.skip_signing or key is None:
        return ""
    fingerprint = sign_folder(work.folder / layout.QUANTIZED, make_key(key))
    work.report(f"Signed with the key {fingerprint[:16]}…")
    return fingerprint


def require_replaceable(target: Path) -> None:
    """Refuse to replace a folder that holds anything but a model of a training run.

    Raises:
        StateError: it does, or it cannot be read.
    """
    with explain_disk(target):
        taken = target.exists() and not (target / layout.QUANTIZED / layout.MANIFEST).is_file()
        if taken and (not target.is_dir() or any(target.iterdir())):
            raise StateError(
                f"{target} is no model of a training run, and is not replaced. Choose another --name or output_dir."
            )


def publish(folder: Path, target: Path) -> None:
    """Copy trained/, quantized/, its signature and the evaluations to `target`; an older model stays until then.

    Raises:
        StateError: the disk refused, or `target` is something else; what is there is untouched.
    """
    require_replaceable(target)
    with stage_folder(target) as staging:
        for name in (layout.TRAINED, layout.QUANTIZED, EVALUATION):
            shutil.copytree(folder / name, staging / name)
        for name in (f"{layout.QUANTIZED}.sig", f"{layout.QUANTIZED}.pub"):
            if (folder / name).is_file():
                shutil.copyfile(folder / name, staging / name)
        swap_folder(staging, target)


def _open(folder: Path, work: Work) -> Any:
    from goldspan.predictors.model.predictor import ModelPredictor

    return ModelPredictor(folder, work.inputs.labels, verify="off")


def _write_served(work: Work, target: Path, *, quantised: bool) -> dict[str, Any]:
    from goldspan.training.artifact.write import ServedInputs, write_served
    from goldspan.training.models.fit import RECORD

    inputs, manifest = work.inputs, work.inputs.require_bundle().manifest
    trained = work.folder / layout.TRAINED
    if not trained.is_dir() or not (work.folder / GRAPH).is_file():
        raise StateError(f"{work.folder} holds no trained model yet.")
    record = orjson.loads((work.folder / RECORD).read_bytes())
    training = inputs.config.training
    return write_served(
        target,
        ServedInputs(
            name=work.name,
            graph=(work.folder / GRAPH).read_bytes(),
            tokenizer=(trained / layout.TOKENIZER).read_bytes(),
            trained=trained,
            pair_weights=record["pair_weights"],
            head_trained=inputs.config.model.coreference,
            labels=inputs.labels,
            validation=work.read_split("validation"),
            bundle={
                "name": manifest["name"],
                "fingerprint": manifest["fingerprint"],
                "data": manifest["data"]["fingerprint"],
                "split": manifest["split"]["fingerprint"],
            },
            record=record,
            settings=inputs.config.to_json(),
            size=WindowSize(training.window_tokens, training.window_overlap),
        ),
        quantised=quantised,
    )
