"""The functions of `goldspan` that wait, as coroutines and asynchronous generators under the same names.

    result = await goldspan.aio.evaluate(samples, predictor)
    async for sample in goldspan.aio.annotate(samples, predictor): ...

They take the same arguments. Like the names of `goldspan`, they are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.pull.public import pull_async as pull
    from goldspan.annotation.labelstudio.push.public import push_async as push
    from goldspan.evaluation.results.public import evaluate_async as evaluate
    from goldspan.generators.runs.public import generate_async as generate
    from goldspan.masking.mask import mask_async as mask
    from goldspan.predictors.run import annotate_async as annotate
    from goldspan.training.launch import train_async as train
    from goldspan.training.methods.fits import fit_async as fit

_HOMES = {
    "annotate": "predictors.run",
    "evaluate": "evaluation.results.public",
    "fit": "training.methods.fits",
    "generate": "generators.runs.public",
    "mask": "masking.mask",
    "pull": "annotation.labelstudio.pull.public",
    "push": "annotation.labelstudio.push.public",
    "train": "training.launch",
}

__all__ = ["annotate", "evaluate", "fit", "generate", "mask", "pull", "push", "train"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"goldspan.{_HOMES[name]}"), f"{name}_async")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
