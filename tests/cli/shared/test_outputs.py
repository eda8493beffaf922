"""A name given to --output says what the file holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from goldspan.annotation.errors import InputError
from goldspan.cli.main import COMMANDS, load_command
from goldspan.cli.shared.outputs import check_output
from tests.cli.test_bad_input import run

BY_ARGUMENTS = {"labels config", "mask restore", "mask run", "samples export"}
"""What these write follows from other arguments too; they are tried one by one below."""


def list_outputs(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    for child, one in getattr(command, "commands", {}).items():
        yield from list_outputs(one, f"{name} {child}")
    yield from ((name, option) for option in command.params if "--output" in option.opts)


@pytest.mark.parametrize(
    ("name", "suffixes", "better"),
    [
        ("x.csv", (".jsonl", ".ndjson"), "Name it x.jsonl."),
        ("x.XLSX", (".jsonl",), "Name it x.jsonl."),
        ("x.jsonl.gz", (".jsonl",), "Name it x.jsonl."),
        ("x.json", (".jsonl",), "JSONL is written"),
        ("x.pdf", (".html", ".md"), "Name it x.html."),
        ("x.jsonl", (), "a folder is written. Name it x."),
    ],
)
def test_an_ending_of_another_format_is_refused(name: str, suffixes: tuple[str, ...], better: str) -> None:
    with pytest.raises(InputError) as refused:
        check_output(Path(name), *suffixes)
    assert better in str(refused.value)


@pytest.mark.parametrize("name", ["x.jsonl", "x.JSONL", "x", "x.v2", "x.1", ".x", "/dev/stdout"])
def test_the_right_ending_and_those_that_say_nothing_pass(name: str) -> None:
    check_output(Path(name), ".jsonl")


def test_every_command_with_an_output_checks_its_name() -> None:
    outputs = [found for name in COMMANDS for found in list_outputs(get_command(load_command(name)), name)]
    assert len(outputs) > 15
    unchecked = {name for name, option in outputs if option.callback is None}
    assert unchecked == BY_ARGUMENTS


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("queue -o x.csv", "JSONL"),
        ("annotate a.txt -o x.csv", "JSONL"),
        ("annotate a.txt a.txt -o x.jsonl", "a folder"),
        ("samples dedupe a.jsonl --engine local -o x.jsonl", "a folder"),
        ("samples import a.txt -o x.parquet", "JSONL"),
        ("samples export a.jsonl -f jsonl -o x.csv", "JSONL"),
        ("samples export a.jsonl -f csv -o x.jsonl", "CSV"),
        ("samples export a.jsonl -o x.json", "several formats end in .json"),
        ("mask run a.txt --predictor regex -o x.csv", "TXT"),
        ("labels config -o x.json", "XML"),
        ("labels config --as json-schema -o x.xml", "JSON"),
        ("report r.json -o x.pdf", "HTML"),
        ("privacy report -o x.html", "MD"),
    ],
)
def test_nothing_is_written_under_a_name_that_is_not_true(command: str, written: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ann lives in Leeds.")
    (tmp_path / "a.jsonl").write_text('{"data":{"text":"Ann lives in Leeds.","language":"en"}}\n')
    done = run(tmp_path, *command.split())
    assert done.returncode != 0
    assert written in done.stderr
    assert not list(tmp_path.glob("x.*"))


def test_a_format_follows_from_the_name_of_the_output(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"data":{"text":"Ann lives in Leeds.","language":"en"}}\n')
    assert run(tmp_path, "samples", "export", "a.jsonl", "-o", "x.csv").returncode == 0
    assert (tmp_path / "x.csv").read_text().startswith("sample_id,")
