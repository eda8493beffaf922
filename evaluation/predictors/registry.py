"""Predictors by name. Those of floors above register themselves from the command line's side."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from annotation.errors import ConfigurationError, UnknownNameError
from annotation.labels import LabelSchema
from evaluation.predictors.base import Predictor

Factory = Callable[..., Predictor]
"""Takes the label schema, then options by keyword."""


def make_regex(labels: LabelSchema) -> Predictor:
    """Patterns and checksums."""
    from evaluation.predictors.regex import RegexPredictor

    return RegexPredictor(labels)


def make_rampart(labels: LabelSchema, *, threads: int = 1) -> Predictor:
    """A small token classifier on the CPU."""
    from evaluation.predictors.rampart import RampartPredictor

    return RampartPredictor(labels, threads=threads)


_factories: dict[str, Factory] = {"regex": make_regex, "rampart": make_rampart}


def register_predictor(name: str, factory: Factory) -> None:
    """Add a predictor, or put another in the place of one."""
    _factories[name] = factory


def list_predictors() -> tuple[str, ...]:
    """The names that `make_predictor` knows, sorted."""
    return tuple(sorted(_factories))


def make_predictor(name: str, labels: LabelSchema, **options: Any) -> Predictor:
    """A predictor by name; options that are None are left to their defaults.

    Raises:
        UnknownNameError: there is no predictor of that name.
        ConfigurationError: it takes no such option, or what it needs is missing.

    """
    if name not in _factories:
        raise UnknownNameError("predictor", name, _factories)
    factory = _factories[name]
    given = {key: value for key, value in options.items() if value is not None}
    known = [p.name for p in inspect.signature(factory).parameters.values() if p.kind is p.KEYWORD_ONLY]
    if unknown := sorted(set(given) - set(known)):
        takes = f"it takes {', '.join(known)}" if known else "it takes no options"
        raise ConfigurationError(f"The predictor {name} has no option {', '.join(unknown)}; {takes}.")
    return factory(labels, **given)
