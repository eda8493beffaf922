"""Goldspan: from a label schema to reviewed, measured training data and a signed model.

Names are imported when they are first used, so `import goldspan` costs next to nothing. `docs/python-api.md` explains
each of them with an example. What waits has a twin for asynchronous programs in `goldspan.aio`; more public modules are
listed on that page too. The import turns off the telemetry of ONNX Runtime, which is on by default and begins with its
own import: a device id on disk, and events to Microsoft. ORT_DISABLE_TELEMETRY=0 leaves it on.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

if TYPE_CHECKING:
    from goldspan.annotation.checks import check_annotation
    from goldspan.annotation.errors import GoldspanError
    from goldspan.annotation.labels.schema import LabelSchema, load_labels
    from goldspan.annotation.labelstudio.pull.public import pull
    from goldspan.annotation.labelstudio.push.public import push
    from goldspan.annotation.tasks.store import read_samples, write_samples
    from goldspan.annotation.text.tagged import parse_tagged, render_tagged
    from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
    from goldspan.evaluation.matching.match import match_spans
    from goldspan.evaluation.results.public import compare, evaluate
    from goldspan.generators.runs.public import generate
    from goldspan.generators.runs.settings import RunSettings
    from goldspan.masking.mask import mask
    from goldspan.predictors.base import LocalPredictor, Predictor, RemotePredictor
    from goldspan.predictors.registry import open_predictor
    from goldspan.predictors.run import annotate
    from goldspan.training.bundle.public import freeze
    from goldspan.training.gate.public import judge
    from goldspan.training.launch import train
    from goldspan.training.methods.fits import fit

_MODULES = {
    "annotation.checks": ("check_annotation",),
    "annotation.errors": ("GoldspanError",),
    "annotation.labels.schema": ("LabelSchema", "load_labels"),
    "annotation.labelstudio.pull.public": ("pull",),
    "annotation.labelstudio.push.public": ("push",),
    "annotation.tasks.store": ("read_samples", "write_samples"),
    "annotation.text.tagged": ("parse_tagged", "render_tagged"),
    "annotation.types": ("Annotation", "Author", "Entity", "Mention", "Sample"),
    "evaluation.matching.match": ("match_spans",),
    "evaluation.results.public": ("compare", "evaluate"),
    "generators.runs.public": ("generate",),
    "generators.runs.settings": ("RunSettings",),
    "masking.mask": ("mask",),
    "predictors.base": ("LocalPredictor", "Predictor", "RemotePredictor"),
    "predictors.registry": ("open_predictor",),
    "predictors.run": ("annotate",),
    "training.bundle.public": ("freeze",),
    "training.gate.public": ("judge",),
    "training.launch": ("train",),
    "training.methods.fits": ("fit",),
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
    "Predictor",
    "RemotePredictor",
    "RunSettings",
    "Sample",
    "__version__",
    "annotate",
    "check_annotation",
    "compare",
    "evaluate",
    "fit",
    "freeze",
    "generate",
    "judge",
    "load_labels",
    "mask",
    "match_spans",
    "open_predictor",
    "parse_tagged",
    "pull",
    "push",
    "read_samples",
    "render_tagged",
    "train",
    "write_samples",
]


def __getattr__(name: str) -> Any:
    if name == "aio":
        return importlib.import_module(f"{__name__}.aio")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "aio"})
