from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import goldspan.cli.main
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.training.finetuning.hosted import HostedEngine
from goldspan.training.finetuning.reconcile import Patience
from tests.training.tiny_model import TOML, make_bundle

MODEL = ("--model", "meta-llama/Llama-3.1-8B-Instruct")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GOLDSPAN_LABELS", str(tmp_path / "labels.toml"))
    monkeypatch.delenv("TOGETHER_API_KEY", raising=False)
    monkeypatch.setattr(HostedEngine, "patience", Patience(grace=60.0))
    (tmp_path / "labels.toml").write_text(TOML)
    make_bundle(tmp_path / "data" / "bundles" / "b", 30)
    return tmp_path


@pytest.fixture
def url(place: Path) -> Iterator[str]:
    """Together, whose first job's reply is lost."""
    plan = build_plan({"faults": [{"kind": "accept_and_drop", "call": "tune_create", "count": 1}]})
    settings = SimulatorSettings(
        find_profile("together"), place / "sim.db", plan, validation_seconds=0.0, tuning_seconds=3600.0
    )
    with serving(settings, writer=None) as address:
        yield address


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        goldspan.cli.main.run(["finetune", *arguments])
    except SystemExit as end:
        code = int(end.code or 0)
    said = capsys.readouterr()
    return code, said.out, " ".join(said.err.split())


def test_a_dry_run_counts_and_prices_and_leaves_nothing(
    place: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(capsys, "start", "b", *MODEL, "--api-url", url, "--dry-run")
    assert code == 0
    assert "24 training and 4 validation rows of bundle tiny go to" in err
    assert "texts included" in err
    assert "USD, at most" in err
    code, out, _ = run(capsys, "start", *MODEL, "--dry-run", "--json", "--max-cost", "0.001")
    document = json.loads(out)
    assert code == 6
    assert "more than --max-cost" in document["excess"]
    assert document["address"] == "https://api.together.ai/v1"
    assert document["estimate"]["tokens_most"] > document["estimate"]["tokens_expected"] > 0
    assert document["prompt_version"] >= 1
    assert not (place / "data" / "finetuning").exists()


def test_consent_is_needed_and_a_run_goes_to_its_artifact(
    place: Path, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ("start", "b", *MODEL, "--api-url", url, "--run", "r", "--poll-interval", "0.02")
    code, _, err = run(capsys, *start)
    assert code == 1
    assert "Agree with --yes" in err
    code, _, err = run(capsys, *start, "--max-cost", "0.001")
    assert (code, "Nothing was sent" in err) == (6, True)
    assert run(capsys, "status")[0] == 1
    code, _, err = run(capsys, *start, "--yes", "--no-wait")
    assert code == 4
    assert "`goldspan finetune resume r` polls on" in err
    code, _, err = run(capsys, "watch", "r")
    assert (code, "No process drives r" in err) == (4, True)
    body = json.dumps({"forward": 7200}).encode()
    urllib.request.urlopen(f"{url.removesuffix('/v1')}/_simulate/clock", body, timeout=60).close()
    code, out, err = run(capsys, "resume", "--poll-interval", "0.02")
    assert (code, Path(out.strip()).resolve()) == (0, place / "data" / "models" / "r")
    assert "Resuming r" in err
    assert (place / "data" / "models" / "r" / "predictor.toml").is_file()
    code, out, _ = run(capsys, "status", "r", "--json")
    status = json.loads(out)
    assert (status["outcome"], status["job"]["state"]) == ("done", "succeeded")
    assert status["checkpoints"]
    assert run(capsys, "watch", "r")[0] == 0
    code, out, _ = run(capsys, "list", "--json")
    assert [(row["run"], row["state"]) for row in json.loads(out)] == [("r", "done")]
    code, _, err = run(capsys, "cancel", "r")
    assert (code, "ended already: done" in err) == (1, True)


def test_what_cannot_be_is_said(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cases = {
        "Unknown provider of fine-tuning 'togther'": ("start", "b", *MODEL, "--provider", "togther"),
        "There is no key for https://api.together.ai": ("start", "b", *MODEL, "--max-cost", "1"),
        "There is no bundle nowhere": ("start", "nowhere", *MODEL),
        "There is no fine-tuning run in": ("resume",),
        "Unknown fine-tuning run 'x'": ("cancel", "x"),
    }  # fmt: skip
    for message, arguments in cases.items():
        code, _, err = run(capsys, *arguments)
        assert code == 1, arguments
        assert message in err, err
    assert not (place / "data" / "finetuning").exists()
