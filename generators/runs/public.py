"""`goldspan.generate`: samples written by language models, or by the offline author."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace
from pathlib import Path

from goldspan.annotation.configuration import require_least
from goldspan.annotation.errors import ConfigurationError, InputError, UnknownNameError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_interruptible
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.generators.providers.profiles import PROFILES
from goldspan.generators.runs.content import forget_files
from goldspan.generators.runs.executors import OFFLINE, ExecutionOptions, fill_prices
from goldspan.generators.runs.folder import begin_run
from goldspan.generators.runs.pipeline import Summary
from goldspan.generators.runs.run import Limits, OnProgress, check_settings, run_generation_async
from goldspan.generators.runs.settings import OFFLINE_MODEL, RunSettings
from goldspan.generators.specs.families import MOST_FAMILIES


async def generate_async(
    settings: RunSettings,
    *,
    run: str = "",
    new: bool = False,
    data: str | Path | None = None,
    execution: ExecutionOptions | None = None,
    limits: Limits | None = None,
    on_progress: OnProgress | None = None,
) -> Summary:
    """Begin a run, or go on with the one that has these settings, and drive it until it ends or waits.

    The samples are in `summary.samples`. Nothing that was answered is asked or paid for twice, however often the call
    is interrupted, or cancelled, and repeated. `goldspan.generate` also works where an event loop is running (a
    notebook).

    Args:
        settings: what is asked of whom; see `complete_settings` for what may be left out.
        run: name of the run; empty: made from the settings.
        new: begin afresh, beside an earlier run of the same name.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else `./data`.
        execution: how this process works: connections, limits a minute, whether it waits for batches.
        limits: US dollars and tokens that the run may take in all.
        on_progress: called with the progress about twice a second.

    Raises:
        InputError: a setting makes no sense.
        ConfigurationError: there is no key or no model, or no price for a limit in dollars.
        StateError: another process drives the run, or it was begun with other settings.
        ServiceError: the provider cannot be used as things are.
    """
    workspace = find_workspace(data)
    folder = await asyncio.to_thread(prepare_run, settings, run=run, new=new, data=data, limits=limits)
    return await run_generation_async(workspace, folder, execution=execution, limits=limits, on_progress=on_progress)


generate = run_interruptible(generate_async)


def prepare_run(
    settings: RunSettings,
    *,
    run: str = "",
    new: bool = False,
    data: str | Path | None = None,
    limits: Limits | None = None,
) -> Path:
    """The folder of the run with these settings, begun if it is not there; nothing is asked yet.

    Raises:
        InputError: a setting makes no sense.
        ConfigurationError: there is no key or no model, or no price for a limit in dollars.
        StateError: the run was begun with other settings.
    """
    forget_files()
    settings = fill_prices(complete_settings(settings))
    labels = load_labels(settings.labels_file or None)
    check_settings(settings, labels, limits or Limits())
    return begin_run(find_workspace(data), settings, labels, run, new=new)


_FOR_MODELS = {
    "model": "--model",
    "mode": "--mode",
    "window": "--window",
    "api_url": "--api-url",
    "temperature": "--temperature",
    "scenarios_file": "--scenarios",
    "examples_file": "--examples",
    "seeds": "--seeds",
    "novelty": "--novelty",
    "max_tokens": "--output-tokens",
    "price_in": "--price-in",
    "price_out": "--price-out",
}
"""Settings that the offline author cannot follow, by their option."""

_LEAST = {"samples": 0, "attempts": 1, "max_tokens": 1, "temperature": 0, "price_in": 0, "price_out": 0, "novelty": 0}


def _refuse_unused(settings: RunSettings) -> None:
    """Refuse settings that would be ignored: the user expects something else than would come out."""
    unset = {field.name: {field.default, "", 0} for field in fields(settings)}
    given = [option for name, option in _FOR_MODELS.items() if getattr(settings, name) not in unset[name]]
    if settings.provider == OFFLINE and given:
        raise InputError(
            f"{given[0]} is for language models, and the offline author is none. "
            f"Leave it out, or name a provider: --provider {', '.join(PROFILES)}."
        )
    if settings.provider != OFFLINE and settings.phrase_families:
        raise InputError(
            f"--phrase-families is for the offline author; {settings.provider} writes in words of its own. "
            "Leave it out, or use --provider offline."
        )
    if settings.phrase_families and not 2 <= settings.phrase_families <= MOST_FAMILIES:
        raise InputError(
            f"--phrase-families {settings.phrase_families} cannot be: give 2 to {MOST_FAMILIES}, or 0 for none."
        )


def complete_settings(settings: RunSettings) -> RunSettings:
    """The settings with the provider's own model and mode where none is given.

    `mode` is batch for Doubleword and live for other providers.

    Raises:
        UnknownNameError: there is no such provider, mode or window.
        ConfigurationError: the provider has no model of its own, or a number is too small or not finite.
        InputError: there is no language, a setting would have no effect, or there cannot be so many families.
    """
    if not isinstance(settings.languages, tuple | list):
        raise InputError(f"languages is a tuple of codes: ({settings.languages!r},), not {settings.languages!r}.")
    if not settings.languages:
        raise InputError("--languages names no language; give codes like en,de.")
    require_least("a run", settings, _LEAST)
    _refuse_unused(settings)
    if settings.provider == OFFLINE:
        return replace(settings, model=OFFLINE_MODEL, mode="")
    if settings.provider not in PROFILES:
        raise UnknownNameError("provider", settings.provider, [OFFLINE, *PROFILES])
    profile = PROFILES[settings.provider]
    model = profile.default_model if settings.model in {"", OFFLINE_MODEL} else settings.model
    mode = settings.mode or ("batch" if settings.provider == "doubleword" else "live")
    if mode not in {"live", "batch"}:
        raise UnknownNameError("mode", mode, ["live", "batch"])
    if mode == "batch" and not profile.windows:
        raise ConfigurationError(f"Goldspan makes no batches at {settings.provider}: use --mode live.")
    if settings.window and settings.window not in profile.windows:
        raise UnknownNameError("window", settings.window, profile.windows)
    if mode == "live" and settings.window:
        raise InputError("--window is for batches: add --mode batch, or leave it out.")
    if not model:
        raise ConfigurationError(f"The provider {settings.provider} has no default model: name one with --model.")
    return replace(settings, model=model, mode=mode)
