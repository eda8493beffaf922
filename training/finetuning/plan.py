"""Plan a fine-tuning run: rows, tokens, price and refusals, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from goldspan.annotation.configuration import require_least
from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.providers.profiles import normalise_url
from goldspan.generators.providers.tuning.profiles import TUNING_PROFILES, TuningProfile
from goldspan.predictors.prompting.prompt import describe_prompt
from goldspan.training.bundle.verify import Bundle
from goldspan.training.bundle.withdrawal import open_for_training
from goldspan.training.finetuning.engine import LOCAL, load_engine
from goldspan.training.finetuning.files import TRAIN, VALIDATION, write_rows
from goldspan.training.finetuning.journal import TuningJournal
from goldspan.training.finetuning.rows import CheckedRows, RowLimits, TokenCounter, build_rows, check_rows
from goldspan.training.finetuning.settings import TokenCount, TuningEstimate, TuningOrder, TuningSettings

_MOST_EPOCHS = 20


@dataclass(frozen=True, slots=True)
class TuningPlan:
    """What a run would train on, where, and what it would cost. `address` is empty on this machine."""

    settings: TuningSettings
    bundle: Bundle
    rows: CheckedRows
    counts: TokenCount
    validation_counts: TokenCount
    estimate: TuningEstimate
    address: str
    options: Mapping[str, str]
    prompt: Mapping[str, Any]

    @property
    def profile(self) -> TuningProfile | None:
        """The provider's profile; None on this machine."""
        return TUNING_PROFILES.get(self.settings.provider)

    def find_excess(self) -> str:
        """Why the run may cost more than `max_cost` allows; empty if it cannot, or if the provider quotes first.

        Raises:
            ConfigurationError: no price is known, and the provider quotes none.
        """
        most, estimate = self.settings.max_cost, self.estimate
        quotes = self.profile is not None and self.profile.quotes
        if most is None:
            return ""
        if estimate.cost is None or estimate.cost_most is None:
            if quotes:
                return ""
            raise ConfigurationError(f"--max-cost cannot be kept: {estimate.note or 'no price is known'}.")
        if estimate.cost > most:
            return f"the run would cost about {estimate.cost:.2f} USD, more than --max-cost {most:g}"
        if estimate.cost_most > most and not quotes:
            return (
                f"the run may cost up to {estimate.cost_most:.2f} USD, more than --max-cost {most:g}, and "
                f"{self.settings.provider} does not say before; --tokenizer counts exactly"
            )
        return ""


def plan_tuning(folder: Path, settings: TuningSettings, labels: LabelSchema, root: Path | None = None) -> TuningPlan:
    """Build and check the rows of a bundle's training and validation splits, and estimate the cost. Sends nothing.

    `root` is the workspace whose withdrawals count; None: the one in force.

    Raises:
        InputError: the bundle or a row cannot be used.
        ConfigurationError: a setting is wrong, or the provider takes no such job any more.
        StateError: the bundle was changed.
    """
    profile, address, options = _check_settings(settings)
    bundle = open_for_training(folder, labels, root)
    counter = TokenCounter(settings.tokenizer)
    rows = check_rows(
        build_rows(bundle.read_split("train", labels), labels),
        build_rows(bundle.read_split("validation", labels), labels),
        _find_limits(profile),
        counter,
    )
    counts, validation_counts = counter.count_rows(rows.train), counter.count_rows(rows.validation)
    plan = TuningPlan(
        settings,
        bundle,
        rows,
        counts,
        validation_counts,
        TuningEstimate(counts.expected, counts.most),
        address,
        options,
        describe_prompt(labels),
    )
    return _with_estimate(plan)


def make_order(plan: TuningPlan, folder: Path, run: str, marker: str) -> TuningOrder:
    """What the engine of a plan is given."""
    settings = plan.settings
    return TuningOrder(
        run=run,
        marker=marker,
        folder=folder,
        provider=settings.provider,
        model=settings.model,
        address=plan.address,
        train=folder / f"{TRAIN}.jsonl",
        validation=folder / f"{VALIDATION}.jsonl" if plan.rows.validation else None,
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        price=settings.price,
        options=dict(plan.options),
        counts=plan.counts,
        validation_counts=plan.validation_counts,
    )


def _with_estimate(plan: TuningPlan) -> TuningPlan:
    """The plan with its engine's estimate; the engine sees the rows in a folder that is removed at once."""
    engine_class = load_engine(plan.settings.provider)
    with TemporaryDirectory(prefix="goldspan-") as scratch:
        folder = Path(scratch) / "plan"
        write_rows(folder, plan.rows)
        order = make_order(plan, folder, "plan", "gs-plan")
        with TuningJournal(folder, create=True) as journal, closing(engine_class(order, journal)) as engine:
            return replace(plan, estimate=engine.estimate())


def _check_settings(settings: TuningSettings) -> tuple[TuningProfile | None, str, dict[str, str]]:
    load_engine(settings.provider)
    if not settings.model:
        known = TUNING_PROFILES[settings.provider].prices if settings.provider in TUNING_PROFILES else {}
        listed = f" Of {settings.provider}, prices are known for: {', '.join(known)}." if known else ""
        raise ConfigurationError(f"Name the model to train on with --model.{listed}")
    if not 1 <= settings.epochs <= _MOST_EPOCHS:
        raise ConfigurationError(f"--epochs is a whole number from 1 to {_MOST_EPOCHS}, not {settings.epochs}.")
    require_least("fine-tuning", settings, {"max_cost": 0, "price": 0, "learning_rate": 0})
    options = _read_options(settings.options)
    if settings.provider == LOCAL:
        if settings.api_url:
            raise ConfigurationError("--provider local trains on this machine and takes no --api-url.")
        return None, "", options
    if options:
        raise ConfigurationError(f"The provider {settings.provider} takes no --option {', '.join(options)}.")
    profile = TUNING_PROFILES[settings.provider]
    if settings.api_url:
        return profile, normalise_url(settings.api_url), options
    profile.require_open(settings.model, datetime.now(UTC).date())
    return profile, profile.provider.base_url, options


def _read_options(text: str) -> dict[str, str]:
    """`key=value` pairs with commas."""
    options: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        key, sign, value = pair.partition("=")
        if not sign or not key:
            raise InputError(f"{pair[:40]!r} is no option; give key=value.")
        options[key.strip()] = value.strip()
    return options


def _find_limits(profile: TuningProfile | None) -> RowLimits:
    if profile is None:
        return RowLimits()
    return RowLimits(
        profile.min_rows,
        profile.max_bytes,
        profile.max_row_tokens,
        profile.validation_bytes,
        profile.validation_share,
    )
