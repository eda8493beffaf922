"""The method `prompting`: instructions and examples for a language model; nothing is trained.

The artifact holds the settings and the examples (`shots.jsonl`, of the training split only, readable by its owner).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.configuration import require_least
from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.files import explain_disk, make_private_folder
from goldspan.annotation.identity import digest
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.types import Sample
from goldspan.annotation.wording import format_count
from goldspan.generators.providers.credentials import confirm_address
from goldspan.generators.providers.profiles import find_profile, normalise_url
from goldspan.predictors.artifact import write_settings
from goldspan.predictors.embedding import GRAPH, TOKENIZER, TextEmbedder
from goldspan.predictors.prompting.predictor import MODES
from goldspan.predictors.prompting.prompt import describe_prompt
from goldspan.predictors.prompting.shots import Selection, ShotPool, check_selection, is_usable
from goldspan.training.bundle.verify import Bundle
from goldspan.training.methods.base import FitContext, Fitted, Method

SHOTS, EMBEDDER = "shots.jsonl", "embedder"


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptingSettings:
    """How a language model is asked.

    `provider` is a profile (openai, mistral, together, doubleword, compatible); `model` and `api_url` are its own where
    they are empty; `mode` is live or batch. `pool` bounds how many samples of the training split may be examples, 0
    takes all; `shots` are shown with each text, chosen by `selection` (per-label, similar, embedding,
    random); `embedder` is the folder of an embedder for `embedding`.
    """

    provider: str = "compatible"
    model: str = ""
    api_url: str = ""
    mode: str = "live"
    shots: int = 3
    selection: str = Selection.PER_LABEL
    embedder: Path | None = None
    pool: int = 500
    seed: int = 0
    temperature: float = 0.0
    attempts: int = 3


class PromptingMethod(Method[PromptingSettings]):
    """Writes the examples and the settings of the predictor `llm`. Nothing is sent."""

    name = "prompting"
    title = "A language model that is asked with instructions and examples"
    settings = PromptingSettings

    def fit(self, bundle: Bundle, settings: PromptingSettings, context: FitContext) -> Fitted:
        """Choose the pool of examples by a hash, and write the artifact."""
        require_least("prompting", settings, {"shots": 0, "pool": 0, "temperature": 0, "attempts": 1})
        if settings.mode not in MODES:
            raise ConfigurationError(f"The mode of prompting is {' or '.join(MODES)}, not {settings.mode[:40]!r}.")
        profile = find_profile(settings.provider)
        model = settings.model or profile.default_model
        if not model:
            raise ConfigurationError(
                f"The provider {settings.provider} has no model of its own: give --option model=NAME."
            )
        if settings.api_url:
            confirm_address(profile, normalise_url(settings.api_url))
        usable = [sample for sample in bundle.read_split("train", context.labels) if is_usable(sample)]
        if settings.shots and not usable:
            raise InputError("The training split has no sample short enough for an example. Give --option shots=0.")
        pool = choose_pool(usable, settings) if settings.shots else []
        with explain_disk(context.staging):
            make_private_folder(context.staging)
        options: dict[str, str | int | float | Path] = {
            "provider": settings.provider,
            "model": model,
            "mode": settings.mode,
            "shots": settings.shots,
            "selection": check_selection(settings.selection),
            "seed": settings.seed,
            "temperature": settings.temperature,
            "attempts": settings.attempts,
        }
        if settings.api_url:
            options["api_url"] = normalise_url(settings.api_url)
        if settings.selection == Selection.EMBEDDING:
            options["embedder"] = Path(_copy_embedder(settings.embedder, context.staging).name)
        if settings.shots:
            write_samples(context.staging / SHOTS, pool, context.labels)
            options["shots_file"] = Path(SHOTS)
        write_settings(context.staging, "llm", options)
        context.report(f"{format_count(len(pool), 'sample')} may be examples; nothing was sent.")
        return Fitted(
            context.staging,
            details={"model": model, "pool": len(pool), **describe_prompt(context.labels)},
            documents=len(pool),
        )


def _copy_embedder(source: Path | None, staging: Path) -> Path:
    if source is None:
        raise ConfigurationError("The selection embedding needs --option embedder=FOLDER.")
    TextEmbedder(source)
    target = staging / EMBEDDER
    with explain_disk(target):
        target.mkdir(exist_ok=True)
        for name in (GRAPH, TOKENIZER):
            shutil.copyfile(source / name, target / name)
    return target


def choose_pool(samples: Sequence[Sample], settings: PromptingSettings) -> list[Sample]:
    """The samples that can become examples: at most `pool` of them by a hash of their ids, 0 for all.

    A larger `pool` only adds samples. Where the choice does not depend on the text, only those that are chosen for a
    language stay, and one more, since a text is never its own example.
    """
    ranked = sorted(samples, key=lambda sample: digest([settings.seed, sample.sample_id]))
    pool = ranked[: settings.pool or len(ranked)]
    if check_selection(settings.selection) is not Selection.PER_LABEL:
        return pool
    shots = ShotPool(pool, settings.selection)
    needed = {
        sample.sample_id: sample
        for language in sorted({sample.language for sample in pool})
        for sample in shots.choose("", language, settings.shots + 1)
    }
    return list(needed.values())
