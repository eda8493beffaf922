"""Settings of the LLM token classifier."""

from __future__ import annotations

import math
from dataclasses import dataclass

from goldspan.annotation.configuration import list_too_small, list_wrong_choices
from goldspan.annotation.errors import ConfigurationError
from goldspan.training.config import DEVICES, MOST_SEED, TOGGLES

CAUSAL, BIDIRECTIONAL = "causal", "bidirectional"
FROZEN, LORA = "none", "lora"
ATTENTIONS, ADAPTERS = (CAUSAL, BIDIRECTIONAL), (FROZEN, LORA)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmClassifierSettings:
    """What to train, and how.

    `base` is a causal language model: a folder, a Hub id (with `revision`), or a name of `goldspan model encoders`.
    With `attention` bidirectional every token sees the whole window. With `adapter` lora the backbone is trained too,
    through low-rank updates (`rank`, `alpha`, `dropout`), for `tokens` tokens with batches of `batch_size` windows.
    `four_bit` loads the weights in 4 bits, on CUDA. The head is trained first, for at most `head_epochs`.
    """

    base: str = "smollm2"
    revision: str = ""
    attention: str = CAUSAL
    adapter: str = FROZEN
    rank: int = 16
    alpha: int = 32
    dropout: float = 0.05
    four_bit: bool = False
    head_epochs: int = 30
    head_learning_rate: float = 3e-3
    tokens: int = 200_000
    batch_size: int = 8
    learning_rate: float = 2e-4
    window_tokens: int = 256
    window_overlap: int = 64
    max_eval_samples: int = 400
    checkpoint_seconds: float = 60.0
    gradient_checkpointing: bool = False
    seed: int = 0
    device: str = "auto"
    bf16: str = "auto"
    threads: int = 0

    def check(self) -> None:
        """Refuse values that do not fit.

        Raises:
            ConfigurationError: a value is wrong.
        """
        choices = {"attention": ATTENTIONS, "adapter": ADAPTERS, "bf16": TOGGLES, "device": DEVICES}
        wrong = list_wrong_choices(self, choices)
        least = {
            "rank": 1,
            "alpha": 1,
            "head_epochs": 1,
            "tokens": 1,
            "batch_size": 1,
            "window_tokens": 16,
            "threads": 0,
        }
        least |= {"max_eval_samples": 1, "window_overlap": 0, "checkpoint_seconds": 0}
        wrong += list_too_small(self, least)
        rates = {name: getattr(self, name) for name in ("head_learning_rate", "learning_rate")}
        wrong += [f"{name} is positive" for name, rate in rates.items() if not 0 < rate < math.inf]
        if not 0 <= self.seed < MOST_SEED:
            wrong.append(f"seed is at least 0 and less than {MOST_SEED}")
        if not 0 <= self.dropout < 1:
            wrong.append("dropout is at least 0 and less than 1")
        if self.window_overlap >= self.window_tokens // 2:
            wrong.append("window_overlap is less than half of window_tokens")
        if wrong:
            raise ConfigurationError(f"Settings of the LLM token classifier: {'; '.join(wrong)}.")
