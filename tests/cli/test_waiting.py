from __future__ import annotations

import io
import time

from rich.console import Console

from goldspan.cli.shared.console import TerminalConsole
from goldspan.cli.shared.waiting import LoggedStatus, report_waits
from tests.waiting import wait_until


def test_a_log_gets_a_line_now_and_then() -> None:
    stream = io.StringIO()
    state = ["reading [1/2]"]
    with report_waits(Console(file=stream), lambda: state[0], 0.05):
        wait_until(stream.getvalue)
        state[0] = "writing"
        wait_until(lambda: "writing" in stream.getvalue())
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("… reading [1/2] (0 min)")
    assert lines[-1].startswith("… writing")
    time.sleep(0.12)
    assert stream.getvalue().splitlines() == lines


def test_a_short_wait_and_a_terminal_get_none() -> None:
    quiet, terminal = io.StringIO(), io.StringIO()
    with TerminalConsole(file=quiet).status("starting") as status:
        assert isinstance(status, LoggedStatus)
        status.update("still starting")
    assert not quiet.getvalue()
    with report_waits(Console(file=terminal, force_terminal=True), lambda: "x", 0.02):
        time.sleep(0.06)
    assert "…" not in terminal.getvalue()
