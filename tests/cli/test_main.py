from __future__ import annotations

import shlex
import subprocess
import sys
from importlib.metadata import metadata
from pathlib import Path

import pytest
import typer

import goldspan.cli.main
from goldspan.cli.main import COMMANDS, load_command

HEAVY = ("openai", "label_studio_sdk", "streamlit", "polars", "pandas", "datasets", "scipy", "numpy", "faker", "spacy")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "goldspan", *arguments], capture_output=True, text=True, timeout=60)


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = (
        "import sys, goldspan.cli.main\ntry:\n    goldspan.cli.main.run(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.rstrip().endswith("[]")
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches(name: str) -> None:
    command = typer.main.get_command(load_command(name))
    commands = list(getattr(command, "commands", {"": command}).values())
    for one in commands:
        assert one.help, f"goldspan {name} {one.name} has no help"
        for parameter in one.params:
            record = parameter.get_help_record(typer.Context(one))
            assert record is None or record[1].strip(), f"goldspan {name} {one.name} {parameter.name} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_group_cuts_no_sentence_off(name: str) -> None:
    command = typer.main.get_command(load_command(name))
    shown = command.get_help(typer.Context(command))
    assert "..." not in shown.partition("Commands:")[2]


def test_importing_a_command_loads_nothing_heavy() -> None:
    names = ",".join(command.module for command in COMMANDS.values())
    code = (
        f"import sys, importlib\nfor name in {names!r}.split(','):\n"
        "    importlib.import_module('goldspan.cli.' + name)\n"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_an_unknown_command_is_a_usage_error() -> None:
    done = run("generat")
    assert done.returncode == 2
    assert "generat" in done.stderr


def test_an_interruption_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("goldspan.cli.main.load_command", lambda name: app)
    with pytest.raises(SystemExit) as ended:
        goldspan.cli.main.run(["labels"])
    assert ended.value.code == 130
    assert "Interrupted" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def load(name: str) -> typer.Typer:
        raise ModuleNotFoundError("No module named 'openai.types'", name="openai.types")

    monkeypatch.setattr("goldspan.cli.main.load_command", load)
    with pytest.raises(SystemExit) as ended:
        goldspan.cli.main.run(["generate", "start"])
    assert ended.value.code == 1
    assert "pip install 'goldspan[generate]'" in capsys.readouterr().err


def test_a_missing_module_of_our_own_is_a_bug_and_shows_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> typer.Typer:
        raise ModuleNotFoundError("No module named 'goldspan.nothing'", name="goldspan.nothing")

    monkeypatch.setattr("goldspan.cli.main.load_command", load)
    with pytest.raises(ModuleNotFoundError):
        goldspan.cli.main.run(["generate", "start"])


def test_every_extra_is_one_of_the_distribution() -> None:
    assert set(goldspan.cli.main.EXTRAS) <= set(metadata("goldspan").get_all("Provides-Extra") or ())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a device that is always full")
@pytest.mark.parametrize(("target", "code", "message"), [("/dev/full", 1, "error: The output cannot"), ("&-", 0, "")])
def test_output_that_cannot_be_written_is_one_message(target: str, code: int, message: str) -> None:
    command = f"{shlex.join([sys.executable, '-m', 'goldspan', 'project', '--help'])} >{target}"
    done = subprocess.run(["/bin/sh", "-c", command], stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == code
    assert done.stderr.startswith(message)
    assert len(done.stderr.splitlines()) == (1 if message else 0)
