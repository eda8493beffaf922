from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from goldspan.cli.main import run


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        run(list(arguments))
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--host", "0.0.0.0"), "GOLDSPAN_SERVE_TOKEN"),
        (("--policy", "nope"), "pseudonymise"),
        (("--vault", "v"), "GOLDSPAN_MASKING_KEY"),
        (("-p", "regex"), "same name"),
        (("-p", "regex+nobody"), "Unknown predictor 'nobody'"),
    ],
)
def test_a_server_that_would_be_unsafe_or_wrong_does_not_start(
    arguments: tuple[str, ...],
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("GOLDSPAN_SERVE_TOKEN", "GOLDSPAN_MASKING_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert call("serve", "-p", "regex", *arguments) == 1
    assert reason in capsys.readouterr().err


def test_the_server_announces_itself_when_it_answers_and_stops_on_interrupt(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "goldspan", "serve", "-p", "regex", "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path)
    assert server.stderr
    url = re.search(r"http://[\d.:]+", server.stderr.readline())
    assert url
    answer = httpx.post(f"{url.group()}/v1/mask", json={"text": "Write to ann@mail.com"}, timeout=30)
    assert answer.json()["masked_text"] == "Write to [EMAIL_1]"
    assert httpx.get(f"{url.group()}/ready").json() == {"ready": True}
    server.send_signal(signal.SIGINT)
    said = server.communicate(timeout=30)[1]
    assert server.returncode == 0
    assert "has stopped" in said
    assert "Traceback" not in said
    assert "ann" not in said
