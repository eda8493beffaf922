"""Fine-tuning on this machine: the engine `local` of `goldspan finetune`, with LoRA on a causal language model."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from goldspan.annotation.configuration import list_too_small, list_wrong_choices
from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.plugins import convert_option, list_parameters
from goldspan.generators.providers.tuning.values import Checkpoint, JobEvent, JobState
from goldspan.training.config import DEVICES, MOST_SEED, TOGGLES
from goldspan.training.finetuning.engine import JobView, PredictorEntry, TuningEngine
from goldspan.training.finetuning.settings import TuningEstimate

if TYPE_CHECKING:
    from goldspan.training.models.causal.tuning import AdapterTuner, TunerProgress

PREDICTOR, FOLDER, ADAPTER, CHECKPOINTS = "llm-adapter", "local", "adapter", "checkpoints"
_CANCELLED = "cancelled"
_STEP_SECONDS = 5.0
_LEARNING_RATE = 2e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOptions:
    """The options of the engine: LoRA, rows a step, the longest row in tokens, and where to compute."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    batch_size: int = 4
    max_tokens: int = 8_192
    device: str = "auto"
    bf16: str = "auto"
    threads: int = 0
    four_bit: bool = False
    gradient_checkpointing: bool = False
    revision: str = ""


class LocalEngine(TuningEngine):
    """Tunes in this process. Checkpoints and the adapter are in `local/` of the run's folder."""

    waits: ClassVar[bool] = False
    _tuner: AdapterTuner | None = None

    def estimate(self) -> TuningEstimate:
        """Tokens of all epochs; no money, no known time.

        Raises:
            ConfigurationError: the base, torch, transformers or peft is missing, or an option is wrong.
        """
        from goldspan.training.models.causal.base import find_base
        from goldspan.training.models.causal.lora import import_peft

        options = self._read_options()
        import_peft()
        base = find_base(self.order.model, options.revision)
        counts, epochs = self.order.counts, self.order.epochs
        return TuningEstimate(
            counts.expected * epochs, counts.most * epochs, 0.0, 0.0, note=f"on this machine, from {base.folder.name}"
        )

    def advance(self) -> JobView:
        """Make optimiser steps for about five seconds, at least one; write the adapter after the last one.

        Raises:
            InputError: a row is longer than the base takes.
            ConfigurationError: the base or a library is missing.
            StateError: memory or disk ran out, or no checkpoint is whole.
        """
        folder = self.order.folder / FOLDER
        if (folder / _CANCELLED).is_file():
            return JobView(JobState.CANCELLED, _CANCELLED)
        if (done := self._read_finished()) is not None:
            return done
        tuner = self._open_tuner()
        progress = tuner.advance(_STEP_SECONDS)
        self._record(progress)
        if not progress.finished:
            return self._view(JobState.RUNNING, progress)
        self._write_adapter(tuner)
        return self._view(JobState.SUCCEEDED, progress)

    def cancel(self) -> JobView:
        """Stop for good, unless the adapter is already there."""
        if (done := self._read_finished()) is not None:
            return done
        from goldspan.annotation.files import explain_disk, make_private_folder, write_atomic
        from goldspan.training.models.checkpoint import remove_checkpoints

        folder = self.order.folder / FOLDER
        with explain_disk(folder):
            make_private_folder(folder)
            write_atomic(folder / _CANCELLED, b"")
            remove_checkpoints(folder / CHECKPOINTS)
        self.close()
        return JobView(JobState.CANCELLED, _CANCELLED)

    def close(self) -> None:
        """Free the model."""
        self._tuner = None

    def describe_predictor(self, job: JobView) -> PredictorEntry:
        """The predictor `llm-adapter` over the adapter's folder."""
        return PredictorEntry(PREDICTOR, paths={"adapter": self.order.folder / FOLDER / ADAPTER})

    def _read_options(self) -> LocalOptions:
        parameters = list_parameters(LocalOptions)
        if unknown := sorted(set(self.order.options).difference(parameters)):
            raise ConfigurationError(
                f"The provider local has no option {', '.join(unknown)}; it takes {', '.join(sorted(parameters))}."
            )
        values = {
            name: convert_option("provider local", parameters[name], text) for name, text in self.order.options.items()
        }
        options = replace(LocalOptions(), **values)
        wrong = list_too_small(options, {"rank": 1, "alpha": 1, "batch_size": 1, "max_tokens": 1, "threads": 0})
        wrong += list_wrong_choices(options, {"device": DEVICES, "bf16": TOGGLES})
        if not 0 <= options.dropout < 1:
            wrong.append("dropout is at least 0 and less than 1")
        if not 0 <= self.order.seed < MOST_SEED:
            wrong.append(f"seed is at least 0 and less than {MOST_SEED}")
        if wrong:
            raise ConfigurationError(f"Settings of the provider local: {'; '.join(wrong)}.")
        return options

    def _open_tuner(self) -> AdapterTuner:
        if self._tuner is not None:
            return self._tuner
        from goldspan.training.models.causal.base import find_base
        from goldspan.training.models.causal.chat import ChatTokenizer
        from goldspan.training.models.causal.lora import LoraSettings
        from goldspan.training.models.causal.tuning import AdapterTuner, TunerSettings, check_length, read_rows
        from goldspan.training.models.device import choose_device

        order, options = self.order, self._read_options()
        device = choose_device(options.device, options.bf16, options.threads)
        base = find_base(order.model, options.revision)
        chat = ChatTokenizer(base)
        longest = check_length(base, options.max_tokens)
        settings = TunerSettings(
            epochs=order.epochs,
            batch_size=options.batch_size,
            learning_rate=order.learning_rate or _LEARNING_RATE,
            seed=order.seed,
            four_bit=options.four_bit,
            gradient_checkpointing=options.gradient_checkpointing,
        )
        self._tuner = AdapterTuner(
            base,
            read_rows(order.train, chat, longest),
            read_rows(order.validation, chat, longest) if order.validation else (),
            settings,
            LoraSettings(options.rank, options.alpha, options.dropout),
            device,
            order.folder / FOLDER / CHECKPOINTS,
            pad=chat.pad,
        )
        return self._tuner

    def _record(self, progress: TunerProgress) -> None:
        data = {"step": progress.step, "loss": round(progress.loss, 4), "tokens": progress.tokens}
        line = f"step {progress.step} of {progress.steps}, loss {progress.loss:.3f}"
        self.journal.add_events([JobEvent(f"step-{progress.step}", time.time(), "info", "metrics", line, data)])
        metrics = {"loss": round(progress.loss, 4)}
        if progress.validation is not None:
            metrics["validation_loss"] = round(progress.validation, 4)
        self.journal.add_checkpoints([Checkpoint("newest", progress.step, "", metrics)])

    def _view(self, state: JobState, progress: TunerProgress) -> JobView:
        return JobView(
            state,
            "training" if state is JobState.RUNNING else "trained",
            step=progress.step,
            steps=progress.steps,
            message=f"loss {progress.loss:.3f}",
            output_model=self.order.run if state is JobState.SUCCEEDED else "",
            trained_tokens=progress.tokens,
        )

    def _write_adapter(self, tuner: AdapterTuner) -> None:
        from goldspan.training.models.causal.generator import SCHEMA
        from goldspan.training.models.causal.sealed import write_sealed
        from goldspan.training.models.checkpoint import remove_checkpoints

        order, options, progress = self.order, self._read_options(), tuner.progress
        settings: dict[str, Any] = asdict(options) | {"epochs": order.epochs, "seed": order.seed}
        settings["learning_rate"] = order.learning_rate or _LEARNING_RATE
        content = {
            "name": order.run,
            "base": tuner.base.describe(),
            "training": {
                "rows": order.counts.rows,
                "steps": progress.steps,
                "tokens": progress.tokens,
                "loss": round(progress.loss, 6),
                "validation_loss": tuner.best_loss,
                "device": tuner.device.kind,
                "settings": settings,
            },
        }
        write_sealed(order.folder / FOLDER / ADAPTER, SCHEMA, tuner.dump(), content)
        remove_checkpoints(order.folder / FOLDER / CHECKPOINTS)

    def _read_finished(self) -> JobView | None:
        """The view of a run whose adapter is there, None of others."""
        from goldspan.predictors.model.directory import MANIFEST

        path: Path = self.order.folder / FOLDER / ADAPTER / MANIFEST
        if not path.is_file():
            return None
        import orjson

        training = orjson.loads(path.read_bytes())["training"]
        return JobView(
            JobState.SUCCEEDED,
            "trained",
            step=training["steps"],
            steps=training["steps"],
            message=f"loss {training['loss']:.3f}",
            output_model=self.order.run,
            trained_tokens=training["tokens"],
        )
