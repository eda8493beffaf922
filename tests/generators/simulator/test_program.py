"""`goldspan simulate` as a process of its own: it starts, is killed, and goes on."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from .conftest import Provider


@contextlib.contextmanager
def simulate(*arguments: str):
    command = [sys.executable, "-m", "cli.main", "simulate", "--port", "0", *arguments]
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
        (["--faults", "none.toml"], "Cannot read"),
    ],
)
def test_wrong_options_say_what_is_right(tmp_path, options, message):
    from cli.simulate import app

    result = CliRunner().invoke(app, ["--state", str(tmp_path / "p.db"), *options])
    assert message in str(result.exception)


def test_the_end_says_what_it_would_have_cost(tmp_path):
    with simulate("--state", str(tmp_path / "p.db")) as (process, provider):
        provider.wait(provider.create(3).id)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
        assert "3 rows answered, 0 of them more than once" in process.stderr.read()
