"""Commands of a user with keys behind a proxy, against servers that repeat the key, redirect, and send bombs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests.test_hostile_servers import KEY, World, make_bomb, send

pytestmark = pytest.mark.walk
KINDS = ("echo", "moved", "bomb")
MEMORY = 300
"""MiB that a command may hold: libraries take 60 to 140, and the bomb unpacks to 200 MB."""
LAUNCH = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[2:])
with open(sys.argv[1], "w") as file:
    file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10))
sys.exit(ended.returncode)
"""
"""Runs a command and writes its peak in MiB: started from here, it would have at least the peak of pytest's process."""


def reply(handler: BaseHTTPRequestHandler) -> None:
    """By the first part of the path: refuse and repeat the key, redirect to another name, or send 200 MB in 900 kB."""
    kind = handler.path.split("/")[1]
    if kind == "moved":
        port = handler.server.server_port  # type: ignore[attr-defined]
        send(handler, 307, Location=f"http://localhost:{port}/trap")
    elif kind == "bomb":
        send(handler, 200, make_bomb(), Content_Encoding="gzip", Content_Type="application/json")
    else:
        said = f"Incorrect key: {handler.headers.get('Authorization', '')} \x1b]0;owned\x07 \u202e"
        send(handler, 401, f'{{"error": {{"message": "{said}"}}}}'.encode())


@pytest.fixture
def world() -> Iterator[World]:
    make_bomb()
    running = World(reply)
    yield running
    running.close()


@pytest.fixture
def proxy() -> Iterator[World]:
    running = World(lambda handler: send(handler, 502))
    yield running
    running.close()


def test_batches_fine_tuning_ocr_and_the_hub_leak_nothing(world: World, proxy: World, tmp_path: Path) -> None:
    image, _ = pytest.importorskip("PIL.Image"), pytest.importorskip("huggingface_hub")
    image.new("RGB", (60, 30), "white").save(tmp_path / "page.png")
    names = ("OPENAI_API_KEY", "TOGETHER_API_KEY", "MISTRAL_API_KEY", "HF_TOKEN")
    proxies = {name: proxy.url.removesuffix("/v1") for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
    environment = {
        **os.environ, **dict.fromkeys(names, KEY), **proxies, **{n.lower(): v for n, v in proxies.items()},
        "NO_PROXY": "", "no_proxy": "", "GOLDSPAN_DATA": "data", "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "HF_HOME": str(tmp_path / "hub"),
    }  # fmt: skip

    peaks: list[int] = []

    def call(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        with tempfile.NamedTemporaryFile("r") as peak:
            command = [sys.executable, "-c", LAUNCH, peak.name, sys.executable, "-m", "goldspan", *arguments]
            ended = subprocess.run(command, env=environment | more, cwd=tmp_path, capture_output=True, text=True)
            peaks.append(int(peak.read()))
            return ended

    assert call("generate", "start", "--provider", "offline", "--samples", "12", "--run", "a").returncode == 0
    assert call("bundle", "data/annotation_samples/a.jsonl", "--name", "b1").returncode == 0
    calls: list[tuple[tuple[str, ...], dict[str, str]]] = []
    for kind in KINDS:
        root = world.url.replace("/v1", f"/{kind}")
        url = ("--api-url", f"{root}/v1")
        batch = ("--provider", "openai", "--mode", "batch", "--samples", "2", "--languages", "en", "--no-wait")
        calls += [
            (("generate", "start", *batch, *url, "--run", f"run-{kind}"), {}),
            (("finetune", "start", "b1", *url, "--model", "m", "--price", "1", "--yes", "--run", f"tune-{kind}"), {}),
            (("mask", "page.png", "-o", f"{kind}.png", "-p", "regex", "--language", "en", "--ocr", "mistral"),
             {"GOLDSPAN_OCR_URL": root}),
            (("hub", "download", "--repo-id", "me/letters"), {"HF_ENDPOINT": root}),
        ]  # fmt: skip
    before = len(world.asked)
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda call_: call(*call_[0], **call_[1]), calls))
    assert [(c[0], e.returncode, e.stderr) for c, e in zip(calls, ended, strict=True) if e.returncode in {0, 2}] == []
    printed = "".join(e.stdout + e.stderr for e in ended)
    assert "Traceback" not in printed
    assert [part for part in (KEY, "\x1b", "\u202e") if part in printed] == []
    assert proxy.asked == []
    asked = world.asked[before:]
    assert sum(KEY in headers for headers in asked) >= len(calls)
    assert [headers for headers in asked if KEY in headers and "Host: localhost" in headers] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert max(peaks) < MEMORY
