"""The training loop: a token budget, warm-up and linear decay, early stopping, averaging, checkpoints.

Every step's randomness comes from `(seed, step)` and every epoch's from `(seed, epoch)`, so that a run that goes on
from a checkpoint makes the same steps as one that was never interrupted: bit for bit on the CPU with equal threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.model.encoding import WindowSize
from goldspan.training.config import TrainingSettings
from goldspan.training.models.batches import (
    Batch,
    ExampleWindow,
    build_batch,
    count_tokens,
    cut_examples,
    order_batches,
)
from goldspan.training.models.build import make_rates
from goldspan.training.models.checkpoint import load_checkpoint, save_checkpoint
from goldspan.training.models.corpus import TrainingCorpus
from goldspan.training.models.device import Device, advise_smaller, explain_memory
from goldspan.training.models.labelling import IGNORED, Example
from goldspan.training.models.network import LossWeights, SpanNetwork, measure_loss, require_finite, weigh_classes
from goldspan.training.models.ranking import pair_mentions
from goldspan.training.models.validation import Validation, validate

_CLIP = 1.0
_SEED_STRIDE = 1_000_003


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """How far a run is, at an evaluation."""

    step: int
    tokens: int
    total: int
    loss: float
    validation: Validation


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """What a run came to. `stopped_early`: before its budget was spent; `averaged`: how many snapshots went in."""

    steps: int
    tokens: int
    documents: int
    validation: Validation
    history: tuple[TrainingProgress, ...]
    stopped_early: bool
    averaged: int


@dataclass(slots=True)
class _State:
    """Everything that a checkpoint holds beside weights."""

    step: int = 0
    tokens: int = 0
    total: int = 0
    documents: int = 0
    epoch: int = 0
    place: int = 0
    evaluations: int = 0
    waiting: int = 0
    loss: float = 0.0
    finished: bool = False
    stopped_early: bool = False
    hard: list[int] = field(default_factory=list)
    flagged: list[int] = field(default_factory=list)
    history: list[list[float]] = field(default_factory=list)


class Trainer:
    """Trains one network; `run` resumes from the newest checkpoint in `folder` if there is one."""

    def __init__(
        self,
        network: SpanNetwork,
        corpus: TrainingCorpus,
        held_out: Sequence[Example],
        labels: LabelSchema,
        settings: TrainingSettings,
        device: Device,
        rate: float,
        folder: Path,
        *,
        coreference: bool = True,
        pad: int = 0,
        report: Callable[[TrainingProgress], None] = lambda _: None,
    ) -> None:
        self._network = network.to(device.kind)
        self._corpus, self._held_out, self._labels = corpus, held_out, labels
        self._settings, self._device, self._folder, self._pad = settings, device, folder, pad
        self._size = WindowSize(settings.window_tokens, settings.window_overlap)
        self._weights = LossWeights() if coreference else LossWeights(0.0, 0.0)
        self._report = report
        groups = make_rates(network, rate, settings.layerwise_lr_decay, settings.weight_decay)
        self._optimiser = torch.optim.AdamW(groups, betas=(0.9, 0.999), fused=True)
        self._trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self._state = _State()
        self._loss = torch.zeros((), device=device.kind)
        self._snapshots: list[tuple[float, dict[str, Tensor]]] = []
        self._saved_at = time.monotonic()

    def run(self) -> TrainingOutcome:
        """Train to the end of the budget or to the early stop, and load the best or averaged weights.

        Raises:
            StateError: memory or disk ran out, or no checkpoint is whole.
            ConfigurationError: the loss is no longer a number.
        """
        self._restore()
        settings = self._settings
        examples, windows = self._open_epoch()
        if not self._state.total:
            tokens = settings.num_epochs * count_tokens(windows)
            self._state.total = tokens or settings.token_budget
        class_weights = self._weigh(examples) if settings.class_weights else None
        with explain_memory(advise_smaller(settings.batch_size, settings.window_tokens)):
            while not self._state.finished:
                batches = order_batches(
                    windows,
                    settings.batch_size,
                    seed=settings.seed,
                    epoch=self._state.epoch,
                    bucketed=settings.length_buckets,
                )
                while self._state.place < len(batches) and not self._state.finished:
                    numbers = batches[self._state.place]
                    batch = build_batch(examples, windows, numbers, self._pad)
                    self._step(batch, windows, class_weights)
                    self._evaluate_if_due()
                    self._save_if_due()
                if not self._state.finished:
                    examples, windows = self._next_epoch(examples, windows)
        return self._finish()

    def _open_epoch(self) -> tuple[list[Example], list[ExampleWindow]]:
        examples = self._corpus.make_epoch(self._state.epoch, frozenset(self._state.hard))
        seed = self._settings.seed
        return examples, cut_examples(examples, self._size, bare=self._settings.bare_windows, seed=seed)

    def _next_epoch(
        self, examples: list[Example], windows: list[ExampleWindow]
    ) -> tuple[list[Example], list[ExampleWindow]]:
        state, share = self._state, self._corpus.augmentation.hard_negatives
        state.hard = sorted(set(state.flagged))[: int(share * len(self._corpus.samples))]
        state.flagged = []
        state.epoch, state.place = state.epoch + 1, 0
        return self._open_epoch() if self._corpus.varies else (examples, windows)

    def _step(self, batch: Batch, windows: Sequence[ExampleWindow], class_weights: Tensor | None) -> None:
        state, kind = self._state, self._device.kind
        torch.manual_seed(self._settings.seed * _SEED_STRIDE + state.step)
        self._network.train()
        factor = self._schedule(state.tokens / state.total)
        for group in self._optimiser.param_groups:
            group["lr"] = group["base_lr"] * factor
        ids, mask, tags, mention_tags = (
            torch.from_numpy(array).to(kind, non_blocking=True)
            for array in (batch.ids, batch.mask, batch.tags, batch.mention_tags)
        )
        paired = self._weights.coreference and batch.mentions
        pairs = pair_mentions(batch.mentions, *batch.ids.shape).to(kind) if paired else None
        with self._device.autocast():
            outputs = self._network(ids, mask)
        loss = measure_loss(
            outputs,
            tags,
            mention_tags,
            pairs,
            self._network.side.features,
            weights=self._weights,
            class_weights=class_weights,
            smoothing=self._settings.label_smoothing,
        )
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self._trained.values(), _CLIP)
        self._optimiser.step()
        if self._corpus.augmentation.hard_negatives:
            self._flag(batch, outputs.pii_logits.detach(), windows)
        self._loss = self._loss.lerp(loss.detach(), 0.05) if state.step else loss.detach()
        state.step, state.place = state.step + 1, state.place + 1
        state.tokens, state.documents = state.tokens + batch.tokens, state.documents + len(batch.rows)

    def _schedule(self, done: float) -> float:
        """The factor of the learning rate: up from 0 during warm-up, then down to 0 at the end."""
        warmup = self._settings.warmup
        if done < warmup:
            return max(done / warmup, 0.01)
        return max((1 - done) / max(1 - warmup, 1e-9), 0.0)

    def _flag(self, batch: Batch, logits: Tensor, windows: Sequence[ExampleWindow]) -> None:
        """Note the samples without entities in which the network sees one."""
        seen = (logits.argmax(dim=-1).cpu().numpy() > 0) & (batch.tags != IGNORED)
        for row, number in enumerate(batch.rows):
            example = windows[number].example
            if seen[row].any() and not (batch.tags[row] > 0).any() and example < len(self._corpus.samples):
                self._state.flagged.append(example)

    def _evaluate_if_due(self) -> None:
        state, settings = self._state, self._settings
        total = state.total
        spent = state.tokens >= total
        if not spent and state.tokens < total * (state.evaluations + 1) / settings.evaluations:
            return
        state.evaluations = int(settings.evaluations * state.tokens / total)
        state.loss = float(self._loss)
        require_finite(state.loss, state.step, "learning_rate")
        validation = self._validate()
        best = max((score for score, _ in self._snapshots), default=-1.0)
        state.waiting = (
            0 if best <= 0 or validation.f1 > best + settings.early_stopping_threshold else state.waiting + 1
        )
        self._keep(validation.f1)
        state.history.append(
            [state.step, state.tokens, total, state.loss, validation.precision, validation.recall, validation.f1]
        )
        self._report(TrainingProgress(state.step, state.tokens, total, state.loss, validation))
        early = settings.early_stopping_enabled and state.waiting >= settings.early_stopping_patience
        state.stopped_early = early and not spent
        state.finished = spent or early

    def _keep(self, score: float) -> None:
        """Keep the weights if they are among the best; of equal scores the newer one counts."""
        weights = {name: parameter.detach().cpu().clone() for name, parameter in self._trained.items()}
        self._snapshots.insert(0, (score, weights))
        self._snapshots.sort(key=lambda item: -item[0])
        del self._snapshots[self._settings.average_checkpoints :]

    def _finish(self) -> TrainingOutcome:
        best = self._snapshots[0][1]
        self._load(best)
        validation = self._validate()
        averaged = 1
        if len(self._snapshots) > 1:
            count = len(self._snapshots)
            self._load({name: sum(weights[name] for _, weights in self._snapshots) / count for name in best})
            mean = self._validate()
            if mean.f1 >= validation.f1:
                validation, averaged = mean, count
            else:
                self._load(best)
        state = self._state
        return TrainingOutcome(
            state.step,
            state.tokens,
            state.documents,
            validation,
            tuple(_read_progress(row) for row in state.history),
            state.stopped_early,
            averaged,
        )

    def _validate(self) -> Validation:
        return validate(self._network, self._held_out, self._labels, self._size, self._device, self._pad)

    def _load(self, weights: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(weights[name])

    def _save_if_due(self) -> None:
        if self._state.finished or time.monotonic() - self._saved_at >= self._settings.checkpoint_seconds:
            self._save()

    def _save(self) -> None:
        self._state.loss = float(self._loss)
        stored: dict[str, Any] = {
            "state": {name: getattr(self._state, name) for name in _State.__dataclass_fields__},
            "snapshots": [[score, weights] for score, weights in self._snapshots],
        }
        if not self._state.finished:
            stored["weights"] = {name: parameter.detach().cpu() for name, parameter in self._trained.items()}
            stored["optimiser"] = self._optimiser.state_dict()
        save_checkpoint(self._folder, stored)
        self._saved_at = time.monotonic()

    def _restore(self) -> None:
        stored = load_checkpoint(self._folder)
        if stored is None:
            return
        self._state = _State(**stored["state"])
        self._loss = torch.tensor(self._state.loss, device=self._device.kind)
        self._snapshots = [(score, weights) for score, weights in stored["snapshots"]]
        if not self._state.finished:
            self._load(stored["weights"])
            self._optimiser.load_state_dict(stored["optimiser"])

    def _weigh(self, examples: Sequence[Example]) -> Tensor:
        counts = [0] * len(self._labels.bio_table)
        for example in examples:
            for tag in example.tags[example.tags >= 0].tolist():
                counts[tag] += 1
        return torch.tensor(weigh_classes(counts), device=self._device.kind)


def _read_progress(row: Sequence[float]) -> TrainingProgress:
    step, tokens, total, loss, precision, recall, f1 = row
    return TrainingProgress(int(step), int(tokens), int(total), loss, Validation(precision, recall, f1))
