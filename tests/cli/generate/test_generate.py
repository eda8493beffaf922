from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.main import run
from goldspan.cli.shared.exits import Exit
from goldspan.generators.journal.lock import RunLock
from tests.generators.scripted import LABELS, ScriptedExecutor, drive_scripted, make_settings
from tests.generators.servers import ROOT, run_server


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(["generate", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDSPAN_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def read(capsys):
    return json.loads(capsys.readouterr().out)


def test_start_against_a_compatible_server_and_again(data, tmp_path, capsys):
    with run_server(tmp_path) as address:
        command = ["start", "--provider", "compatible", "--model", "m", "--api-url", address, "-n", "4", "--json"]
        assert call(*command) == Exit.OK
        first = read(capsys)
        assert first["outcome"] == "done"
        assert first["done"] == 4
        assert call(*command) == Exit.OK
        assert read(capsys)["tokens_in"] == first["tokens_in"]
    assert (data / "annotation_samples" / f"{first['run']}.jsonl").exists()


def test_offline_run_end_to_end(data, capsys):
    assert call("start", "-n", "12", "--languages", "en,de,fr", "--review", "--seed", "3", "--json") == Exit.OK
    summary = read(capsys)
    assert summary["done"] == 12
    assert summary["written"] + summary["duplicates"] == 12
    assert summary["cost"] == 0
    assert call("list", "--json") == Exit.OK
    assert [entry["state"] for entry in read(capsys)] == ["finished"]


def test_commands_without_a_run_say_so(data, capsys):
    for command in ("resume", "status", "cancel", "reconcile", "watch"):
        assert call(command) == Exit.FAILED
        assert "There is no unfinished run" in capsys.readouterr().err
    assert call("retry") == Exit.FAILED
    assert "No run in" in capsys.readouterr().err
    assert call("status", "nosuch") == Exit.FAILED
    assert "Unknown run 'nosuch'" in capsys.readouterr().err


def test_status_resume_and_cancel_take_the_newest_unfinished_run(data, capsys):
    drive_scripted(data, make_settings(provider="offline", model="offline-author"), ScriptedExecutor(stop_after=5))
    assert call("status", "--json") == Exit.OK
    status = read(capsys)
    assert (status["run"], status["state"]) == ("r", "unfinished")
    assert call("cancel") == Exit.OK
    assert "Cancelling r, the newest unfinished run" in capsys.readouterr().err
    assert call("status") == Exit.OK
    assert "cancelled" in capsys.readouterr().out
    assert call("resume", "r", "--json") == Exit.OK
    assert read(capsys)["done"] == 6
    assert call("resume") == Exit.FAILED


def test_cancel_of_a_run_that_is_driven_elsewhere_asks_its_driver(data, capsys):
    drive_scripted(data, make_settings(), ScriptedExecutor(stop_after=2))
    lock = RunLock(Workspace(data).runs / "r" / "lock")
    assert call("cancel", "r") == Exit.OK
    assert "was asked to cancel it" in capsys.readouterr().err
    assert call("resume", "r") == Exit.FAILED
    assert "Another process" in capsys.readouterr().err
    lock.release()


def test_dead_letters_and_budget_have_exit_codes_of_their_own(data, tmp_path, capsys):
    with run_server(tmp_path) as address:
        common = ["--provider", "compatible", "--model", "m", "--api-url", address, "--json"]
        assert call("start", "-n", "9", *common, "--max-tokens", "4500", "--max-workers", "1") == Exit.BUDGET_REACHED
        summary = read(capsys)
        assert 0 < summary["tokens_in"] + summary["tokens_out"] <= 4500
        assert summary["done"] > 0
        assert call("resume", "--json") == Exit.BUDGET_REACHED
        assert read(capsys)["outcome"] == "budget"
        assert call("resume", "--max-tokens", "100000", "--json") == Exit.OK
        assert call("start", "-n", "3", *common, "--max-cost", "1") == Exit.FAILED
        assert "no prices are known" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["start", "--provider", "opnai"], "Did you mean openai"),
        (["start", "--provider", "compatible"], "name one with --model"),
        (["start", "--provider", "openai"], "set OPENAI_API_KEY"),
        (["start", "--provider", "doubleword", "--window", "2h"], "Unknown window"),
        (["start", "--languages", ","], "names no language"),
        (["start", "--languages", "xx"], "xx"),
        (["start", "--run", "../x"], "cannot name a run"),
        (["start", "--provider", "compatible", "--model", "m", "--api-url", "ftp://x"], "is not a URL"),
        (["start", "--model", "gpt-4.1"], "--model is for language models"),
        (["start", "--temperature", "0.5"], "--temperature is for language models"),
        (["estimate", "--provider", "offline", "--mode", "batch"], "--mode is for language models"),
        (["start", "--novelty", "0.9"], "--novelty is for language models"),
        (["start", "--price-in", "3"], "--price-in is for language models"),
        (["preview", "--seeds", "."], "--seeds is for language models"),
        (["start", "--provider", "openai", "--window", "24h"], "--window is for batches"),
        (["campaign", "start", "--api-url", "http://127.0.0.1:1"], "--api-url is for language models"),
    ],
)
def test_bad_input_is_one_plain_message(data, capsys, arguments, said):
    assert call(*arguments) == Exit.FAILED
    error = capsys.readouterr().err
    assert said in error.replace("\n", " ")
    assert "Traceback" not in error


