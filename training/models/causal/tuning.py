"""Tune a causal language model on conversations with LoRA: loss on the answers only, in steps that survive a crash.

Every step's randomness comes from `(seed, step)` and every epoch's order from `(seed, epoch)`, so that a run that goes
on from a checkpoint ends with the weights of one that was never interrupted (bit for bit on the CPU).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor, nn

from goldspan.annotation.errors import InputError
from goldspan.annotation.files import explain_disk, make_private_folder
from goldspan.annotation.wording import format_count
from goldspan.training.models.causal.backbone import load_model
from goldspan.training.models.causal.base import CausalBase, read_config
from goldspan.training.models.causal.chat import ChatTokenizer, EncodedChat
from goldspan.training.models.causal.lora import LoraSettings, attach_adapter, dump_adapter
from goldspan.training.models.checkpoint import load_checkpoint, save_checkpoint
from goldspan.training.models.device import Device, explain_memory
from goldspan.training.models.network import require_finite

_IGNORED = -100
_CLIP = 1.0
_SEED_STRIDE = 1_000_003
_ADVICE = "Start again with a smaller batch_size, with gradient_checkpointing = true, or without the longest samples."


@dataclass(frozen=True, slots=True, kw_only=True)
class TunerSettings:
    """How to tune: passes over the rows, rows a step, the highest learning rate, and the share of warm-up steps.

    The learning rate falls to 0 along a cosine.
    """

    epochs: int = 3
    batch_size: int = 4
    learning_rate: float = 2e-4
    warmup: float = 0.05
    seed: int = 0
    four_bit: bool = False
    gradient_checkpointing: bool = False


@dataclass(frozen=True, slots=True)
class TunerProgress:
    """The progress of a run. `validation` is the loss a token of the newest evaluation, None before one.

    `epoch` counts finished epochs; `tokens` are those trained on so far, prompts included.
    """

    step: int
    steps: int
    epoch: int
    loss: float
    tokens: int
    validation: float | None

    @property
    def finished(self) -> bool:
        """True when every step was made."""
        return self.step >= self.steps


def read_rows(path: Path, tokenizer: ChatTokenizer, max_tokens: int) -> list[EncodedChat]:
    """The conversations of a JSONL file as ids.

    Raises:
        InputError: a row is longer than the model takes; its line is named.
    """
    rows = [tokenizer.encode(orjson.loads(line)["messages"]) for line in path.read_bytes().splitlines() if line]
    long = [(number, len(row.ids)) for number, row in enumerate(rows, 1) if len(row.ids) > max_tokens]
    if long:
        listed = ", ".join(f"line {number} ({size} tokens)" for number, size in long[:5])
        raise InputError(
            f"{path.name}: {len(long)} of {format_count(len(rows), 'row')} with more than {max_tokens} tokens: "
            f"{listed}. Raise "
            "max_tokens if the base takes more, or leave these samples out; nothing is cut off."
        )
    return rows


class AdapterTuner:
    """Tunes one model; it resumes from the newest checkpoint in `folder` if there is one."""

    def __init__(
        self,
        base: CausalBase,
        rows: Sequence[EncodedChat],
        validation: Sequence[EncodedChat],
        settings: TunerSettings,
        adapter: LoraSettings,
        device: Device,
        folder: Path,
        *,
        pad: int = 0,
    ) -> None:
        if not rows:
            raise InputError("There are no rows to train on.")
        self.base, self.device = base, device
        self._rows, self._validation, self._settings = rows, validation, settings
        self._folder, self._pad = folder, pad
        with explain_disk(folder):
            make_private_folder(folder)
        model = load_model("AutoModelForCausalLM", base, device, four_bit=settings.four_bit)
        self._model = attach_adapter(model.requires_grad_(False), adapter, seed=settings.seed)
        if settings.gradient_checkpointing:
            self._model.gradient_checkpointing_enable({"use_reentrant": False})
            self._model.enable_input_require_grads()
        self._trained: dict[str, nn.Parameter] = {n: p for n, p in self._model.named_parameters() if p.requires_grad}
        self._optimiser = torch.optim.AdamW(self._trained.values(), lr=settings.learning_rate, weight_decay=0.0)
        self._an_epoch = -(-len(rows) // settings.batch_size)
        self._step, self._tokens, self._loss = 0, 0, 0.0
        self._losses: list[float] = []
        self._best: dict[str, Tensor] | None = None
        self._restore()

    @property
    def progress(self) -> TunerProgress:
        """The progress of the run."""
        steps = self._an_epoch * self._settings.epochs
        latest = self._losses[-1] if self._losses else None
        return TunerProgress(self._step, steps, self._step // self._an_epoch, self._loss, self._tokens, latest)

    @property
    def best_loss(self) -> float | None:
        """The least validation loss a token; None without validation rows."""
        return min(self._losses, default=None)

    def advance(self, seconds: float) -> TunerProgress:
        """Make steps for about so long, at least one, and save a checkpoint.

        Raises:
            StateError: memory or disk ran out.
            ConfigurationError: the loss is no longer a number.
        """
        until = time.monotonic() + seconds
        with explain_memory(_ADVICE):
            while not self.progress.finished:
                self._make_step()
                if self._step % self._an_epoch == 0:
                    self._evaluate()
                if time.monotonic() >= until:
                    break
        self._save()
        return self.progress

    def dump(self) -> dict[str, bytes]:
        """The adapter's files: of the epoch with the least validation loss, of the last one without validation rows."""
        if self._best is not None:
            self._load(self._best)
        return dump_adapter(self._model, self.base.name)

    def _make_step(self) -> None:
        settings, steps = self._settings, self.progress.steps
        epoch, place = divmod(self._step, self._an_epoch)
        order = np.random.default_rng([settings.seed, epoch]).permutation(len(self._rows))
        batch = [self._rows[n] for n in order[place * settings.batch_size : (place + 1) * settings.batch_size]]
        torch.manual_seed(settings.seed * _SEED_STRIDE + self._step)
        for group in self._optimiser.param_groups:
            group["lr"] = settings.learning_rate * self._schedule(self._step / steps)
        self._model.train()
        total, count = self._measure(batch)
        loss = total / max(1, count)
        found = float(loss.detach())
        require_finite(found, self._step, "learning_rate")
        self._optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._trained.values(), _CLIP)
        self._optimiser.step()
        self._loss = 0.9 * self._loss + 0.1 * found if self._step else found
        self._step, self._tokens = self._step + 1, self._tokens + sum(len(row.ids) for row in batch)

    def _schedule(self, done: float) -> float:
        warmup = self._settings.warmup
        if done < warmup:
            return max(done / warmup, 0.01)
        return 0.5 * (1 + math.cos(math.pi * (done - warmup) / (1 - warmup)))

    def _measure(self, rows: Sequence[EncodedChat]) -> tuple[Tensor, int]:
        """The summed loss of the answers' tokens, and how many there are."""
        width = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), width), self._pad)
        mask = torch.zeros((len(rows), width), dtype=torch.int64)
        wanted = torch.full((len(rows), width), _IGNORED)
        for number, row in enumerate(rows):
            size = len(row.ids)
            ids[number, :size] = torch.from_numpy(row.ids)
            mask[number, :size] = 1
            wanted[number, row.answer : size] = ids[number, row.answer : size]
        kind = self.device.kind
        first = max(0, min(row.answer for row in rows) - 1)
        with self.device.autocast():
            logits = self._model(
                input_ids=ids.to(kind), attention_mask=mask.to(kind), use_cache=False, logits_to_keep=width - first
            ).logits
        wanted = wanted[:, first + 1 :].to(kind)
        loss = nn.functional.cross_entropy(
            logits[:, :-1].float().flatten(0, 1), wanted.flatten(), ignore_index=_IGNORED, reduction="sum"
        )
        return loss, int((wanted != _IGNORED).sum())

    def _evaluate(self) -> None:
        if not self._validation:
            return
        self._model.eval()
        total = count = 0.0
        with torch.inference_mode():
            for start in range(0, len(self._validation), self._settings.batch_size):
                loss, tokens = self._measure(self._validation[start : start + self._settings.batch_size])
                total, count = total + float(loss), count + tokens
        self._losses.append(total / max(1.0, count))
        if self._losses[-1] <= min(self._losses):
            self._best = {name: p.detach().cpu().clone() for name, p in self._trained.items()}

    def _load(self, weights: dict[str, Any]) -> None:
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(weights[name])

    def _save(self) -> None:
        save_checkpoint(
            self._folder,
            {
                "counts": [self._step, self._tokens],
                "loss": self._loss,
                "losses": self._losses,
                "weights": {name: p.detach().cpu() for name, p in self._trained.items()},
                "best": self._best,
                "optimiser": self._optimiser.state_dict(),
            },
        )

    def _restore(self) -> None:
        stored = load_checkpoint(self._folder)
        if stored is None:
            return
        self._step, self._tokens = stored["counts"]
        self._loss, self._losses, self._best = stored["loss"], stored["losses"], stored["best"]
        self._load(stored["weights"])
        self._optimiser.load_state_dict(stored["optimiser"])


def check_length(base: CausalBase, max_tokens: int) -> int:
    """The most tokens of a row: what is asked for, at most what the base takes."""
    longest = read_config(base.folder).longest
    return min(max_tokens, longest) if longest else max_tokens
