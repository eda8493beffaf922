"""Settings of a training run, from TOML: tables of plain values, each key typed, unknown keys refused by name."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from goldspan.annotation.configuration import list_too_small, list_wrong_choices, read_toml
from goldspan.annotation.errors import ConfigurationError

DEVICES = ("auto", "cpu", "cuda", "mps")
TOGGLES = ("auto", "true", "false")
MOST_SEED = 2**31
"""Seeds are smaller."""


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """`name`: an encoder by name, folder or Hub id. `coreference`: train the coreference head too."""

    name: str = "rampart"
    coreference: bool = True


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to train.

    The length of a run is `token_budget` (tokens seen, special ones included) or, if given, `num_epochs`. A
    `learning_rate` of 0 is the encoder's own. `warmup` is a share of the run. `early_stopping_patience` counts
    evaluations on the validation split without a gain of `early_stopping_threshold` in strict F1; there are
    `evaluations` of them. The best `average_checkpoints` are averaged if that is no worse. `class_weights` and
    `label_smoothing` exclude each other. `bf16` and `device` may be `auto`; `threads` of 0 is what torch chooses.
    """

    num_epochs: int = 0
    token_budget: int = 500_000
    batch_size: int = 8
    learning_rate: float = 0.0
    warmup: float = 0.1
    weight_decay: float = 0.01
    layerwise_lr_decay: float = 0.95
    label_smoothing: float = 0.0
    class_weights: bool = False
    early_stopping_enabled: bool = True
    early_stopping_patience: int = 3
    early_stopping_threshold: float = 0.0
    evaluations: int = 8
    average_checkpoints: int = 3
    max_eval_samples: int = 400
    freeze_embeddings: str = "auto"
    gradient_checkpointing: bool = False
    length_buckets: bool = True
    bf16: str = "auto"
    device: str = "auto"
    threads: int = 0
    seed: int = 0
    checkpoint_seconds: float = 60.0
    window_tokens: int = 256
    window_overlap: int = 64
    bare_windows: float = 0.1
    doubt_below: float = 0.0


@dataclass(frozen=True, slots=True)
class AugmentationSettings:
    """Share of the training texts (0 to 1) that each change is made to, drawn anew every epoch.

    `surrogates` puts new values of the same labels in place of the old ones; `casing` writes a text in small letters
    or capitals; `accents` drops accents; `ocr` confuses look-alikes; `sentences` takes one sentence alone;
    `hard_negatives` repeats texts without entities in which the model saw some.
    """

    surrogates: float = 0.0
    casing: float = 0.0
    accents: float = 0.0
    ocr: float = 0.0
    sentences: float = 0.0
    hard_negatives: float = 0.0


@dataclass(frozen=True, slots=True)
class PathSettings:
    """Where samples come from and where the model goes. `bundle` wins over `training_samples_dir`."""

    bundle: str = ""
    training_samples_dir: str = ""
    output_dir: str = ""


@dataclass(frozen=True, slots=True)
class PipelineSettings:
    """Steps to leave out. `skip_export`: take the samples that are there instead of pulling from Label Studio."""

    skip_export: bool = True
    skip_quantization: bool = False
    skip_signing: bool = False


@dataclass(frozen=True, slots=True)
class StudioSettings:
    """The Label Studio project to pull from."""

    base_url: str = ""
    project_id: int = 0


@dataclass(frozen=True, slots=True)
class GoldSettings:
    """Files of samples from elsewhere to evaluate on too, and whether to run the baselines beside the model."""

    external: tuple[str, ...] = ()
    baselines: bool = True