def test_key_is_neither_stored_nor_shown(data, tmp_path, monkeypatch, capsys):
    (tmp_path / ".env").write_text('OPENAI_API_KEY="sk-very-secret"\n')
    with run_server(tmp_path) as address:
        call("start", "--provider", "openai", "--api-url", address, "-n", "2", "--json")
    captured = capsys.readouterr()
    assert "very-secret" not in captured.out + captured.err
    assert not any(b"very-secret" in file.read_bytes() for file in data.rglob("*") if file.is_file())


def test_preview_and_estimate_send_nothing(data, capsys):
    assert call("preview", "-n", "5", "--provider", "openai", "--json") == Exit.OK
    preview = read(capsys)
    requests = preview["requests"]
    assert preview["estimate"]["requests"] == 10
    assert [request["custom_id"].split("-")[0] for request in requests] == ["draft", "coreference"] * 3
    assert requests[0]["body"]["response_format"]["type"] == "json_schema"
    assert call("estimate", "-n", "1000", "--provider", "openai", "--review", "--json") == Exit.OK
    estimate = read(capsys)
    assert estimate["requests"] == 3000
    assert estimate["cost"] > 0
    assert not data.exists()


def test_a_model_whose_prices_are_unknown_is_named_and_cannot_have_a_limit_in_dollars(data, capsys):
    assert call("estimate", "-n", "10", "--provider", "openai", "--model", "gpt-4.1") == Exit.OK
    said = capsys.readouterr()
    assert "at an unknown price" in said.out + said.err
    assert "those of gpt-4.1-mini: give --price-in and --price-out for gpt-4.1" in said.err.replace("\n", " ")
    common = ("-n", "2", "--provider", "openai", "--api-url", "http://127.0.0.1:9", "--max-cost", "1")
    assert call("start", *common, "--model", "gpt-4.1") == Exit.FAILED
    assert "no prices are known for gpt-4.1" in capsys.readouterr().err
    assert not data.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--languages", "en,xx"),
        ("--provider", "openai", "--api-url", "ftp://x"),
        ("--provider", "openai"),
        ("--provider", "compatible", "--model", "m", "--api-url", "http://127.0.0.1:9", "--max-cost", "1"),
    ],
)
def test_a_start_that_is_refused_leaves_nothing_behind(data, arguments):
    assert call("start", "-n", "5", *arguments) == Exit.FAILED
    assert not data.exists()


def test_gaps_are_planned_and_shown_before_anything_is_sent(data, capsys):
    assert call("estimate", "--fill-gaps", "-n", "20", "--languages", "en,de", "--json") == Exit.OK
    plan = read(capsys)
    assert plan["samples"] == 20
    assert {cell[0] for cell in plan["plan"]} <= {"en", "de"}
    assert call("start", "--fill-gaps", "-n", "8", "--languages", "en", "--yes", "--json") == Exit.OK
    assert read(capsys)["done"] == 8
    assert LABELS


