"""Train a token classifier: from samples to `trained/`, with checkpoints on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import torch

from goldspan.annotation.errors import InputError
from goldspan.annotation.files import explain_disk, write_atomic
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.predictors.model.encoding import load_tokenizer
from goldspan.training.bundle.manifest import dump, make_mappings
from goldspan.training.config import TrainingConfig
from goldspan.training.models.build import BuiltNetwork, build_network, read_tokenizer
from goldspan.training.models.corpus import TrainingCorpus, check_labels, check_validation, make_examples
from goldspan.training.models.device import Device, choose_device
from goldspan.training.models.encoders.catalogue import Encoder, find_encoder
from goldspan.training.models.loop import Trainer, TrainingOutcome, TrainingProgress
from goldspan.training.models.network import SpanNetwork

RECORD = "training.json"
SIDE_WEIGHTS = "side_heads.safetensors"
_CHECKPOINTS = "checkpoints"
_MASKED_SEED = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The samples of the splits that training sees."""

    train: Sequence[Sample]
    validation: Sequence[Sample]


def fit(
    data: TrainingData,
    labels: LabelSchema,
    config: TrainingConfig,
    folder: Path,
    *,
    report: Callable[[TrainingProgress], None] = lambda _: None,
) -> dict[str, Any]:
    """Train, or resume from the newest checkpoint in `folder`, and write `trained/`; returns the record of the run.

    The checkpoints stay: called again, it writes what it trained once more.

    Args:
        data: the training and validation splits.
        labels: the label schema.
        config: all settings.
        folder: the run's folder; checkpoints are in `checkpoints/`.
        report: called at every evaluation.

    Raises:
        InputError: a split is empty or holds no entity.
        ConfigurationError: the encoder or the device is not there.
        StateError: memory or disk ran out, or no checkpoint is whole.
    """
    counts = check_labels(data.train, labels)
    check_validation(data.validation, lambda _: None)
    settings = config.training
    encoder = find_encoder(config.model.name)
    device = choose_device(settings.device, settings.bf16, settings.threads)
    if device.kind == "cpu":
        torch.use_deterministic_algorithms(mode=True, warn_only=True)
    tokenizer_json = _freeze_tokenizer(folder, encoder, [sample.text for sample in data.train])
    tokenizer = load_tokenizer(tokenizer_json)
    torch.manual_seed(settings.seed & _MASKED_SEED)
    built = build_network(
        encoder,
        labels.bio_table,
        vocabulary=tokenizer.get_vocab_size(),
        freeze=settings.freeze_embeddings,
        checkpointing=settings.gradient_checkpointing,
    )
    corpus = TrainingCorpus(
        tuple(sample for sample in data.train if sample.best),
        tokenizer,
        labels,
        config.augmentation,
        settings.seed,
        settings.doubt_below,
    )
    pad = _find_pad(tokenizer_json)
    outcome = Trainer(
        built.network,
        corpus,
        make_examples(list(data.validation)[: settings.max_eval_samples], tokenizer, labels),
        labels,
        settings,
        device,
        settings.learning_rate or encoder.learning_rate,
        _make_folder(folder / _CHECKPOINTS),
        coreference=config.model.coreference,
        pad=pad,
        report=report,
    ).run()
    record = _describe(outcome, built, encoder, device) | {"labels": dict(sorted(counts.items()))}
    with explain_disk(folder):
        save_trained(built.network, labels, tokenizer_json, folder / "trained")
        write_atomic(folder / RECORD, orjson.dumps(record, option=orjson.OPT_INDENT_2))
    return record


def save_trained(network: SpanNetwork, labels: LabelSchema, tokenizer: bytes, folder: Path) -> None:
    """Write `trained/`: what `AutoModelForTokenClassification` loads, our label mappings, and the side heads."""
    import transformers
    from safetensors.torch import save_file

    transformers.logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    tagger: Any = network.tagger
    tagger.save_pretrained(folder, safe_serialization=True)
    save_file({name: value.contiguous() for name, value in network.side.state_dict().items()}, folder / SIDE_WEIGHTS)
    document = json.loads(tokenizer)
    document["truncation"] = document["padding"] = None
    (folder / "tokenizer.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    special = {name: token for name, token in _list_special(document).items() if token}
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    (folder / "label_mappings.json").write_bytes(dump(make_mappings(labels)))


def load_trained(folder: Path) -> SpanNetwork:
    """The network that `save_trained` wrote, on the CPU.

    Raises:
        InputError: the folder does not hold one.
    """
    import transformers
    from safetensors.torch import load_file

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    if not (folder / SIDE_WEIGHTS).is_file():
        raise InputError(f"{folder} holds no trained model ({SIDE_WEIGHTS} is missing).")
    tagger = transformers.AutoModelForTokenClassification.from_pretrained(folder, dtype=torch.float32)
    network = SpanNetwork(tagger, int(tagger.config.hidden_size))
    network.side.load_state_dict(load_file(folder / SIDE_WEIGHTS))
    return network.eval()


def _freeze_tokenizer(folder: Path, encoder: Encoder, texts: Sequence[str]) -> bytes:
    """The tokenizer of this run: made or copied once, so that a resumed run has the same."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        write_atomic(path, read_tokenizer(encoder, texts))
    return path.read_bytes()


def _find_pad(tokenizer: bytes) -> int:
    vocabulary = {token["content"]: token["id"] for token in orjson.loads(tokenizer).get("added_tokens", ())}
    return next((vocabulary[name] for name in ("[PAD]", "<pad>", "<|pad|>") if name in vocabulary), 0)


def _list_special(document: dict[str, Any]) -> dict[str, str]:
    contents = {token["content"] for token in document.get("added_tokens", ())}
    names = {
        "pad_token": ("[PAD]", "<pad>", "<|pad|>"),
        "unk_token": ("[UNK]", "<unk>"),
        "cls_token": ("[CLS]", "<s>"),
        "sep_token": ("[SEP]", "</s>"),
        "mask_token": ("[MASK]", "<mask>"),
    }
    return {name: next((form for form in forms if form in contents), "") for name, forms in names.items()}


def _make_folder(folder: Path) -> Path:
    with explain_disk(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


def _describe(outcome: TrainingOutcome, built: BuiltNetwork, encoder: Encoder, device: Device) -> dict[str, Any]:
    return {
        "encoder": encoder.card or {"name": encoder.name, "licence": "unknown", "source": encoder.name},
        "parameters": built.parameters,
        "frozen": built.frozen,
        "grafted": list(built.grafted),
        "device": device.kind,
        "bf16": device.bf16,
        "steps": outcome.steps,
        "tokens": outcome.tokens,
        "documents": outcome.documents,
        "stopped_early": outcome.stopped_early,
        "averaged": outcome.averaged,
        "validation": {
            "precision": outcome.validation.precision,
            "recall": outcome.validation.recall,
            "f1": outcome.validation.f1,
        },
        "history": [
            {"step": p.step, "tokens": p.tokens, "loss": p.loss, "f1": p.validation.f1} for p in outcome.history
        ],
    }
