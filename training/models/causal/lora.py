"""LoRA adapters (Hu et al. 2021) on all linear layers of a backbone, through `peft`; saved without the base."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.wording import describe_error

ADAPTER = CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


@dataclass(frozen=True, slots=True)
class LoraSettings:
    """Rank of the update, its scale `alpha / rank`, and dropout before it."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05


def attach_adapter(model: Any, settings: LoraSettings, *, seed: int) -> Any:
    """The model with new adapters, whose weights alone are trained; it starts out giving what it gave before.

    Raises:
        ConfigurationError: peft is not installed, or finds no linear layer.
    """
    peft = import_peft()
    if getattr(model, "is_loaded_in_4bit", False):
        model = peft.prepare_model_for_kbit_training(model, use_gradient_checkpointing=False)
    torch.manual_seed(seed)
    config = peft.LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules="all-linear",
        bias="none",
    )
    try:
        return wrap_model(model, config)
    except ValueError as error:
        raise ConfigurationError(f"No adapter fits this model: {describe_error(error)[:200]}") from None


def dump_adapter(model: Any, base: str) -> dict[str, bytes]:
    """`adapter_config.json`, which names the base, and `adapter_model.safetensors`, as bytes by name."""
    for config in model.peft_config.values():
        config.base_model_name_or_path = base
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder, safe_serialization=True, save_embedding_layers=False)
        return {name: (Path(folder) / name).read_bytes() for name in ADAPTER}


def load_adapter(model: Any, files: Mapping[str, bytes]) -> Any:
    """The model with the adapters of verified files.

    Raises:
        ConfigurationError: peft is not installed.
        StateError: the files do not fit the model.
    """
    import orjson
    from safetensors.torch import load

    peft = import_peft()
    try:
        config = peft.LoraConfig(**{**orjson.loads(files[CONFIG]), "inference_mode": True})
        adapted = wrap_model(model, config)
        result = peft.set_peft_model_state_dict(adapted, load(files[WEIGHTS]))
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise StateError(f"The adapter does not fit its base: {describe_error(error)[:200]}") from None
    missing = [name for name in result.missing_keys if "lora_" in name]
    if missing or result.unexpected_keys:
        raise StateError(f"The adapter does not fit its base: {len(missing)} weights are missing.")
    return adapted.eval()


def wrap_model(model: Any, config: Any) -> Any:
    """`get_peft_model`, without what the libraries warn each other of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return import_peft().get_peft_model(model, config)


def import_peft() -> Any:
    """The library peft.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import peft
    except ImportError:
        raise ConfigurationError("LoRA needs peft. Install it with: pip install 'goldspan[train]'") from None
    return peft
