"""Build the network from an encoder: its tagging head resized, rows of an old head grafted, embeddings frozen."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.wording import describe_error
from goldspan.training.models.encoders.catalogue import Encoder
from goldspan.training.models.encoders.tiny import CONFIG, make_tokenizer
from goldspan.training.models.network import SpanNetwork

_FROZEN_SHARE = 1 / 3
"""Word embeddings with at least this share of a trained encoder's weights are frozen by default."""

_ATTENTION_DROPOUT = ("attention_probs_dropout_prob", "attention_dropout")
"""Set to 0: with dropout on attention weights torch has no fused attention on the CPU, and draws most of its random
numbers for it."""


@dataclass(frozen=True, slots=True)
class BuiltNetwork:
    """A network before training. `grafted` names the labels whose rows came from the encoder's own head."""

    network: SpanNetwork
    grafted: tuple[str, ...]
    frozen: int
    parameters: int


def read_tokenizer(encoder: Encoder, texts: Sequence[str]) -> bytes:
    """The encoder's `tokenizer.json`; for `tiny` one made from the texts."""
    if encoder.folder is None:
        return make_tokenizer(texts)
    return (encoder.folder / "tokenizer.json").read_bytes()


def build_network(
    encoder: Encoder, tags: Sequence[str], *, vocabulary: int, freeze: str = "auto", checkpointing: bool = False
) -> BuiltNetwork:
    """The network for these tags; weights that are new follow from torch's seed.

    Raises:
        ConfigurationError: transformers cannot load the encoder.
    """
    tagger = _make_tiny(tags, vocabulary) if encoder.folder is None else _load_tagger(encoder.folder, tags)
    grafted = _graft(encoder, tagger, tags) if encoder.folder is not None else ()
    network = SpanNetwork(tagger, int(tagger.config.hidden_size))
    if checkpointing:
        tagger.gradient_checkpointing_enable()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    embeddings = tagger.get_input_embeddings().weight
    dominates = encoder.folder is not None and embeddings.numel() >= _FROZEN_SHARE * parameters
    if freeze == "true" or (freeze == "auto" and dominates):
        embeddings.requires_grad_(False)
    frozen = sum(parameter.numel() for parameter in network.parameters() if not parameter.requires_grad)
    return BuiltNetwork(network, grafted, frozen, parameters)


def make_rates(network: SpanNetwork, rate: float, decay: float, weight_decay: float) -> list[dict[str, Any]]:
    """Parameter groups for AdamW: each layer below the top has `decay` times the rate of the one above it.

    The tagging head has the full rate, new heads five times as much; biases and layer norms have no weight decay.
    """
    depth = int(getattr(network.tagger.config, "num_hidden_layers", 1))
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if not parameter.requires_grad:
            continue
        scale = _scale(name, depth, decay)
        shrink = weight_decay if parameter.ndim > 1 else 0.0
        groups.setdefault((rate * scale, shrink), []).append(parameter)
    return [
        {"params": parameters, "lr": lr, "base_lr": lr, "weight_decay": shrink}
        for (lr, shrink), parameters in groups.items()
    ]


def _scale(name: str, depth: int, decay: float) -> float:
    if name.startswith("side."):
        return 5.0
    numbers = [int(part) for part in name.split(".") if part.isdigit()]
    if numbers:
        return decay ** (depth - min(numbers[0], depth))
    return decay ** (depth + 1) if "embed" in name else 1.0


def load_encoder(folder: Path) -> Any:
    """The encoder in a folder alone, without a head.

    Raises:
        ConfigurationError: transformers cannot load it.
    """
    import transformers

    _silence()
    try:
        return transformers.AutoModel.from_pretrained(folder, trust_remote_code=False, dtype=torch.float32)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ConfigurationError(
            f"transformers cannot load the encoder in {folder}: {describe_error(error)[:200]}"
        ) from None


def _silence() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)


def _load_tagger(folder: Path, tags: Sequence[str]) -> Any:
    import transformers

    _silence()
    names = dict(enumerate(tags))
    try:
        config = transformers.AutoConfig.from_pretrained(
            folder,
            num_labels=len(tags),
            id2label=names,
            label2id={tag: number for number, tag in names.items()},
            trust_remote_code=False,
        )
        for name in _ATTENTION_DROPOUT:
            if hasattr(config, name):
                setattr(config, name, 0.0)
        return transformers.AutoModelForTokenClassification.from_pretrained(
            folder,
            config=config,
            ignore_mismatched_sizes=True,
            trust_remote_code=False,
            dtype=torch.float32,
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ConfigurationError(
            f"transformers cannot load the encoder in {folder}: {describe_error(error)[:200]}"
        ) from None


def _make_tiny(tags: Sequence[str], vocabulary: int) -> Any:
    from transformers import BertConfig, BertForTokenClassification

    names = dict(enumerate(tags))
    config = BertConfig(
        **CONFIG, vocab_size=vocabulary, id2label=names, label2id={tag: number for number, tag in names.items()}
    )
    return BertForTokenClassification(config)


def _graft(encoder: Encoder, tagger: Any, tags: Sequence[str]) -> tuple[str, ...]:
    """Copy the rows of the encoder's own tagging head where its labels correspond to ours."""
    import orjson

    folder = encoder.folder
    if folder is None:
        return ()
    names: Mapping[str, str] = orjson.loads((folder / "config.json").read_bytes()).get("id2label") or {}
    head = tagger.get_submodule("classifier") if hasattr(tagger, "classifier") else None
    if not isinstance(head, nn.Linear) or "O" not in names.values():
        return ()
    stored = _read_head(folder)
    if stored is None or stored[0].shape != (len(names), head.in_features):
        return ()
    grafts = encoder.card.get("grafts") or {}
    numbers = {tag: number for number, tag in enumerate(tags)}
    grafted: list[str] = []
    with torch.no_grad():
        for number, name in names.items():
            prefix, _, label = name.partition("-")
            ours = "O" if name == "O" else f"{prefix}-{grafts.get(label, label)}"
            if ours in numbers:
                for target, source in zip((head.weight, head.bias), stored, strict=True):
                    target[numbers[ours]] = source[int(number)]
                grafted += [ours[2:]] if prefix == "B" else []
    return tuple(sorted(grafted))


def _read_head(folder: Path) -> tuple[torch.Tensor, torch.Tensor] | None:
    from safetensors import safe_open

    file = folder / "model.safetensors"
    if not file.is_file():
        return None
    with safe_open(file, framework="pt") as stored:
        if not {"classifier.weight", "classifier.bias"} <= set(stored.keys()):
            return None
        return stored.get_tensor("classifier.weight"), stored.get_tensor("classifier.bias")
