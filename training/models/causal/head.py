"""Train the linear head on cached hidden states: softmax regression, best on the validation split.

Columns are standardised over the training tokens; mean and deviation are folded into the weights at the end, so that
the head reads raw hidden states. Rows are read in blocks of neighbours, which keeps reads of a large map sequential.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.predictors.model.decode import DecodingOptions, average_windows, log_softmax
from goldspan.predictors.model.runtime import TextOutputs
from goldspan.training.models.causal.hidden_states import HiddenStates, StoredWindow
from goldspan.training.models.labelling import IGNORED, Example
from goldspan.training.models.network import require_finite
from goldspan.training.models.validation import Validation, score_outputs

_BLOCK = 32
_LARGEST_BATCH = 2_048
_STEPS_AN_EPOCH = 20
_CHUNK = 65_536
_PATIENCE = 5
_SEED_STRIDE = 1_000_003


@dataclass(frozen=True, slots=True)
class HeadSettings:
    """Epochs at most, the first learning rate of AdamW (it falls to 0 along a cosine), and its weight decay."""

    epochs: int = 30
    learning_rate: float = 3e-3
    weight_decay: float = 0.01


@dataclass(frozen=True, slots=True)
class HeadOutcome:
    """The best head: `weight` (tags, hidden) and `bias` (tags) in float32, its scores, and when it was reached."""

    weight: Tensor
    bias: Tensor
    validation: Validation
    epochs: int
    steps: int


def fit_head(
    train: tuple[Sequence[Example], HiddenStates],
    held_out: tuple[Sequence[Example], HiddenStates],
    labels: LabelSchema,
    settings: HeadSettings,
    *,
    seed: int = 0,
    device: str = "cpu",
) -> HeadOutcome:
    """Train the head; it stops after five epochs without a gain in strict F1 on the held-out examples.

    Where these have no entity, the head of the last epoch is taken.

    Args:
        train: examples and the hidden states of their texts, in one order.
        held_out: the same of the validation split.
        labels: the label schema.
        settings: how to train.
        seed: of the order of the rows.
        device: where the head is trained.

    Raises:
        ConfigurationError: the loss is no longer a number.
    """
    tags = gather_tags(*train)
    states = train[1].rows
    mean, deviation = measure_columns(states)
    head = nn.Linear(states.shape[1], len(labels.bio_table)).to(device)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    size = max(_BLOCK, min(_LARGEST_BATCH, len(tags) // _STEPS_AN_EPOCH))
    per_epoch = -(-len(tags) // size)
    optimiser = torch.optim.AdamW(head.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=max(1, settings.epochs * per_epoch))
    shift, scale = mean.to(device), deviation.to(device)
    best: HeadOutcome | None = None
    for epoch in range(settings.epochs):
        _run_epoch(head, optimiser, schedule, (states, tags), (shift, scale), size, seed * _SEED_STRIDE + epoch)
        weight, bias = fold_columns(head.weight.detach().cpu(), head.bias.detach().cpu(), mean, deviation)
        validation = score_outputs(held_out[0], apply_head(weight, bias, *held_out), labels, DecodingOptions())
        if best is None or not best.validation.f1 or validation.f1 > best.validation.f1:
            best = HeadOutcome(weight, bias, validation, epoch + 1, (epoch + 1) * per_epoch)
        elif epoch + 1 - best.epochs >= _PATIENCE:
            break
    if best is None:
        raise ValueError("There are no epochs.")
    return best


def gather_tags(examples: Sequence[Example], states: HiddenStates) -> NDArray[np.int64]:
    """The tag of every row of the hidden states."""
    tags = np.full(len(states.rows), IGNORED, dtype=np.int64)
    for one in states.windows:
        tags[one.rows] = examples[one.text].tags[one.window.start : one.window.end]
    return tags


def measure_columns(rows: NDArray[np.float16]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each column, float32; a column that never varies has deviation 1."""
    total = np.zeros(rows.shape[1])
    squares = np.zeros(rows.shape[1])
    for start in range(0, len(rows), _CHUNK):
        part = rows[start : start + _CHUNK].astype(np.float64)
        total += part.sum(axis=0)
        squares += (part**2).sum(axis=0)
    mean = total / max(1, len(rows))
    variance = np.maximum(squares / max(1, len(rows)) - mean**2, 0.0)
    deviation = np.where(variance > 1e-12, np.sqrt(variance), 1.0)
    return torch.from_numpy(mean).float(), torch.from_numpy(deviation).float()


def fold_columns(weight: Tensor, bias: Tensor, mean: Tensor, deviation: Tensor) -> tuple[Tensor, Tensor]:
    """The head over raw columns that equals a head over standardised ones: W / s, b - W (m / s)."""
    folded = weight / deviation
    return folded, bias - folded @ mean


def apply_head(weight: Tensor, bias: Tensor, examples: Sequence[Example], states: HiddenStates) -> list[TextOutputs]:
    """Averaged log-probabilities of each example; the other outputs are empty."""
    by_text: dict[int, list[StoredWindow]] = {}
    for one in states.windows:
        by_text.setdefault(one.text, []).append(one)
    w, b = weight.numpy().T, bias.numpy()
    nothing = np.zeros((0, 0), dtype=np.float32)
    outputs = []
    for text, example in enumerate(examples):
        windows = by_text.get(text, [])
        rows = [log_softmax(states.rows[one.rows].astype(np.float32) @ w + b) for one in windows]
        pii = average_windows(len(example.encoded), [one.window for one in windows], rows) if rows else nothing
        outputs.append(TextOutputs(pii, nothing, nothing, nothing))
    return outputs


def _run_epoch(
    head: nn.Linear,
    optimiser: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    data: tuple[NDArray[np.float16], NDArray[np.int64]],
    columns: tuple[Tensor, Tensor],
    size: int,
    seed: int,
) -> None:
    states, tags = data
    device = head.weight.device
    blocks = np.random.default_rng(seed).permutation(-(-len(tags) // _BLOCK))
    group = max(1, size // _BLOCK)
    for first in range(0, len(blocks), group):
        starts = _BLOCK * np.sort(blocks[first : first + group])
        places = (starts[:, None] + np.arange(_BLOCK)).ravel()
        numbers = places[places < len(tags)]
        wanted = torch.from_numpy(tags[numbers]).to(device)
        if not (wanted != IGNORED).any():
            continue
        rows = (torch.from_numpy(states[numbers]).to(device).float() - columns[0]) / columns[1]
        loss = nn.functional.cross_entropy(head(rows), wanted, ignore_index=IGNORED)
        require_finite(float(loss.detach()), first // group, "head_learning_rate")
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
