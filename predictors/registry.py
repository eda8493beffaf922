"""The one door to predictors: by name, from a model directory, or from a TOML file.

Names are found in `BUILT_IN` and among entry points of the group `goldspan.predictors` (`name = "module:factory"`).
A factory takes the label schema, then its options by keyword; their types and defaults are its signature.
"""

from __future__ import annotations

import importlib
import inspect
import tomllib
from collections.abc import Callable, Mapping
from functools import cache, partial
from importlib.metadata import entry_points
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.base import Predictor
from goldspan.predictors.combined import combine_predictors

Factory = Callable[..., Predictor]
"""Takes the label schema, then options by keyword."""

GROUP = "goldspan.predictors"
BUILT_IN = {
    "schema": "goldspan.predictors.schema.predictor:SchemaPredictor",
    "regex": "goldspan.predictors.patterns.predictor:RegexPredictor",
    "rampart": "goldspan.predictors.rampart.predictor:RampartPredictor",
    "llm": "goldspan.predictors.prompting.predictor:open_llm",
}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def list_predictors() -> tuple[str, ...]:
    """The names that `open_predictor` knows, sorted."""
    return tuple(sorted({*BUILT_IN, *_find_plugins()}))


def list_options(name: str) -> dict[str, inspect.Parameter]:
    """The options of a predictor (or of several joined with `+`), by name.

    Raises:
        UnknownNameError: there is no predictor of that name.

    """
    options: dict[str, inspect.Parameter] = {}
    for part in _split_names(name):
        options = _read_parameters(_load_factory(part)) | options
    return options


def open_predictor(
    source: str | Path, labels: LabelSchema, *, defaults: Mapping[str, Any] | None = None, **options: Any
) -> Predictor:
    """A predictor by name, from a model directory, or from a TOML file.

    Names and model directories joined with `+` (`regex+models/v1`) make one predictor of several: where their entities
    overlap, those of the earlier one stay. An option goes to each part that takes it; text is converted to the
    option's type.

    Args:
        source: a name, a model directory, some of these joined with `+`, or a `.toml` file: `predictor = "llm"` and a
            table `[options]`, whose paths are relative to the file.
        labels: the label schema.
        defaults: values for options that the predictor takes and that are not given; others are ignored.
        options: options of the predictor; those that are None are left to their defaults.

    Raises:
        UnknownNameError: there is no predictor of that name.
        ConfigurationError: it takes no such option, a value has the wrong type, or what it needs is missing.
        StateError: a model directory is not what its signature or manifest says.

    """
    name = str(source)
    if name.endswith(".toml"):
        name, stored = _read_file(Path(source))
        options = stored | options
    names = _split_names(name)
    taken = {part: _read_parameters(_load_factory(part)) for part in names}
    given = {key: value for key, value in options.items() if value is not None}
    if unknown := sorted(set(given).difference(*taken.values())):
        known = sorted({option for part in names for option in taken[part]})
        takes = f"it takes {', '.join(known)}" if known else "it takes no options"
        raise ConfigurationError(f"The predictor {name} has no option {', '.join(unknown)}; {takes}.")
    given = {key: value for key, value in (defaults or {}).items() if value is not None} | given
    parts = []
    for part in names:
        factory, parameters = _load_factory(part), taken[part]
        values = {key: _convert(part, parameters[key], value) for key, value in given.items() if key in parameters}
        parts.append(factory(labels, **values))
    return parts[0] if len(parts) == 1 else combine_predictors(parts)


def _read_file(path: Path) -> tuple[str, dict[str, Any]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from None
    name, options = document.pop("predictor", None), document.pop("options", {})
    if not isinstance(name, str) or not isinstance(options, dict) or document:
        raise ConfigurationError(f'{path} needs a line `predictor = "name"` and may have a table [options], no more.')
    parameters = list_options(name)
    return name, {
        key: path.parent / value if key in parameters and _find_type(parameters[key]) is Path else value
        for key, value in options.items()
    }


@cache
def _find_plugins() -> dict[str, str]:
    return {entry.name: entry.value for entry in entry_points(group=GROUP) if entry.name not in BUILT_IN}


def _split_names(name: str) -> list[str]:
    return [name] if Path(name).is_dir() else name.split("+")


@cache
def _load_factory(name: str) -> Factory:
    if name not in BUILT_IN and Path(name).is_dir():
        from goldspan.predictors.model.predictor import ModelPredictor

        return partial(ModelPredictor, Path(name))
    target = BUILT_IN.get(name) or _find_plugins().get(name)
    if target is None:
        hint = "A model directory or a .toml file will do, too."
        raise UnknownNameError("predictor", name, list_predictors(), hint)
    module, _, attribute = target.partition(":")
    try:
        factory: Factory = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        if name in BUILT_IN:
            raise
        raise ConfigurationError(f"The plug-in predictor {name} ({target}) cannot be loaded: {error}.") from None
    return factory


def _read_parameters(factory: Factory) -> dict[str, inspect.Parameter]:
    target = factory.func if isinstance(factory, partial) else factory
    function = target.__init__ if inspect.isclass(target) else target
    hints = get_type_hints(function)
    return {
        p.name: p.replace(annotation=hints.get(p.name, str))
        for p in inspect.signature(factory).parameters.values()
        if p.kind is p.KEYWORD_ONLY
    }


def _find_type(parameter: inspect.Parameter) -> type:
    """The type of an option's values; of `X | None` it is X."""
    kind = parameter.annotation
    if get_origin(kind) in (UnionType, Union):
        kind = next(part for part in get_args(kind) if part is not type(None))
    return kind if isinstance(kind, type) else str


def _convert(name: str, parameter: inspect.Parameter, value: Any) -> Any:
    """Text as the type that an option wants; other values as they are, whole numbers also where floats are wanted."""
    kind = _find_type(parameter)
    try:
        if kind is bool and isinstance(value, str):
            if value.lower() not in (*_TRUE, *_FALSE):
                raise ValueError
            return value.lower() in _TRUE
        if isinstance(value, str) or (kind is float and isinstance(value, int)):
            return kind(value)
    except ValueError:
        wanted = (
            "true or false" if kind is bool else {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        )
        raise ConfigurationError(
            f"The option {parameter.name} of the predictor {name} is {wanted}, not {str(value)[:40]!r}."
        ) from None
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise ConfigurationError(f"The option {parameter.name} of the predictor {name} is {kind.__name__}.")
