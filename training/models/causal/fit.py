"""Train an LLM token classifier: a linear head on cached hidden states, then, if asked for, adapters with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from goldspan.annotation.files import explain_disk, make_private_folder
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample
from goldspan.predictors.model.encoding import WindowSize, load_tokenizer
from goldspan.predictors.model.runtime import TextOutputs
from goldspan.training.config import AugmentationSettings, TrainingSettings
from goldspan.training.models.causal.backbone import Backbone, BackboneSettings, load_backbone
from goldspan.training.models.causal.base import CausalBase, find_base, read_config
from goldspan.training.models.causal.head import HeadOutcome, HeadSettings, apply_head, fit_head
from goldspan.training.models.causal.hidden_states import HiddenStates, compute_hidden_states
from goldspan.training.models.causal.lora import LoraSettings, attach_adapter
from goldspan.training.models.causal.settings import LORA, LlmClassifierSettings
from goldspan.training.models.causal.tagger import make_network
from goldspan.training.models.corpus import TrainingCorpus, check_labels, check_validation, make_examples
from goldspan.training.models.device import Device, choose_device
from goldspan.training.models.inference import run_network
from goldspan.training.models.labelling import Example
from goldspan.training.models.loop import Trainer, TrainingOutcome, TrainingProgress
from goldspan.training.models.network import SpanNetwork
from goldspan.training.models.validation import Validation

CACHE, CHECKPOINTS = "hidden", "checkpoints"


@dataclass(frozen=True, slots=True)
class FittedClassifier:
    """A trained classifier: `adapted` is the backbone's model with adapters, None if it stayed frozen.

    `examples` are those of the validation split and `outputs` what the classifier gives for them.
    """

    base: CausalBase
    tokenizer: bytes
    weight: torch.Tensor
    bias: torch.Tensor
    adapted: Any
    validation: Validation
    examples: tuple[Example, ...]
    outputs: tuple[TextOutputs, ...]
    record: dict[str, Any]


def fit_classifier(
    train: Sequence[Sample],
    validation: Sequence[Sample],
    labels: LabelSchema,
    settings: LlmClassifierSettings,
    folder: Path,
    *,
    report: Callable[[str], None] = lambda _: None,
) -> FittedClassifier:
    """Train, or resume where an earlier call with the same folder was interrupted.

    Args:
        train: the training split.
        validation: the validation split.
        labels: the label schema.
        settings: what to train.
        folder: hidden states in `hidden/`, checkpoints of the adapters in `checkpoints/`.
        report: gets a line now and then.

    Raises:
        InputError: a split is empty or holds no entity.
        ConfigurationError: the base, the device or a library is not there, a setting is wrong, or training diverged.
        StateError: memory or disk ran out, or no checkpoint is whole.
    """
    settings.check()
    counts = check_labels(train, labels)
    check_validation(validation, report)
    device = choose_device(settings.device, settings.bf16, settings.threads)
    base = find_base(settings.base, settings.revision)
    tokenizer_json = (base.folder / "tokenizer.json").read_bytes()
    tokenizer = load_tokenizer(tokenizer_json)
    kept = tuple(sample for sample in train if sample.best)
    examples = make_examples(kept, tokenizer, labels)
    held_out = make_examples(list(validation)[: settings.max_eval_samples], tokenizer, labels)
    reader = _Reader(base, settings, device, folder / CACHE, report)
    states, held_states = reader.read(examples), reader.read(held_out)
    head = fit_head(
        (examples, states),
        (held_out, held_states),
        labels,
        HeadSettings(settings.head_epochs, settings.head_learning_rate),
        seed=settings.seed,
        device=device.kind if device.kind == "cuda" else "cpu",
    )
    report(
        f"Head: {head.epochs} epochs over {len(states.rows):,} tokens, strict F1 {head.validation.f1:.3f} on the "
        "validation split"
    )
    record = _describe(settings, device, states, head) | {"labels": dict(sorted(counts.items()))}
    if settings.adapter != LORA:
        outputs = apply_head(head.weight, head.bias, held_out, held_states)
        return FittedClassifier(
            base, tokenizer_json, head.weight, head.bias, None, head.validation, tuple(held_out), tuple(outputs), record
        )
    corpus = TrainingCorpus(kept, tokenizer, labels, AugmentationSettings(), settings.seed, 0.0)
    network, outcome = _train_adapter(reader.open(), head, corpus, held_out, labels, settings, device, folder, report)
    found = run_network(network, [one.encoded for one in held_out], _size(settings), device)
    tagger: Any = network.tagger
    return FittedClassifier(
        base,
        tokenizer_json,
        tagger.head.weight.detach().float().cpu(),
        tagger.head.bias.detach().float().cpu(),
        tagger.backbone.model,
        outcome.validation,
        tuple(held_out),
        tuple(found),
        record | {"adapter": _describe_adapter(outcome)},
    )


class _Reader:
    """Reads examples with the frozen backbone, which is loaded when it is first needed."""

    def __init__(
        self,
        base: CausalBase,
        settings: LlmClassifierSettings,
        device: Device,
        cache: Path,
        report: Callable[[str], None],
    ) -> None:
        self._base, self._settings, self._device, self._cache, self._report = base, settings, device, cache, report
        self._backbone: Backbone | None = None

    def open(self) -> Backbone:
        """The backbone."""
        if self._backbone is None:
            choice = BackboneSettings(self._settings.attention, self._settings.four_bit)
            self._backbone = load_backbone(self._base, choice, self._device, self._settings.window_tokens)
        return self._backbone

    def read(self, examples: Sequence[Example]) -> HiddenStates:
        """The hidden states of the examples' texts."""
        settings = self._settings
        precision = f"{self._device.kind} {self._device.bf16} {settings.four_bit}"
        return compute_hidden_states(
            self.open,
            f"{self._base.fingerprint} {settings.attention} {precision}",
            int(read_config(self._base.folder).hidden_size),
            [one.encoded for one in examples],
            _size(settings),
            self._device,
            self._cache,
            report=lambda done, total: self._report(f"Hidden states of {done:,} of {total:,} windows"),
        )


