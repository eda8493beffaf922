"""Bad input: a message of one screen that says what to do, an exit code that is not 0, nothing half-written."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import orjson
import pytest

import goldspan.cli.main


@dataclass(frozen=True)
class Done:
    """What a command said, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run(cwd: Path, *arguments: str, **environment: str) -> Done:
    """Run a command in this process, as in a folder and an environment of its own."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(cwd),
        mock.patch.dict(os.environ, _clean_environment() | environment, clear=True),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            goldspan.cli.main.run(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
    return check(Done(code, out.getvalue(), err.getvalue()))


def run_process(cwd: Path, *arguments: str, **environment: str) -> Done:
    """Run a command in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "goldspan", *arguments],
        cwd=cwd,
        env=_clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return check(Done(done.returncode, done.stdout, done.stderr))


def check(done: Done) -> Done:
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) < 40
    return done


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("GOLDSPAN_", "LABEL_"))}


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


TASK = {"data": {"text": "Lyon", "sample_id": "a", "language": "fr"}}


def test_an_unknown_label(tmp_path: Path) -> None:
    for done in (run(tmp_path, "labels", "show", "CITTY"), run_process(tmp_path, "labels", "show", "CITTY")):
        assert done.returncode == 1
        assert "Did you mean CITY" in done.stderr


def test_broken_toml(tmp_path: Path) -> None:
    write(tmp_path / "l.toml", b"[labels\n")
    for arguments in (["labels", "list"], ["generate", "start"], ["samples", "stats", "."]):
        done = run(tmp_path, *arguments, GOLDSPAN_LABELS="l.toml")
        assert done.returncode == 1
        assert "l.toml" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["l.toml"]


@pytest.mark.parametrize("name", ["empty.jsonl", "empty.txt", "empty.csv"])
def test_an_empty_file(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, b"")
    assert run(tmp_path, "samples", "import", name, "--language", "en").returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]
    if name.endswith(".jsonl"):
        for command in ("check", "show", "stats"):
            assert run(tmp_path, "samples", command, name).returncode == 1


def test_half_a_json_line_is_named_and_the_rest_is_used(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", orjson.dumps({"text": "whole"}) + b"\n" + b'{"text": "ha')
    done = run(tmp_path, "samples", "import", "a.jsonl", "--language", "en", "-o", "out.jsonl")
    assert done.returncode == 3
    assert "a.jsonl:2: not valid JSON" in done.stderr
    assert (tmp_path / "out.jsonl").read_bytes().count(b"\n") == 1


def test_a_text_of_ten_megabytes(tmp_path: Path) -> None:
    write(tmp_path / "big.txt", b"a word " * 1_500_000)
    done = run(tmp_path, "samples", "import", "big.txt", "--language", "en")
    assert done.returncode == 1
    assert "split it" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["big.txt"]


def test_duplicate_ids(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", orjson.dumps(TASK) + b"\n" + orjson.dumps(TASK) + b"\n")
    done = run(tmp_path, "samples", "check", "a.jsonl")
    assert done.returncode == 3
    assert "a.jsonl:2#/data/sample_id" in done.stderr


@pytest.mark.parametrize("text", ["a\x00b", "\\ud800"])
def test_nul_and_lone_surrogates(tmp_path: Path, text: str) -> None:
    line = orjson.dumps({"text": "TEXT"}).replace(b"TEXT", text.replace("\x00", "\\u0000").encode())
    write(tmp_path / "a.jsonl", line + b"\n")
    done = run(tmp_path, "samples", "import", "a.jsonl", "--language", "en")
    assert done.returncode == 1
    assert "a.jsonl:1" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_an_existing_output_is_not_replaced(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", b"hello")
    write(tmp_path / "out.jsonl", b"mine")
    done = run(tmp_path, "samples", "import", "a.txt", "--language", "en", "-o", "out.jsonl")
    assert done.returncode == 1
    assert "--force" in done.stderr
    assert (tmp_path / "out.jsonl").read_bytes() == b"mine"


def test_label_studio_is_down(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", orjson.dumps(TASK) + b"\n")
    studio = {"LABEL_STUDIO_URL": "http://127.0.0.1:9", "LABEL_STUDIO_API_KEY": "x" * 40}
    for arguments in (["push", "a.jsonl"], ["pull"], ["doctor"]):
        done = run(tmp_path, "studio", *arguments, **studio)
        assert done.returncode == 1
        assert "127.0.0.1:9" in done.stderr + done.stdout
        assert "x" * 40 not in done.stderr


def test_no_label_studio_is_known(tmp_path: Path) -> None:
    done = run(tmp_path, "studio", "pull")
    assert done.returncode == 1
    assert "goldspan studio up" in done.stderr


def test_a_workspace_that_is_a_file(tmp_path: Path) -> None:
    write(tmp_path / "data", b"")
    done = run(tmp_path, "generate", "list")
    assert done.returncode == 1
    assert "--data" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        *("queue", "gate", "gate --init", "dashboard", "loop status", "loop retrain", "model list"),
        *("privacy find x@y.zz", "generate list", "train list", "samples audit", "studio status"),
        "mask run a.txt -p regex -o b.txt",
    ],
)
def test_a_misspelled_workspace_is_refused_with_the_nearest_one(tmp_path: Path, command: str) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "a.txt", b"hello")
    done = run(tmp_path, *command.split(), "--data", "daat")
    assert done.returncode == 1
    assert "There is no folder daat" in done.stderr
    assert "Did you mean data?" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "data"]


