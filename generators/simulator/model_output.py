"""What a simulated model writes, before it becomes a `chat.completion`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """One answer of the model."""

    content: str
    finish_reason: str = "stop"
    refusal: str = ""
