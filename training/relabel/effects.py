"""What a change of labels does to one file or folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Effect:
    """`path` and what becomes of it, for people; `changes` is False if it stays as it is."""

    path: Path
    effect: str
    changes: bool = True
