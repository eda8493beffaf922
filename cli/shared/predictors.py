"""Predictors for commands: those of the floors above `evaluation` are registered here, under their names."""

from __future__ import annotations

from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.base import Predictor
from goldspan.predictors.registry import make_predictor, register_predictor


def open_predictor(name: str, labels: LabelSchema, **options: Any) -> Predictor:
    """A predictor by name; options that are None are left to their defaults.

    Raises:
        UnknownNameError: there is no predictor of that name.
        ConfigurationError: it takes no such option, or what it needs is missing.

    """
    if "llm" in name.split("+"):
        from goldspan.predictors.prompting.predictor import make_llm_predictor

        register_predictor("llm", make_llm_predictor)
    else:
        register_predictor("llm", _make_llm)
    return make_predictor(name, labels, **options)


def _make_llm(labels: LabelSchema, **options: Any) -> Predictor:
    from goldspan.predictors.prompting.predictor import make_llm_predictor

    return make_llm_predictor(labels, **options)
