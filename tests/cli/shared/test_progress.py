"""Progress of commands: quiet in a pipe, a line a minute in a log."""

from __future__ import annotations

import io

import pytest

from goldspan.cli.shared import progress, waiting
from goldspan.cli.shared.console import TerminalConsole
from tests.waiting import wait_until


def test_a_log_gets_lines_and_a_short_run_none(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(progress, "err", TerminalConsole(file=log))
    with progress.ProgressBar("files", 3) as bar:
        bar.update(advance=1)
    assert not log.getvalue()
    monkeypatch.setattr(waiting, "EVERY", 0.01)
    with progress.ProgressBar("files [x]", 1200) as bar:
        bar.update(completed=1000, note="4 refused")
        wait_until(lambda: "… files [x]: 1,000 of 1,200 4 refused (0 min)" in log.getvalue())


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(progress, "err", TerminalConsole(file=screen, force_terminal=True, width=120))
    with progress.ProgressBar("files", 3) as bar:
        bar.update(advance=2, note="[b]")
    assert "2/3" in screen.getvalue()
    assert "[b]" in screen.getvalue()
