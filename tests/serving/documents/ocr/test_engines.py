from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from goldspan.annotation.errors import ConfigurationError, InputError, ServiceError, UnknownNameError
from goldspan.serving.documents.ocr import rapid, registry
from goldspan.serving.documents.ocr.base import OcrPage, OcrWord
from goldspan.serving.documents.ocr.mistral import MistralEngine, open_mistral, parse_answer
from goldspan.serving.documents.ocr.rapid import RapidEngine
from goldspan.serving.documents.ocr.registry import open_ocr, require_ocr
from goldspan.serving.documents.ocr.tesseract import parse_tsv
from tests.serving.documents.pictures import draw_text


def test_rapidocr_reads_words_and_their_places() -> None:
    page = require_ocr("rapidocr", "A picture").read(draw_text(["Dear Ann Smith, write to", "ann.smith@mail.com soon"]))
    assert page.text == "Dear Ann Smith, write to\nann.smith@mail.com soon"
    start = page.text.index("Smith")
    [(left, top, right, bottom)] = page.find_areas(start, start + 5)
    assert 160 < left < 200 < right < 300
    assert 30 < top < 50 < bottom < 90
    assert page.list_unsure() == []


def test_a_picture_without_text_has_no_words() -> None:
    assert require_ocr("rapidocr", "A picture").read(Image.new("RGB", (200, 100), "white")).text == ""


def test_a_span_covers_whole_words_one_area_for_each_line() -> None:
    page = OcrPage(
        ((OcrWord("to", (0, 0, 20, 10)), OcrWord("Ann", (30, 0, 60, 10))), (OcrWord("Smith", (0, 40, 50, 50), 0.3),)),
        100,
        100,
    )
    assert page.text == "to Ann\nSmith"
    assert page.find_areas(4, 9) == [(28, -2, 62, 12), (-2, 38, 52, 52)]
    assert page.list_unsure() == [(-2, 38, 52, 52)]


def test_tesseract_words_are_read_from_its_table() -> None:
    head = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n"
    rows = "4\t1\t1\t1\t1\t0\t0\t0\t9\t9\t-1\t\n5\t1\t1\t1\t1\t1\t10\t20\t30\t8\t96.5\tAnn\n"
    rows += '5\t1\t1\t1\t1\t2\t50\t20\t30\t8\t31\t"Smith\n5\t1\t1\t1\t2\t1\t10\t40\t30\t8\t90\tx\n'
    page = parse_tsv(head + rows, 100, 100)
    assert page.text == 'Ann "Smith\nx'
    assert page.lines[0][1] == OcrWord('"Smith', (50, 20, 80, 28), 0.31)
    with pytest.raises(ServiceError, match="cannot be read"):
        parse_tsv("level\ttext\n5\tAnn\n", 10, 10)


def test_blocks_of_mistral_are_scaled_to_the_picture() -> None:
    block = {"top_left_x": 10, "top_left_y": 20, "bottom_right_x": 30, "bottom_right_y": 40, "content": "Ann Smith"}
    page = parse_answer({"pages": [{"dimensions": {"width": 100, "height": 50}, "blocks": [block]}]}, 200, 200)
    assert page.find_areas(0, 3) == [(17.6, 77.6, 62.4, 162.4)] or page.find_areas(0, 3)[0][0] < 20


@pytest.mark.parametrize(
    "answer", [{}, {"pages": []}, {"pages": [{"blocks": [{"content": "x"}]}]}, [], {"pages": [{"markdown": "Ann"}]}]
)
def test_an_answer_without_places_is_an_error(answer: Any) -> None:
    with pytest.raises(ServiceError):
        parse_answer(answer, 10, 10)


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.server.asked.append((self.headers, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            status, headers, body = self.server.answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        one.asked, one.answer = [], (200, {}, b"{}")
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield one
        one.shutdown()


def test_mistral_is_asked_with_the_key_and_faults_are_errors(server: Any) -> None:
    engine = MistralEngine("secret", f"http://127.0.0.1:{server.server_port}")
    block = {"top_left_x": 1, "top_left_y": 2, "bottom_right_x": 3, "bottom_right_y": 4, "content": "Ann"}
    server.answer = (200, {}, json.dumps({"pages": [{"blocks": [block]}]}).encode())
    assert engine.read(Image.new("RGB", (10, 10))).text == "Ann"
    headers, body = server.asked[0]
    assert headers["Authorization"] == "Bearer secret"
    assert body["document"]["image_url"].startswith("data:image/png;base64,")
    for answer in ((500, {}, b""), (429, {}, b""), (302, {"Location": "http://127.0.0.1:1/"}, b""), (200, {}, b"no")):
        server.answer = answer
        with pytest.raises(ServiceError) as caught:
            engine.read(Image.new("RGB", (10, 10)))
        assert "secret" not in str(caught.value)
    assert len(server.asked) == 5


def test_the_key_goes_to_no_other_machine_in_clear_and_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="plain http"):
        MistralEngine("secret", "http://example.com")
    monkeypatch.delenv("MISTRAL_API_KEY", raising=False)
    monkeypatch.chdir("/")
    with pytest.raises(ConfigurationError, match="MISTRAL_API_KEY"):
        open_mistral()


def test_engines_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_ocr("off") is None
    assert isinstance(open_ocr("auto"), RapidEngine)
    with pytest.raises(UnknownNameError):
        open_ocr("rapid")
    monkeypatch.setattr(rapid, "is_installed", lambda: False)
    monkeypatch.setattr(registry.tesseract, "is_installed", lambda: False)
    assert open_ocr("auto") is None
    with pytest.raises(InputError, match=r"goldspan\[ocr\]"):
        require_ocr("auto", "a.png: a picture")
    with pytest.raises(InputError, match="OCR is off"):
        require_ocr("off", "a.png: a picture")
