"""The method `fine-tuning`: a language model tuned on the prompt that evaluates it, at a provider or on this machine.

The run is one of `goldspan finetune`, of the artifact's name: either command resumes it. The artifact holds the
settings of the predictor that opens the tuned model.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import explain_disk, make_private_folder
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.providers.tuning.profiles import TRAINING_PRICES_AS_OF
from goldspan.predictors.artifact import MethodArtifact, write_settings
from goldspan.training.bundle.verify import Bundle
from goldspan.training.finetuning.engine import LOCAL
from goldspan.training.finetuning.folder import begin_run, find_tuning_folder, is_begun, read_settings, read_status
from goldspan.training.finetuning.plan import plan_tuning
from goldspan.training.finetuning.public import describe_job, drive_run
from goldspan.training.finetuning.run import TuningOutcome, TuningSummary
from goldspan.training.finetuning.settings import TuningSettings
from goldspan.training.methods.base import FitContext, Fitted, Method, TrainingPrice
from goldspan.training.methods.fits import fit


class FineTuningMethod(Method[TuningSettings]):
    """Runs or resumes the fine-tuning run of the artifact's name. `max_cost` is the consent to pay."""

    name = "fine-tuning"
    title = "A language model tuned on the evaluation prompt, by API or with LoRA on this machine"
    settings = TuningSettings

    def fit(self, bundle: Bundle, settings: TuningSettings, context: FitContext) -> Fitted:
        """Begin the run if it is not there, drive it to its end, and write the artifact."""
        if not is_begun(context.workspace, context.name):
            plan = plan_tuning(bundle.folder, settings, context.labels, context.workspace.root)
            if settings.max_cost is None and settings.provider != LOCAL:
                raise ConfigurationError("Fine-tuning costs money: give --option max_cost=USD.")
            if excess := plan.find_excess():
                raise ConfigurationError(f"Nothing was sent: {excess}.")
            begin_run(context.workspace, plan, context.name, {"max_cost": settings.max_cost})
        folder = find_tuning_folder(context.workspace) / context.name
        _require_same(folder, bundle, settings)
        summary = drive_run(folder, on_job=lambda job: context.report(describe_job(job)))
        if summary.outcome is not TuningOutcome.DONE:
            raise StateError(
                f"The fine-tuning run {summary.run} ended as {summary.outcome}{': ' if summary.message else ''}"
                f"{summary.message}. `goldspan finetune status {summary.run}` says more."
            )
        with explain_disk(context.staging):
            make_private_folder(context.staging)
            paths = _copy_paths(folder, context.staging, summary.predictor["paths"])
        write_settings(context.staging, summary.predictor["predictor"], {**summary.predictor["options"], **paths})
        return _describe_fit(context.staging, summary, folder)


def _require_same(folder: Path, bundle: Bundle, settings: TuningSettings) -> None:
    stored = read_status(folder).settings
    if stored["bundle"]["name"] != bundle.manifest["name"] or read_settings(stored) != settings:
        raise StateError(
            f"There is a fine-tuning run {folder.name} on another bundle or with other options. Give the fit another "
            f"--name, or go on with that one: `goldspan finetune resume {folder.name}`."
        )


def publish_run(
    workspace: Workspace, folder: Path, labels_file: Path | None, report: Callable[[str], None]
) -> MethodArtifact:
    """Put the artifact of a run that is done into place, `models/<run>`.

    Raises:
        InputError: its bundle is gone.
        StateError: the run is not done, or there is another artifact of that name.
    """
    stored = read_status(folder).settings
    settings = read_settings(stored)
    return fit(
        FineTuningMethod.name,
        Path(stored["bundle"]["folder"]),
        {name: value for name, value in asdict(settings).items() if value is not None},
        name=folder.name,
        data=workspace.root,
        labels_file=labels_file,
        on_line=report,
    )


def _copy_paths(folder: Path, staging: Path, paths: Mapping[str, str]) -> dict[str, Path]:
    """Copy what the predictor reads from the run's folder into the artifact."""
    for place in paths.values():
        source, target = folder / place, staging / Path(place).name
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
    return {name: Path(Path(place).name) for name, place in paths.items()}


def _describe_fit(staging: Path, summary: TuningSummary, folder: Path) -> Fitted:
    stored = read_status(folder).settings
    settings = read_settings(stored)
    tokens = summary.job.trained_tokens or int(stored["estimate"]["tokens_expected"])
    details = {
        "provider": settings.provider,
        "base_model": settings.model,
        "model": summary.job.output_model,
        "run": summary.run,
        "rows": stored["order"]["counts"]["rows"],
        "prompt_version": stored["identity"].get("prompt_version"),
        "prompt_digest": stored["identity"].get("prompt_digest"),
    }
    return Fitted(staging, {"tokens": tokens, "jobs": 1}, _find_price(summary, stored, tokens), details)


def _find_price(summary: TuningSummary, stored: Mapping[str, Any], tokens: int) -> TrainingPrice | None:
    """What was paid: the provider's quote, else the trained tokens at the price of the estimate."""
    if summary.quote is not None:
        return TrainingPrice(summary.quote, summary.currency, source="the provider's quote")
    estimate = stored["estimate"]
    if not estimate["cost"]:
        return None
    rate = estimate["cost"] / max(estimate["tokens_expected"], 1)
    return TrainingPrice(tokens * rate, as_of=TRAINING_PRICES_AS_OF, source=str(estimate["note"]))