def _train_adapter(
    backbone: Backbone,
    head: HeadOutcome,
    corpus: TrainingCorpus,
    held_out: Sequence[Example],
    labels: LabelSchema,
    settings: LlmClassifierSettings,
    device: Device,
    folder: Path,
    report: Callable[[str], None],
) -> tuple[SpanNetwork, TrainingOutcome]:
    adapter = LoraSettings(settings.rank, settings.alpha, settings.dropout)
    backbone.model = attach_adapter(backbone.model, adapter, seed=settings.seed)
    if settings.gradient_checkpointing:
        backbone.model.gradient_checkpointing_enable({"use_reentrant": False})
    network = make_network(backbone, len(labels.bio_table))
    tagger: Any = network.tagger
    with torch.no_grad():
        tagger.head.weight.copy_(head.weight)
        tagger.head.bias.copy_(head.bias)
    checkpoints = folder / CHECKPOINTS
    with explain_disk(checkpoints):
        make_private_folder(checkpoints)
    training = TrainingSettings(
        token_budget=settings.tokens,
        batch_size=settings.batch_size,
        layerwise_lr_decay=1.0,
        max_eval_samples=settings.max_eval_samples,
        seed=settings.seed,
        checkpoint_seconds=settings.checkpoint_seconds,
        window_tokens=settings.window_tokens,
        window_overlap=settings.window_overlap,
        bare_windows=0.0,
    )

    def show(progress: TrainingProgress) -> None:
        report(
            f"{progress.tokens:,} of {progress.total:,} tokens, loss {progress.loss:.3f}, strict F1 "
            f"{progress.validation.f1:.3f} on the validation split"
        )

    trainer = Trainer(
        network, corpus, held_out, labels, training, device, settings.learning_rate, checkpoints,
        coreference=False, report=show,
    )  # fmt: skip
    outcome = trainer.run()
    return network.eval(), outcome


def _size(settings: LlmClassifierSettings) -> WindowSize:
    return WindowSize(settings.window_tokens, settings.window_overlap)


def _describe(
    settings: LlmClassifierSettings, device: Device, states: HiddenStates, head: HeadOutcome
) -> dict[str, Any]:
    return {
        "device": device.kind,
        "bf16": device.bf16,
        "four_bit": settings.four_bit,
        "head": {
            "epochs": head.epochs,
            "steps": head.steps,
            "tokens": len(states.rows),
            "f1": head.validation.f1,
        },
        "adapter": None,
    }


def _describe_adapter(outcome: TrainingOutcome) -> dict[str, Any]:
    return {
        "steps": outcome.steps,
        "tokens": outcome.tokens,
        "stopped_early": outcome.stopped_early,
        "averaged": outcome.averaged,
        "f1": outcome.validation.f1,
    }