@dataclass(frozen=True, slots=True)
class SigningSettings:
    """The private key (PEM, EC P-256); made on first use. Empty: `keys/signing.pem` in the workspace."""

    key: str = ""


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """All settings of a run; `source` is the file they come from."""

    model: EncoderSettings = field(default_factory=EncoderSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    augmentation: AugmentationSettings = field(default_factory=AugmentationSettings)
    paths: PathSettings = field(default_factory=PathSettings)
    pipeline: PipelineSettings = field(default_factory=PipelineSettings)
    labelstudio: StudioSettings = field(default_factory=StudioSettings)
    evaluation: GoldSettings = field(default_factory=GoldSettings)
    signing: SigningSettings = field(default_factory=SigningSettings)

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values."""
        return asdict(self)


def read_config(path: Path) -> TrainingConfig:
    """Read and check a TOML file.

    Raises:
        ConfigurationError: it cannot be read, or holds an unknown key or a value of the wrong kind.
    """
    return parse_config(read_toml(path), str(path))


def parse_config(document: Mapping[str, Any], source: str = "The configuration") -> TrainingConfig:
    """Settings from parsed TOML or from `TrainingConfig.to_json`.

    Raises:
        ConfigurationError: a table or key is unknown, or a value is of the wrong kind or out of range.
    """
    sections = get_type_hints(TrainingConfig)
    _refuse_unknown(document, sections, f"{source} has no table", "[{}]")
    values = {}
    for name, kind in sections.items():
        given = document.get(name, {})
        if not isinstance(given, Mapping):
            raise ConfigurationError(f"{source}: [{name}] is a table.")
        values[name] = _parse_section(given, kind, f"{source}, [{name}]")
    config = TrainingConfig(**values)
    _check_ranges(config, source)
    return config


def override(config: TrainingConfig, **changes: Any) -> TrainingConfig:
    """The settings with some of `[model]` and `[training]` changed; None leaves a value as it is."""
    given = {name: value for name, value in changes.items() if value is not None}
    model = {"name": given.pop("encoder")} if "encoder" in given else {}
    return replace(config, model=replace(config.model, **model), training=replace(config.training, **given))


def _parse_section(given: Mapping[str, Any], kind: type, place: str) -> Any:
    hints = get_type_hints(kind)
    _refuse_unknown(given, hints, f"{place} has no key", "{}")
    return kind(**{key: _convert(value, hints[key], f"{place}: {key}") for key, value in given.items()})


def _refuse_unknown(given: Mapping[str, Any], known: Mapping[str, Any], message: str, form: str) -> None:
    for key in given:
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            advice = f"Did you mean {form.format(nearest[0])}?" if nearest else f"Known: {', '.join(known)}."
            raise ConfigurationError(f"{message} {form.format(key)}. {advice}")


def _convert(value: Any, kind: Any, place: str) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is str and isinstance(value, bool):
        return "true" if value else "false"
    if kind == tuple[str, ...]:
        if isinstance(value, (list, tuple)) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise ConfigurationError(f"{place} is a list of texts.")
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
    raise ConfigurationError(f"{place} is {names[kind]}, not {str(value)[:40]!r}.")


def _check_ranges(config: TrainingConfig, source: str) -> None:
    training = config.training
    shares = {f.name: getattr(config.augmentation, f.name) for f in fields(config.augmentation)}
    shares |= {name: getattr(training, name) for name in ("warmup", "bare_windows", "label_smoothing", "doubt_below")}
    wrong = [f"{name} is between 0 and 1" for name, value in shares.items() if not 0 <= value <= 1]
    least = {"batch_size": 1, "evaluations": 1, "average_checkpoints": 1, "window_tokens": 16, "max_eval_samples": 1}
    least |= {"num_epochs": 0, "token_budget": 1, "early_stopping_patience": 1, "threads": 0, "window_overlap": 0}
    wrong += list_too_small(training, least)
    wrong += list_wrong_choices(training, {"bf16": TOGGLES, "freeze_embeddings": TOGGLES, "device": DEVICES})
    if not 0 <= training.seed < MOST_SEED:
        wrong.append(f"seed is at least 0 and less than {MOST_SEED}")
    if training.window_overlap >= training.window_tokens // 2:
        wrong.append("window_overlap is less than half of window_tokens")
    if training.class_weights and training.label_smoothing:
        wrong.append("class_weights and label_smoothing exclude each other")
    numbers = {
        name: getattr(training, name) for name in ("weight_decay", "early_stopping_threshold", "checkpoint_seconds")
    }
    wrong += [f"{name} is a number of at least 0" for name, value in numbers.items() if not 0 <= value < math.inf]
    if not 0 < training.layerwise_lr_decay <= 1:
        wrong.append("layerwise_lr_decay is above 0 and at most 1")
    if not 0 <= training.learning_rate < math.inf:
        wrong.append("learning_rate is positive, or 0 for the encoder's own")
    if wrong:
        raise ConfigurationError(f"{source}: {'; '.join(wrong)}.")