def test_full_disk_stops_a_run_that_goes_on_when_there_is_room(tmp_path):
    words = [
        "-m",
        "goldspan",
        "generate",
        "start",
        "-n",
        "60",
        "--run",
        "full",
        "--data",
        str(tmp_path / "data"),
        "--json",
    ]
    limited = f"ulimit -f 400; exec {shlex.join([sys.executable, *words])}"
    stopped = subprocess.run(["bash", "-c", limited], cwd=ROOT, capture_output=True, text=True, check=False)
    assert stopped.returncode == Exit.FAILED, stopped.stderr
    assert "cannot be written" in stopped.stderr
    assert "goldspan generate resume full" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    resumed = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert resumed.returncode == Exit.OK, resumed.stderr
    assert json.loads(resumed.stdout)["done"] == 60


def write_examples(path, *languages, reviewed):
    author = Author.person("1") if reviewed else Author.model("m")
    write_samples(
        path,
        [
            Sample(f"Ann called about {code}.", code, annotations=(Annotation(author, (Entity(0, 3, "FIRSTNAME"),)),))
            for code in languages
        ],
        LABELS,
    )
    return path


@pytest.mark.parametrize("command", ["start", "estimate", "preview"])
def test_examples_that_nobody_reviewed_are_refused(data, tmp_path, capsys, command):
    file = write_examples(tmp_path / "drafts.jsonl", "en", "de", reviewed=False)
    assert call(command, "--provider", "openai", "--examples", str(file)) == Exit.FAILED
    assert "holds no reviewed sample" in " ".join(capsys.readouterr().err.split())
    assert not data.exists()


def test_languages_without_own_texts_are_named(data, tmp_path, capsys):
    file = write_examples(tmp_path / "reviewed.jsonl", "en", reviewed=True)
    seeds = tmp_path / "letters.txt"
    seeds.write_text("The tenant is asked to return the keys of the flat and of the cellar by the end of the month.")
    own = ["--examples", str(file), "--seeds", str(seeds)]
    assert call("estimate", "-n", "4", "--provider", "openai", "--languages", "en,fr", *own) == Exit.OK
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("holds nothing in fr") == 2
    assert (
        call("estimate", "-n", "4", "--provider", "openai", "--languages", "fr", "--seeds", str(seeds)) == Exit.FAILED
    )
    assert "in fr" in capsys.readouterr().err


def test_examples_of_a_project_wait_for_the_first_review(data, tmp_path, monkeypatch, capsys):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Path("goldspan.toml").write_text('name = "p"\n[generate]\nprovider = "openai"\nexamples = "drafts.jsonl"\n')
    Path("labels.toml").write_text((ROOT / "schemas" / "labels.toml").read_text(encoding="utf-8"), encoding="utf-8")
    write_examples(Path("drafts.jsonl"), "en", reviewed=False)
    assert call("estimate", "-n", "4") == Exit.OK
    assert "briefs show examples of the offline author" in " ".join(capsys.readouterr().err.split())
    assert call("estimate", "-n", "4", "--provider", "offline") == Exit.OK
    assert "offline author" not in capsys.readouterr().err


def test_situations_in_other_languages_are_refused_if_given_and_named_if_the_workspace_has_them(data, tmp_path, capsys):
    file = tmp_path / "data" / "scenarios.jsonl"
    file.parent.mkdir()
    file.write_text(json.dumps({"language": "de", "scenario": "Ein Termin wird verlegt."}))
    assert call("estimate", "-n", "2", "--provider", "openai") == Exit.OK
    assert "briefs draw from those of Goldspan" in " ".join(capsys.readouterr().err.split())
    assert call("estimate", "-n", "2", "--provider", "openai", "--scenarios", str(file)) == Exit.FAILED
    assert "holds no situation in en" in " ".join(capsys.readouterr().err.split())
    assert call("estimate", "-n", "2", "--provider", "openai", "--languages", "de") == Exit.OK
    assert "situation" not in capsys.readouterr().err


def test_options_of_the_other_mode_are_named(data, capsys):
    assert call("start", "-n", "1", "--no-wait", "--max-workers", "3") == Exit.OK
    said = capsys.readouterr().err
    assert "--no-wait has no effect" in said
    assert "--max-workers has no effect" in said
