"""Samples and tasks that could not be sent or read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RefusedSample:
    """A sample that was not sent or not read, and why; the reason never quotes the text."""

    sample_id: str
    reason: str
