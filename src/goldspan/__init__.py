"""Goldspan: from a label schema to reviewed, measured training data and a signed model.

Names are imported when they are first used, so `import goldspan` costs next to nothing. `docs/python-api.md` explains
each of them with an example.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from goldspan.annotation.checks import check_annotation
    from goldspan.annotation.errors import GoldspanError
    from goldspan.annotation.labels.schema import LabelSchema, load_labels
    from goldspan.annotation.labelstudio.pull.public import pull, pull_async
    from goldspan.annotation.labelstudio.push.public import push, push_async
    from goldspan.annotation.tasks.store import read_samples, write_samples
    from goldspan.annotation.text.tagged import parse_tagged, render_tagged
    from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
    from goldspan.evaluation.matching.match import match_spans
    from goldspan.evaluation.report.public import write_report
    from goldspan.evaluation.results.public import compare, evaluate, evaluate_async
    from goldspan.generators.runs.public import generate, generate_async
    from goldspan.generators.runs.settings import RunSettings
    from goldspan.masking.mask import mask, mask_async
    from goldspan.predictors.base import LocalPredictor, Prediction, Predictor, RemotePredictor
    from goldspan.predictors.registry import open_predictor
    from goldspan.predictors.run import annotate, annotate_async
    from goldspan.privacy.erase import erase_person, find_person
    from goldspan.privacy.expire import expire_raw
    from goldspan.privacy.report import report_privacy
    from goldspan.training.bundle.public import freeze
    from goldspan.training.finetuning.public import finetune, finetune_async
    from goldspan.training.finetuning.settings import TuningSettings
    from goldspan.training.gate.public import judge
    from goldspan.training.methods.public import fit, fit_async
    from goldspan.training.public import train, train_async

_MODULES = {
    "annotation.checks": ("check_annotation",),
    "annotation.errors": ("GoldspanError",),
    "annotation.labels.schema": ("LabelSchema", "load_labels"),
    "annotation.labelstudio.pull.public": ("pull", "pull_async"),
    "annotation.labelstudio.push.public": ("push", "push_async"),
    "annotation.tasks.store": ("read_samples", "write_samples"),
    "annotation.text.tagged": ("parse_tagged", "render_tagged"),
    "annotation.types": ("Annotation", "Author", "Entity", "Mention", "Sample"),
    "evaluation.matching.match": ("match_spans",),
    "evaluation.report.public": ("write_report",),
    "evaluation.results.public": ("compare", "evaluate", "evaluate_async"),
    "generators.runs.public": ("generate", "generate_async"),
    "generators.runs.settings": ("RunSettings",),
    "masking.mask": ("mask", "mask_async"),
    "predictors.base": ("LocalPredictor", "Prediction", "Predictor", "RemotePredictor"),
    "predictors.registry": ("open_predictor",),
    "predictors.run": ("annotate", "annotate_async"),
    "privacy.erase": ("erase_person", "find_person"),
    "privacy.expire": ("expire_raw",),
    "privacy.report": ("report_privacy",),
    "training.bundle.public": ("freeze",),
    "training.finetuning.public": ("finetune", "finetune_async"),
    "training.finetuning.settings": ("TuningSettings",),
    "training.gate.public": ("judge",),
    "training.methods.public": ("fit", "fit_async"),
    "training.public": ("train", "train_async"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Annotation",
    "Author",
    "Entity",
    "GoldspanError",
    "LabelSchema",
    "LocalPredictor",
    "Mention",
    "Prediction",
    "Predictor",
    "RemotePredictor",
    "RunSettings",
    "Sample",
    "TuningSettings",
    "__version__",
    "annotate",
    "annotate_async",
    "check_annotation",
    "compare",
    "erase_person",
    "evaluate",
    "evaluate_async",
    "expire_raw",
    "find_person",
    "finetune",
    "finetune_async",
    "fit",
    "fit_async",
    "freeze",
    "generate",
    "generate_async",
    "judge",
    "load_labels",
    "mask",
    "mask_async",
    "match_spans",
    "open_predictor",
    "parse_tagged",
    "pull",
    "pull_async",
    "push",
    "push_async",
    "read_samples",
    "render_tagged",
    "report_privacy",
    "train",
    "train_async",
    "write_report",
    "write_samples",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
