"""What trains: an engine takes a run from its rows to a tuned model, one step at a time."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from goldspan.annotation.errors import UnknownNameError
from goldspan.generators.providers.tuning.values import JobState, RowProblem
from goldspan.training.finetuning.journal import TuningJournal
from goldspan.training.finetuning.settings import TuningEstimate, TuningOrder

LOCAL = "local"
ENGINES: dict[str, str] = {
    "together": "goldspan.training.finetuning.hosted:HostedEngine",
    "openai": "goldspan.training.finetuning.hosted:HostedEngine",
    "mistral": "goldspan.training.finetuning.hosted:HostedEngine",
    LOCAL: "goldspan.training.methods.llm_lora:LocalEngine",
}
"""The class of each provider's engine, imported when it is used."""


@dataclass(frozen=True, slots=True)
class JobView:
    """The state of a job. `status` is the provider's own word, `message` is for people, `steps` 0 if unknown.

    `over_budget`: the engine has stopped before a payment that the run may not make.
    """

    state: JobState
    status: str = ""
    job_id: str = ""
    step: int = 0
    steps: int = 0
    message: str = ""
    output_model: str = ""
    trained_tokens: int = 0
    problems: tuple[RowProblem, ...] = ()
    over_budget: bool = False


@dataclass(frozen=True, slots=True)
class PredictorEntry:
    """How the tuned model is opened: the name of a predictor, its options as plain values, and those that are paths.

    `paths` are files or folders inside the run's folder; they are copied into the artifact.
    """

    predictor: str
    options: Mapping[str, str | int | float] = field(default_factory=dict)
    paths: Mapping[str, Path] = field(default_factory=dict)


class TuningEngine(ABC):
    """Trains one run. Every method may be called again after the process was killed anywhere.

    `waits` says whether there is something to wait for between two steps (a server), or not (this machine).
    """

    waits: ClassVar[bool] = True

    def __init__(self, order: TuningOrder, journal: TuningJournal) -> None:
        self.order, self.journal = order, journal

    @abstractmethod
    def estimate(self) -> TuningEstimate:
        """What the run will take. Sends nothing.

        Raises:
            ConfigurationError: what the engine needs is missing, or it takes no such model.
        """

    @abstractmethod
    def advance(self) -> JobView:
        """Take the next step and return the state of the job.

        Raises:
            TransientServiceError: it may work later; nothing is lost.
            TerminalServiceError: it was refused.
        """

    @abstractmethod
    def cancel(self) -> JobView:
        """Take the next step towards the end of the job; it may have succeeded meanwhile. Raises as `advance`."""

    @abstractmethod
    def describe_predictor(self, job: JobView) -> PredictorEntry:
        """How the tuned model of a job that succeeded is opened."""

    def close(self) -> None:
        """Free what is open."""
        return


def load_engine(provider: str) -> type[TuningEngine]:
    """The class of a provider's engine.

    Raises:
        UnknownNameError: there is no such provider.
    """
    if provider not in ENGINES:
        raise UnknownNameError("provider of fine-tuning", provider, ENGINES)
    module, _, name = ENGINES[provider].partition(":")
    engine: type[TuningEngine] = getattr(importlib.import_module(module), name)
    return engine
