"""What `goldspan demo --train` does: freeze the demo's samples with more of the same kind, train, annotate again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.labels.schema import LabelSchema, find_label_file
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.evaluation.scores.spans import SpanCounts
from goldspan.evaluation.scores.strict import score_strict
from goldspan.predictors.registry import open_predictor
from goldspan.predictors.run import add_prediction
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.public import freeze
from goldspan.training.config import TrainingConfig, parse_config
from goldspan.training.launch import TrainedModel, train
from goldspan.training.models.encoders.catalogue import TINY, is_prepared

_SEED = 3
_TOKENS = {"rampart": 60_000, TINY: 60_000}


@dataclass(frozen=True, slots=True)
class DemoTraining:
    """The model, the file that was annotated with it, and its strict scores on it."""

    model: TrainedModel
    annotated: Path
    scores: SpanCounts


def train_demo(
    workspace: Workspace,
    labels: LabelSchema,
    files: Sequence[Path],
    *,
    name: str = "demo",
    report: Callable[[str], None] = lambda _: None,
) -> DemoTraining:
    """Freeze `files` as the bundle `demo`, train on it, and annotate the first file with the new model.

    The encoder is `rampart` where it is prepared, else `tiny`, which shows the way and is no good model.

    Raises:
        ConfigurationError: a library that training needs is missing.
        StateError: the run failed.
    """
    settings = BundleSettings(name, seed=_SEED, reviewed_only=False)
    bundle = freeze(settings, files, labels_file=find_label_file(), data=workspace.root).folder
    model = train(bundle, make_demo_config(), name=name, data=workspace.root, on_line=report)
    predictor = open_predictor(f"regex+{model.folder}", labels, verify="warn")
    samples = list(read_samples([files[0]], labels))
    gold, found, annotated = [], [], []
    for sample in samples:
        prediction = predictor.predict_sync(sample.text, sample.language, sample.country)
        annotated.append(add_prediction(sample, prediction, predictor))
        gold.append(sample.best.entities if sample.best else ())
        found.append(prediction.entities)
    target = workspace.annotation_samples / f"{files[0].stem}-{name}.jsonl"
    write_samples(target, annotated, labels)
    scores = sum(score_strict(gold, found).values(), SpanCounts())
    return DemoTraining(model, target, scores)


def make_demo_config() -> TrainingConfig:
    """Settings that take minutes on two processors."""
    encoder = "rampart" if is_prepared("rampart") else TINY
    return parse_config(
        {
            "model": {"name": encoder},
            "training": {"token_budget": _TOKENS[encoder], "evaluations": 4, "threads": 1, "seed": _SEED},
        }
    )