@pytest.mark.parametrize("command", ["gate", "generate list", "privacy find x@y.zz", "mask run a.txt -p regex"])
def test_a_misspelled_workspace_of_the_environment_is_refused_too(tmp_path: Path, command: str) -> None:
    (tmp_path / "data").mkdir()
    write(tmp_path / "a.txt", b"hello")
    done = run(tmp_path, *command.split(), GOLDSPAN_DATA="daat")
    assert done.returncode == 1
    assert "There is no folder daat; GOLDSPAN_DATA takes that of a workspace. Did you mean data?" in done.stderr
    assert "no folder" not in run(tmp_path, *command.split(), "--data", "data", GOLDSPAN_DATA="daat").stderr


def test_a_new_workspace_is_announced(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", b"hello")
    for new in (True, False):
        done = run(tmp_path, "annotate", "a.txt", "-p", "regex", "--language", "en", "--data", "new", "--force")
        assert done.returncode == 0
        assert ("new is a new workspace" in done.stderr) == new


@pytest.mark.parametrize(
    ("given", "near"),
    [("gld.jsonl", "gold.jsonl"), ("set/gold.jsonl", "sets/gold.jsonl"), ("set/x.jsonl", "sets"), ("qqq", "")],
)
def test_a_missing_file_names_the_nearest_one(tmp_path: Path, given: str, near: str) -> None:
    (tmp_path / "sets").mkdir()
    for name in ("gold.jsonl", "sets/gold.jsonl"):
        write(tmp_path / name, orjson.dumps(TASK))
    done = run(tmp_path, "samples", "check", given)
    assert done.returncode == 1
    assert f"There is no file {given}." in done.stderr
    assert (f"Did you mean {near}?" in done.stderr) == bool(near)


def test_unwritable_places_say_so(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", b"hello")
    done = run(tmp_path, "samples", "import", "a.txt", "--language", "en", "-o", "/proc/nowhere/out.jsonl")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


def test_a_terminal_that_knows_only_ascii_and_control_characters_in_data(tmp_path: Path) -> None:
    data = TASK["data"] | {"text": "Zo\u00eb \x1b[31m", "sample_id": "a\x1b\x9b"}
    write(tmp_path / "a.jsonl", orjson.dumps({"data": data}))
    done = run_process(tmp_path, "samples", "show", "a.jsonl", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "Zo\\xeb \\u241b[31m" in done.stdout
    assert "\x1b" not in done.stdout


def test_labels_that_the_schema_does_not_know_are_counted_too(tmp_path: Path) -> None:
    value = {"start": 0, "end": 5, "text": "Earth", "labels": ["PLANET"]}
    region = {"id": "a", "from_name": "label", "to_name": "text", "type": "labels", "value": value}
    task = {"data": {"text": "Earth turns", "language": "en"}, "predictions": [{"result": [region]}]}
    write(tmp_path / "a.jsonl", orjson.dumps(task) + b"\n")
    done = run(tmp_path, "samples", "stats", "a.jsonl")
    (row,) = (line for line in done.stdout.splitlines() if "PLANET" in line)
    assert row.split() == ["PLANET", "1", "unknown", "label", "1"]
