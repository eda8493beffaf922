"""Commands over shards, as a user sees them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from goldspan.cli.main import load_command
from goldspan.cli.shared.exits import Exit
from goldspan.shards.engines.base import BUILT_IN

RUNNER = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Shards of which one cannot be read, and one has a bad line."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "good.jsonl").write_text('{"text": "Write to ann@example.org."}\n')
    (folder / "half.jsonl").write_text('{"text": "Write to bob@example.org."}\n{"text": "Wri')
    (folder / "broken.jsonl.gz").write_bytes(b"\x1f\x8b no gzip")
    return folder


def annotate(folder: Path, output: Path, *options: str):
    given = [str(folder), "-p", "regex", "--engine", "local", "--workers", "1", "--output", str(output), *options]
    return RUNNER.invoke(load_command("annotate"), given)


def test_shards_set_aside_and_records_refused_are_named(folder: Path, tmp_path: Path) -> None:
    done = annotate(folder, tmp_path / "out")
    assert done.exit_code == Exit.REFUSED_SOME
    said = " ".join(done.output.split())
    assert "broken.jsonl.gz was set aside" in said
    assert "half.jsonl:2: not valid JSON" in said
    assert "2 of 3 shards" in said


def test_the_report_is_one_json_document(folder: Path, tmp_path: Path) -> None:
    annotate(folder, tmp_path / "out")
    done = annotate(folder, tmp_path / "out", "--json")
    report = json.loads(done.stdout)
    assert (report["finished"], report["skipped"], list(report["failed"])) == (2, 2, ["broken.jsonl.gz"])
    assert report["refused"] == [{"shard": "half.jsonl", "line": 2, "reason": report["refused"][0]["reason"]}]
    status = RUNNER.invoke(load_command("shards"), ["status", str(tmp_path / "out"), "--json"])
    assert json.loads(status.stdout)["counts"] == report["counts"] == {"refused": 1, "samples": 2}


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--engine-option", "partition=cpu"], "takes no option 'partition'"),
        (["--engine-option", "partition"], "KEY=VALUE"),
        (["--engine", "spark"], "Unknown engine 'spark'"),
        (["--workers", "0"], "--workers"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: list[str], reason: str, folder: Path, tmp_path: Path) -> None:
    done = annotate(folder, tmp_path / "out", *options)
    assert done.exit_code != Exit.OK
    assert reason in " ".join(f"{done.output} {done.exception}".split())
    assert not list((tmp_path / "out").glob("*.jsonl"))


@pytest.mark.parametrize(
    "words",
    [["annotate"], ["mask", "-p", "regex", "--policy", "redact"], ["samples", "check"], ["samples", "dedupe"]],
)
def test_an_option_of_an_engine_is_not_ignored_without_one(words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "Write to ann@example.org."}\n')
    given = [*words[1:], str(file), "--engine-option", "executor=slurm", "--output", str(tmp_path / "out")]
    done = RUNNER.invoke(load_command(words[0]), given)
    assert "--engine-option is for --engine" in " ".join(f"{done.output} {done.exception}".split())


def test_a_task_that_cannot_be_opened_leaves_the_state_of_the_run_before(folder: Path, tmp_path: Path) -> None:
    def read_status() -> str:
        done = RUNNER.invoke(load_command("shards"), ["status", str(tmp_path / "out")])
        return " ".join(f"{done.output} {done.exception}".split())

    annotate(folder, tmp_path / "out", "-p", "no-such")
    assert "holds no results of a run" in read_status()
    annotate(folder, tmp_path / "out")
    annotate(folder, tmp_path / "out", "-p", "no-such")
    assert "2 of 3 shards" in read_status()


def test_a_packed_file_is_a_shard(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(b'{"text": "Write to ann@example.org."}\n'))
    for words in (["annotate"], ["mask", "--policy", "redact"]):
        given = [*words[1:], str(file), "-p", "regex", "--output", str(tmp_path / words[0])]
        assert RUNNER.invoke(load_command(words[0]), given).exit_code == Exit.OK
        assert (tmp_path / words[0] / "a.jsonl.gz").is_file()


def test_shards_that_an_engine_only_hands_on_are_missing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUILT_IN, "queue", f"{__name__}:hand_on")
    done = annotate(folder, tmp_path / "out", "--engine", "queue")
    assert done.exit_code == Exit.WAITING
    assert "3 shards are missing" in " ".join(done.output.split())
    given = ["dedupe", str(folder), "--engine", "queue", "--output", str(tmp_path / "unique")]
    assert "3 of 3 shards are missing" in str(RUNNER.invoke(load_command("samples"), given).exception)


def hand_on(plan: object, options: object) -> list[object]:
    """An engine whose work begins later, such as a queue of a cluster."""
    return []
