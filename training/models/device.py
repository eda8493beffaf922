"""Which processor trains, and how."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.training.config import DEVICES, TOGGLES

_BF16_FLAGS = ("avx512_bf16", "amx_bf16")
_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
"""All but cuDNN's, which torch prefers on recent GPUs: it builds a plan for each shape, about 150 ms a step here."""

SMALLER_BASE = "Take a model with a smaller base, or set device to one with more memory."
"""Advice where a trained model does not fit into memory."""


@dataclass(frozen=True, slots=True)
class Device:
    """`kind` is cpu, cuda or mps; `bf16` says whether the forward pass runs in bfloat16."""

    kind: str
    bf16: bool

    @contextmanager
    def autocast(self) -> Iterator[None]:
        """The precision of a forward pass, and the attention that suits batches of ever new widths."""
        attention = sdpa_kernel(_ATTENTION) if self.kind == "cuda" else nullcontext()
        with attention, torch.autocast(self.kind, dtype=torch.bfloat16, enabled=self.bf16):
            yield


def choose_device(kind: str = "auto", bf16: str = "auto", threads: int = 0) -> Device:
    """The device that is asked for; `auto` takes CUDA, then MPS, then the CPU.

    Raises:
        ConfigurationError: it is not there, or a value is none of `DEVICES` or `TOGGLES`.
    """
    if kind not in DEVICES or bf16 not in TOGGLES:
        raise ConfigurationError(f"The device is one of {', '.join(DEVICES)}, and bf16 one of {', '.join(TOGGLES)}.")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    chosen = kind if kind != "auto" else next(name for name, found in there.items() if found)
    if not there[chosen]:
        raise ConfigurationError(f"This machine has no {chosen} device that torch can use. Set device to auto or cpu.")
    if threads:
        torch.set_num_threads(threads)
    return Device(chosen, _choose_bf16(chosen) if bf16 == "auto" else bf16 == "true")


@contextmanager
def explain_memory(advice: str) -> Iterator[None]:
    """Translate running out of memory into a `StateError` with this advice."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        said = str(error).lower()
        if isinstance(error, RuntimeError) and "out of memory" not in said and "can't allocate memory" not in said:
            raise
        raise StateError(f"Out of memory. {advice}") from None


def advise_smaller(batch_size: int, window_tokens: int) -> str:
    """What to change where training does not fit into memory, in numbers."""
    return (
        f"Start again with half the batch_size ({max(1, batch_size // 2)}), with gradient_checkpointing = true, or "
        f"with fewer window_tokens ({max(64, window_tokens // 2)})."
    )


def _choose_bf16(kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if kind == "mps":
        return False
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return any(flag in flags for flag in _BF16_FLAGS)
