"""What every method offers: it takes a frozen bundle and makes an artifact, a folder that `open_predictor` opens.

    bundle + settings  →  Method.fit  →  Fitted  →  models/<name>/ with method.json  →  open_predictor("models/<name>")

An artifact is a model directory, or a folder with `predictor.toml` (`goldspan.predictors.registry`). Nothing outside of
`training.methods` knows which method made it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.plugins import convert_option, list_parameters
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.training.bundle.verify import Bundle

SettingsT = TypeVar("SettingsT")
"""A frozen dataclass of plain values, all of them keyword-only with defaults. It holds no secret and no text."""

ARTIFACT = "artifact"


@dataclass(frozen=True, slots=True)
class FitContext:
    """Where a fit works, and what it may use.

    `work` belongs to this fit alone and outlives a crash: a method that is called again with the same folder resumes.
    It is cleared when the fit is done.
    `output` is where the artifact is put in the end. `report` takes one line for people, without texts or secrets.
    """

    name: str
    labels: LabelSchema
    labels_file: Path
    workspace: Workspace
    work: Path
    output: Path
    report: Callable[[str], None]

    @property
    def staging(self) -> Path:
        """The folder to build the artifact in; it is put into place as a whole."""
        return self.work / ARTIFACT


@dataclass(frozen=True, slots=True)
class TrainingPrice:
    """What a fit cost in money: the sum, and the dated prices that it follows from."""

    total: float
    currency: str = "USD"
    as_of: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What a method made.

    `folder` is `FitContext.staging`, or `FitContext.output` where a method publishes by itself. `usage` counts
    what was used (`tokens`, `requests`, `jobs`); `price` is None where no money was paid. `details` go into
    `method.json`. `documents` counts the annotated documents that it used; None: those of train and validation.
    """

    folder: Path
    usage: Mapping[str, int] = field(default_factory=dict)
    price: TrainingPrice | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    documents: int | None = None


class Method(ABC, Generic[SettingsT]):
    """A way to make a predictor from a bundle. Its module imports no heavy library; `fit` does."""

    name: ClassVar[str]
    title: ClassVar[str]
    settings: ClassVar[type[Any]]
    """The dataclass of its settings; `--option key=value` follows from its fields."""

    @abstractmethod
    def fit(self, bundle: Bundle, settings: SettingsT, context: FitContext) -> Fitted:
        """Make the artifact; resume where an earlier call with the same work folder was interrupted.

        Raises:
            InputError: the bundle cannot be trained on.
            ConfigurationError: a setting is wrong, or a library, model or key is missing.
            StateError: the work folder or the disk refused.
            ServiceError: a provider did not answer as it should.
        """


def make_settings(method: Method[SettingsT], given: Mapping[str, Any]) -> SettingsT:
    """The settings of a method from options; text is converted to the type of its field.

    Raises:
        ConfigurationError: the method has no such option, or a value has the wrong type.
    """
    parameters = list_parameters(method.settings)
    if unknown := sorted(set(given).difference(parameters)):
        takes = f"it takes {', '.join(sorted(parameters))}" if parameters else "it takes no options"
        raise ConfigurationError(f"The method {method.name} has no option {', '.join(unknown)}; {takes}.")
    values = {
        key: convert_option(f"method {method.name}", parameters[key], value)
        for key, value in given.items()
        if value is not None
    }
    settings: SettingsT = method.settings(**values)
    return settings
