"""Goldspan: from a label schema to reviewed, measured training data and a signed model."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from goldspan.masking.mask import mask, mask_async

__version__ = "0.2.0"
__all__ = ["__version__", "mask", "mask_async"]

_PUBLIC = {"mask": "goldspan.masking.mask", "mask_async": "goldspan.masking.mask"}
"""Where each public call is defined; loaded when it is first used."""


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'goldspan' has no attribute {name!r}")
    return getattr(importlib.import_module(_PUBLIC[name]), name)
