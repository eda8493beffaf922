"""Data cannot control the terminal, whatever way a command prints it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from goldspan.cli.shared import console

EVIL = "a\x1b]0;owned\x07\x1b[31m\x9b2J\u202egnp.exe\u2066x\u200f\x7f\x00z[bold]b[/x]:smile:"
UNSAFE = set("\x1b\x07\x9b\x7f\x00\u202e\u2066\u200f")
WAYS = {
    "say": "console.say(EVIL)",
    "warn": "console.warn(EVIL)",
    "fail": "console.fail(EVIL)",
    "table": "console.print_table([EVIL], [[EVIL]], title=EVIL)",
    "error": "console.err.print(EVIL)",
    "print": "console.out.print(EVIL)",
    "text": "console.out.print(Text(EVIL))",
    "status": "console.err.status(EVIL).__enter__(); console.err.print(EVIL)",
}


def show(statement: str) -> str:
    program = f"from rich.text import Text\nfrom goldspan.cli.shared import console\nEVIL = {EVIL!r}\n{statement}\n"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    return (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("way", WAYS)
def test_data_is_shown_as_it_is_and_controls_as_symbols(way: str) -> None:
    shown = show(WAYS[way])
    assert not UNSAFE & set(shown)
    assert "\u241b]0;owned" in shown
    assert "z[bold]b[/x]:smile:" in shown


def test_json_stays_the_same_document() -> None:
    shown = show("console.print_json({EVIL: [EVIL]})")
    assert not UNSAFE & set(shown)
    assert json.loads(shown) == {EVIL: [EVIL]}


@pytest.mark.parametrize("width", [200, 60, 40])
def test_words_of_a_table_stay_whole_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console.out, "_width", width)
    columns = ("label", "name", "category", "identifier group", "validator", "target")
    rows = [("LICENSEPLATENUM", "Licence [plate]", "Identification", "GOVERNMENT", None, 100), ("", "a", "b")]
    console.print_table(columns, rows, title="Labels", right=(5,))
    printed = capsys.readouterr().out
    assert all(word in printed for word in ("LICENSEPLATENUM", "[plate]", "Identification", "GOVERNMENT", "100"))
    assert max(map(len, printed.splitlines())) <= width
