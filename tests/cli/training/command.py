"""Runs `goldspan` in this process."""

from __future__ import annotations

import pytest

import goldspan.cli.main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code, output and error output."""
    code = 0
    try:
        goldspan.cli.main.run(list(arguments))
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err
