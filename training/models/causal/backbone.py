"""A causal language model as a reader of whole texts: its last hidden states, with or without the causal mask.

Without the mask every token sees the whole window. The attention modules are told so (`is_causal = False`) and get a
full mask of shape (rows, 1, tokens, tokens), which also replaces sliding windows. Attention that is spelt out adds its
mask to the scores; all others take a boolean one.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.wording import describe_error
from goldspan.training.models.causal.base import CausalBase, read_config
from goldspan.training.models.causal.settings import BIDIRECTIONAL, CAUSAL
from goldspan.training.models.device import Device


@dataclass(frozen=True, slots=True)
class BackboneSettings:
    """`attention`: causal or bidirectional. `four_bit`: load the weights in NF4, on CUDA only."""

    attention: str = CAUSAL
    four_bit: bool = False


class Backbone(nn.Module):
    """The model without its language head; `config` is that of the text model."""

    def __init__(self, model: Any, attention: str) -> None:
        super().__init__()
        self.model = model
        self.config = model.config.get_text_config()
        self.bidirectional = attention == BIDIRECTIONAL
        if self.bidirectional:
            for module in model.modules():
                if hasattr(module, "is_causal"):
                    module.is_causal = False

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Hidden states of shape (rows, tokens, hidden); both inputs are int64 of shape (rows, tokens)."""
        mask = attention_mask
        if self.bidirectional:
            rows, tokens = attention_mask.shape
            mask = attention_mask[:, None, None, :].bool().expand(rows, 1, tokens, tokens)
            if self.config._attn_implementation == "eager":
                hidden_from = torch.finfo(self.model.dtype).min
                mask = torch.zeros_like(mask, dtype=self.model.dtype).masked_fill(~mask, hidden_from)
        hidden: Tensor = self.model(input_ids=input_ids, attention_mask=mask, use_cache=False).last_hidden_state
        return hidden


def load_backbone(base: CausalBase, settings: BackboneSettings, device: Device, window_tokens: int) -> Backbone:
    """The frozen backbone on the device; in bfloat16 on CUDA, else in float32.

    Raises:
        ConfigurationError: transformers cannot load it, it is too short for the windows, or 4-bit is not possible.
    """
    longest = read_config(base.folder).longest
    if longest and window_tokens > longest:
        raise ConfigurationError(
            f"{base.name} takes {longest} tokens at a time, window_tokens is {window_tokens}. Lower it."
        )
    model = load_model("AutoModel", base, device, four_bit=settings.four_bit)
    return Backbone(model.requires_grad_(False).eval(), settings.attention)


def load_model(kind: str, base: CausalBase, device: Device, *, four_bit: bool = False) -> Any:
    """The model of a base by an auto class of transformers, on the device.

    Raises:
        ConfigurationError: transformers cannot load it, or 4-bit is not possible.
        StateError: it does not fit into memory.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    options: dict[str, Any] = {"dtype": torch.bfloat16 if device.kind == "cuda" else torch.float32}
    if four_bit:
        options |= {"quantization_config": make_four_bit(device), "device_map": {"": 0}}
    try:
        model = getattr(transformers, kind).from_pretrained(
            base.folder, trust_remote_code=False, local_files_only=True, use_safetensors=True, **options
        )
    except (MemoryError, torch.OutOfMemoryError):
        raise StateError(
            f"The model in {base.folder} does not fit into memory. Take a smaller one, or four_bit = true on CUDA."
        ) from None
    except Exception as error:  # noqa: BLE001
        said = describe_error(error)[:200]
        raise ConfigurationError(f"transformers cannot load the model in {base.folder}: {said}") from None
    return model if four_bit else model.to(device.kind)


def make_four_bit(device: Device) -> Any:
    """The settings of 4-bit weights: NF4 with double quantisation (Dettmers et al. 2023, QLoRA), bfloat16 products.

    Raises:
        ConfigurationError: there is no CUDA device, or bitsandbytes is not installed.
    """
    if device.kind != "cuda":
        raise ConfigurationError(
            f"4-bit weights need a CUDA device; this run uses {device.kind}. Run it where there is one, or train "
            "without four_bit."
        )
    try:
        import bitsandbytes  # noqa: F401
    except ImportError:
        raise ConfigurationError("4-bit weights need bitsandbytes. Install it: pip install bitsandbytes") from None
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
