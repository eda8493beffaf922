"""The one reader of `.env`."""

from __future__ import annotations

import re
from pathlib import Path

from goldspan.annotation.files import read_small

_ENV_LINE = re.compile(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*\Z")


def read_env_file(path: Path) -> dict[str, str]:
    """The `NAME=value` lines of a `.env` file; quotes around a value are dropped. Empty if there is no file."""
    try:
        lines = read_small(path).decode("utf-8", "replace").splitlines()
    except OSError:
        return {}
    matches = (_ENV_LINE.match(line) for line in lines if not line.lstrip().startswith("#"))
    return {match[1]: _unquote(match[2]) for match in matches if match}


def _unquote(value: str) -> str:
    if value[:1] in {"'", '"'} and value.find(value[0], 1) > 0:
        return value[1 : value.find(value[0], 1)]
    return value.partition(" #")[0].rstrip()
