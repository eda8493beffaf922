"""Files of packages whose code is never run: found, and held against a pinned SHA-256."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from goldspan.annotation.errors import ConfigurationError, StateError


def find_package_file(encoder: str, module: str, name: str, expected: str) -> Path:
    """The path of a file inside an installed package, after its hash was checked.

    Raises:
        ConfigurationError: the package is not installed.
        StateError: the file is missing or is not the one that is expected.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            f"The encoder {encoder} is not prepared. Install and convert it with "
            f"`goldspan model prepare-encoder {encoder}`, or use the encoder tiny for a trial."
        )
    path = Path(next(iter(spec.submodule_search_locations))) / name
    mend = f"Run `goldspan model prepare-encoder {encoder}` again."
    if not path.is_file():
        raise StateError(f"{path} is missing. {mend}")
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != expected:
        raise StateError(f"{path} has SHA-256 {found[:12]}…, expected {expected[:12]}…; it was not read. {mend}")
    return path
