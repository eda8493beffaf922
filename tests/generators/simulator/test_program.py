"""`goldspan simulate` as a process of its own: it starts, is killed, and goes on."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import spec_to_dict
from goldspan.generators.stages.stage import ModelSettings, StageInput, build_stages
from goldspan.schemas import path

from .conftest import Provider


@contextlib.contextmanager
def simulate(*arguments: str):
    command = [sys.executable, "-m", "goldspan", "simulate", "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        announced = process.stderr.readline()
        yield process, Provider(re.search(r"http://\S+/v1", announced)[0])
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_a_killed_provider_goes_on_where_it_was(tmp_path):
    options = ("--profile", "openai", "--state", str(tmp_path / "p.db"), "--latency", "1")
    with simulate(*options) as (process, provider):
        batch = provider.create(20)
        provider.wait(batch.id, {"in_progress"})
        process.kill()
        process.wait()
    with simulate(*options) as (_, provider):
        batch = provider.wait(batch.id)
        assert len(provider.read(batch.output_file_id)) == 20
        ledger = provider.simulate("ledger")
    assert (ledger["paid_rows"], ledger["paid_twice"]) == (20, {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--profile", "acme"], "Known"),
        (["--latency", "soon"], "no latency"),
        (["--latency", "3..1"], "must not be larger"),
        (["--labels", "none.toml"], "no label schema at none.toml"),
        (["--state", "/proc/x/y.db"], "cannot be written"),
        (["--faults", "none.toml"], "none.toml cannot be read"),
    ],
)
def test_wrong_options_say_what_is_right(tmp_path, options, message):
    from goldspan.cli.simulate import app

    result = CliRunner().invoke(app, ["--state", str(tmp_path / "p.db"), "--port", "0", *options])
    assert isinstance(result.exception, GoldspanError)
    assert message in str(result.exception)


def test_a_port_beyond_the_last_is_a_usage_error():
    from goldspan.cli.simulate import app

    result = CliRunner().invoke(app, ["--port", "99999"])
    assert result.exit_code == 2
    assert "--port" in result.output


def test_the_second_process_on_a_state_file_is_refused(tmp_path):
    from goldspan.cli.simulate import app

    with simulate("--state", str(tmp_path / "p.db")):
        result = CliRunner().invoke(app, ["--state", str(tmp_path / "p.db"), "--port", "0"])
    assert "p.db" in str(result.exception)
    assert isinstance(result.exception, GoldspanError)


def test_the_label_schema_given_is_the_one_that_answers(tmp_path):
    custom = tmp_path / "labels.toml"
    text = path("labels.toml").read_text(encoding="utf-8")
    custom.write_text(re.sub(r"\bCITY\b", "TOWN", text), encoding="utf-8")
    labels = load_labels(custom)
    briefs = (spec_to_dict(draw_spec(1, item, ("en",), labels)) for item in range(99))
    brief = next(brief for brief in briefs if "TOWN" in brief["labels"])
    stage = build_stages(("draft",), ModelSettings("any"), labels, seed=1)["draft"]
    asked = stage.build_request(StageInput("draft", 0, 1, brief, ""))
    with simulate("--state", str(tmp_path / "p.db"), "--labels", str(custom)) as (_, provider):
        reply = provider.client.chat.completions.create(**json.loads(json.dumps(asked.body)))
    assert "<TOWN>" in reply.choices[0].message.content


def test_the_end_says_what_it_would_have_cost(tmp_path):
    with simulate("--state", str(tmp_path / "p.db")) as (process, provider):
        provider.wait(provider.create(3).id)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert "3 rows answered, 0 of them more than once" in process.stderr.read()
