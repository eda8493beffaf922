"""The example page that runs a model directory in Chromium finds what the Python predictor finds."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import orjson
import pytest

from goldspan.predictors.registry import open_predictor
from tests.training.tiny_model import make_labels, make_sample

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parents[2] / "examples" / "browser_model"
pytestmark = [
    pytest.mark.walk,
    pytest.mark.skipif(find_spec("torch") is None, reason="needs torch"),
    pytest.mark.skipif(
        not (FOLDER / "vendor" / "tokenizers.min.mjs").is_file(),
        reason="needs python examples/browser_model/fetch_libraries.py (npm)",
    ),
]


@pytest.fixture
def address(trained: Path) -> Iterator[str]:
    """The page and the model on one loopback server."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        extensions_map: ClassVar[dict[str, str]] = {
            **http.server.SimpleHTTPRequestHandler.extensions_map,
            ".mjs": "text/javascript",
        }

        def translate_path(self, path: str) -> str:
            inside = path.partition("?")[0].removeprefix("/model/")
            return str(trained / inside) if path.startswith("/model/") else super().translate_path(path)

        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(FOLDER))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/index.html?model=model/quantized"
        server.shutdown()


def test_the_page_finds_what_the_predictor_finds(browser: Browser, address: str, trained: Path) -> None:
    predictor = open_predictor(trained, make_labels(), verify="off")
    probes = [probe["text"] for probe in orjson.loads((trained / "quantized" / "probes.json").read_bytes())]
    texts = [*probes, *(make_sample(number).text for number in range(30)), "", "👩‍💻 none", "word " * 400 + probes[0]]
    page = browser.new_page()
    page.goto(address)
    page.wait_for_function("() => document.getElementById('state').textContent !== 'Loading …'", timeout=120_000)
    assert page.inner_text("#state") == "Ready."
    for text in texts:
        found: list[dict[str, Any]] = page.evaluate("(text) => window.findEntities(text)", text)
        expected = predictor.predict_sync(text).entities
        assert [(e["start"], e["end"], e["label"]) for e in found] == [(e.start, e.end, e.label) for e in expected]
        assert [e["score"] for e in found] == pytest.approx([e.score for e in expected], abs=0.02)
    page.fill("#text", probes[0])
    page.click("#run")
    page.wait_for_selector("#result mark")
    page.close()
