"""Predictors by name. Those of floors above register themselves from the command line's side."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.base import Predictor
from goldspan.predictors.combined import CombinedPredictor

Factory = Callable[..., Predictor]
"""Takes the label schema, then options by keyword."""


def make_regex(labels: LabelSchema) -> Predictor:
    """Patterns and checksums."""
    from goldspan.predictors.patterns.predictor import RegexPredictor

    return RegexPredictor(labels)


def make_rampart(labels: LabelSchema, *, threads: int = 1) -> Predictor:
    """A small token classifier on the CPU."""
    from goldspan.predictors.rampart.predictor import RampartPredictor

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

    Names joined with `+` (`regex+rampart`) make one predictor of several: where their entities overlap, those of the
    earlier one stay. An option goes to each part that takes it.

    Raises:
        UnknownNameError: there is no predictor of that name.
        ConfigurationError: it takes no such option, or what it needs is missing.

    """
    names = name.split("+")
    for part in names:
        if part not in _factories:
            raise UnknownNameError("predictor", part, _factories)
    given = {key: value for key, value in options.items() if value is not None}
    known = {part: _list_options(_factories[part]) for part in names}
    if unknown := sorted(set(given).difference(*known.values())):
        taken = sorted({option for part in names for option in known[part]})
        takes = f"it takes {', '.join(taken)}" if taken else "it takes no options"
        raise ConfigurationError(f"The predictor {name} has no option {', '.join(unknown)}; {takes}.")
    parts = [
        _factories[part](labels, **{key: value for key, value in given.items() if key in known[part]}) for part in names
    ]
    return parts[0] if len(parts) == 1 else CombinedPredictor(parts)


def _list_options(factory: Factory) -> list[str]:
    return [p.name for p in inspect.signature(factory).parameters.values() if p.kind is p.KEYWORD_ONLY]
