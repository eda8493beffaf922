"""The one door to predictors: by name, from a model directory or another artifact, or from a TOML file.

Names are found in `BUILT_IN` and among entry points of the group `goldspan.predictors` (`name = "module:factory"`).
A factory takes the label schema, then its options by keyword; their types and defaults are its signature.

An artifact of any method is a folder: either a model directory (ONNX), or one with a file `predictor.toml`, which names
a predictor and its options. Paths in that file are relative to the folder and do not leave it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from goldspan.annotation.configuration import read_toml
from goldspan.annotation.errors import ConfigurationError, GoldspanError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.annotation.plugins import PluginTable, convert_option, find_option_type, list_parameters
from goldspan.predictors.artifact import SETTINGS_FILE, is_method_artifact, read_artifact
from goldspan.predictors.base import Predictor
from goldspan.predictors.combined import combine_predictors

Factory = Callable[..., Predictor]
"""Takes the label schema, then options by keyword."""

GROUP = "goldspan.predictors"
BUILT_IN = {
    "schema": "goldspan.predictors.schema.predictor:SchemaPredictor",
    "regex": "goldspan.predictors.patterns.predictor:RegexPredictor",
    "rampart": "goldspan.predictors.rampart.predictor:RampartPredictor",
    "crf": "goldspan.predictors.stacking:open_crf",
    "llm": "goldspan.predictors.prompting.predictor:open_llm",
    "llm-adapter": "goldspan.training.models.causal.generator:AdaptedLlmPredictor",
    "llm-classifier": "goldspan.training.models.causal.predictor:CausalPredictor",
}
_TABLE = PluginTable("predictor", GROUP, BUILT_IN, "A model directory or a .toml file will do, too.")


@dataclass(frozen=True, slots=True)
class _Part:
    """One predictor to open: its factory, the options it takes, those that a file sets, the artifact it is from.

    `file` is the one that sets them; what it holds may come from elsewhere.
    """

    name: str
    factory: Factory
    parameters: Mapping[str, inspect.Parameter]
    stored: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    file: Path | None = None

    def open(self, labels: LabelSchema, given: Mapping[str, Any], usual: Mapping[str, Any]) -> Predictor:
        """Open it: options given on the call win over stored ones, these over usual ones."""
        values = {key: value for key, value in {**usual, **self.stored, **given}.items() if key in self.parameters}
        owner = f"predictor {self.name}"
        options = {key: convert_option(owner, self.parameters[key], value) for key, value in values.items()}
        if self.file:
            self._check_address(self.file, options, named="api_url" in given)
        if missing := [key for key, one in self.parameters.items() if one.default is one.empty and key not in options]:
            raise ConfigurationError(f"The predictor {self.name} needs the option {', '.join(missing)}.")
        predictor = self._create(labels, options)
        if self.folder and is_method_artifact(self.folder):
            predictor.record = read_artifact(self.folder).record
        return predictor

    def _create(self, labels: LabelSchema, options: Mapping[str, Any]) -> Predictor:
        try:
            predictor = self.factory(labels, **options)
        except GoldspanError:
            raise
        except Exception as error:
            message = f"The predictor {self.name} cannot be opened: {type(error).__name__}: {error}"
            raise ConfigurationError(message) from error
        if not isinstance(predictor, Predictor):
            raise ConfigurationError(f"{self.name} opens no predictor: subclass LocalPredictor or RemotePredictor.")
        return predictor

    def _check_address(self, file: Path, options: Mapping[str, Any], *, named: bool) -> None:
        """A key goes to the address in a file only where the user has named that address."""
        if not options.get("api_url"):
            return
        from goldspan.generators.providers.credentials import confirm_address, require_address
        from goldspan.generators.providers.profiles import find_profile, normalise_url

        profile, url = find_profile(options.get("provider", "compatible")), normalise_url(options["api_url"])
        if named:
            confirm_address(profile, url)
        else:
            mend = f"goldspan annotate FILE --predictor {self.folder or file} --option api_url={url}"
            require_address(profile, url, str(file), mend)


def list_predictors() -> tuple[str, ...]:
    """The names that `open_predictor` knows, sorted."""
    return _TABLE.list_names()


def list_options(name: str) -> dict[str, inspect.Parameter]:
    """The options of a predictor (or of several joined with `+`), by name.

    Raises:
        UnknownNameError: there is no predictor of that name.
    """
    options: dict[str, inspect.Parameter] = {}
    for part in _find_parts(name):
        options = dict(part.parameters) | options
    return options


def open_predictor(
    source: str | Path, labels: LabelSchema | None = None, *, defaults: Mapping[str, Any] | None = None, **options: Any
) -> Predictor:
    """A predictor by name, from a model directory or another artifact of a method, or from a TOML file.

    Names and folders joined with `+` (`regex+models/v1`) make one predictor of several: where their entities
    overlap, those of the earlier one stay. An option goes to each part that takes it; text is converted to the
    option's type.

    Args:
        source: a name, a model directory or artifact, some of these joined with `+`, or a `.toml` file:
            `predictor = "llm"` and a table `[options]`, whose paths are relative to the file.
        labels: the label schema; None: the one that `load_labels()` finds.
        defaults: values for options that the predictor takes and that are not given; others are ignored.
        options: options of the predictor; those that are None are left to their defaults.

    Raises:
        UnknownNameError: there is no predictor of that name.
        ConfigurationError: it takes no such option, a value has the wrong type, or what it needs is missing.
        StateError: a model directory is not what its signature or manifest says.
    """
    parts = _find_parts(str(source))
    given = {key: value for key, value in options.items() if value is not None}
    _refuse_unknown(str(source), given, parts)
    usual = {key: value for key, value in (defaults or {}).items() if value is not None}
    schema = load_labels() if labels is None else labels
    opened = [part.open(schema, given, usual) for part in parts]
    return opened[0] if len(opened) == 1 else combine_predictors(opened)


def _find_parts(name: str) -> list[_Part]:
    if name.endswith(".toml"):
        file = Path(name)
        name, stored = _read_file(file)
        parts = [_find_part(one) for one in _split_names(name)]
        _refuse_unknown(name, stored, parts)
        kept = [{key: value for key, value in stored.items() if key in part.parameters} for part in parts]
        return [
            replace(part, stored={**part.stored, **values}, file=file if "api_url" in values else part.file)
            for part, values in zip(parts, kept, strict=True)
        ]
    return [_find_part(one) for one in _split_names(name)]


def _split_names(name: str) -> list[str]:
    return [name] if Path(name).is_dir() else name.split("+")


def _find_part(name: str) -> _Part:
    folder = Path(name)
    if name in BUILT_IN or not folder.is_dir():
        factory = _TABLE.load(name)
        return _Part(name, factory, list_parameters(factory))
    if (folder / SETTINGS_FILE).is_file():
        return _find_artifact(folder)
    from goldspan.predictors.model.predictor import ModelPredictor

    factory = partial(ModelPredictor, folder)
    return _Part(name, factory, list_parameters(factory), folder=folder)


def _find_artifact(folder: Path) -> _Part:
    """The predictor of an artifact; one that reads files of other folders is refused: it may come from elsewhere."""
    path = folder / SETTINGS_FILE
    name, stored = _read_file(path)
    factory = _TABLE.load(name)
    part = _Part(name, factory, list_parameters(factory), stored, folder, path)
    _refuse_unknown(name, stored, [part])
    for key, value in stored.items():
        if isinstance(value, Path) and not value.resolve().is_relative_to(folder.resolve()):
            raise ConfigurationError(f"{path}: {key} is a path outside the folder. Copy what it names into the folder.")
    return part


def _refuse_unknown(name: str, given: Mapping[str, Any], parts: list[_Part]) -> None:
    known = sorted({option for part in parts for option in part.parameters})
    if unknown := sorted(set(given).difference(known)):
        takes = f"it takes {', '.join(known)}" if known else "it takes no options"
        raise ConfigurationError(f"The predictor {name} has no option {', '.join(unknown)}; {takes}.")


def _read_file(path: Path) -> tuple[str, dict[str, Any]]:
    document = read_toml(path)
    name, options = document.pop("predictor", None), document.pop("options", {})
    if not isinstance(name, str) or not isinstance(options, dict) or document:
        raise ConfigurationError(f'{path} needs a line `predictor = "name"` and may have a table [options], no more.')
    parameters = {} if Path(name).is_dir() else list_options(name)
    return name, {
        key: path.parent / value if key in parameters and find_option_type(parameters[key]) is Path else value
        for key, value in options.items()
    }
