from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from PIL import Image, ImageChops, PngImagePlugin
from reportlab.lib.utils import ImageReader

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.serving.documents import image as image_module
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.ocr.base import OcrEngine, OcrPage, OcrWord
from goldspan.serving.documents.ocr.registry import require_ocr
from goldspan.serving.documents.pdf import mask as pdf_module
from tests.serving.documents.conftest import FileMasker
from tests.serving.documents.pdf.drawing import change, make_pdf, render, write
from tests.serving.documents.pictures import draw_text, encode

LINES = ["Dear Ann Smith, please write", "to ann.smith@mail.com today"]
KINDS = {"png": "PNG", "jpg": "JPEG", "tiff": "TIFF", "bmp": "BMP", "webp": "WEBP"}
WORDS = (OcrWord("Dear", (40, 40, 110, 75)), OcrWord("Ann", (115, 40, 165, 75)), OcrWord("Smith,", (170, 40, 260, 75)))


class SightedEngine(OcrEngine):
    """Knows the words of the first line of `LINES`, and reads each unless its place is black."""

    name = "sighted"

    def __init__(self, *words: OcrWord) -> None:
        self._words = words or WORDS

    def read(self, picture: Image.Image) -> OcrPage:
        def is_legible(word: OcrWord) -> bool:
            grey = picture.convert("L").crop(tuple(map(int, word.box)))
            return grey.resize((1, 1)).getpixel((0, 0)) > 60

        return OcrPage((tuple(word for word in self._words if is_legible(word)),), picture.width, picture.height)


@pytest.fixture
def sighted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(*words: OcrWord) -> None:
        engine = SightedEngine(*words)
        monkeypatch.setattr(image_module, "require_ocr", lambda *_: engine)

    use()
    return use


@pytest.mark.parametrize("ending", KINDS)
def test_words_are_covered_and_the_rest_stays(mask: FileMasker, ending: str, sighted: Callable[..., None]) -> None:
    source = draw_text(LINES)
    data = mask(f"a.{ending}", encode(source, KINDS[ending]))
    assert mask.counts.labels == {"FIRSTNAME": 1, "SURNAME": 1}
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.format == KINDS[ending]
        result = opened.convert("RGB")
    changed = ImageChops.difference(source, result).convert("L").point(lambda level: 255 if level > 90 else 0)
    left, top, right, bottom = changed.getbbox() or (0, 0, 0, 0)
    assert (left, top) >= (105, 30)
    assert right <= 270
    assert bottom <= 85
    assert result.getpixel((118, 42)) < (40, 40, 40)


def test_a_picture_is_read_by_ocr(mask: FileMasker) -> None:
    data = mask("a.png", encode(draw_text(LINES)))
    assert mask.counts.labels == {"FIRSTNAME": 1, "SURNAME": 1, "EMAIL": 1}
    with Image.open(io.BytesIO(data)) as opened:
        text = require_ocr("rapidocr", "A picture").read(opened).text
    assert "lease write" in text
    assert not any(word in text for word in ("Smith", "ann.smith", "mail.com"))


def test_metadata_and_transparency_are_gone(mask: FileMasker, sighted: Callable[..., None]) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Ann Smith")
    layer = draw_text(LINES).convert("RGBA")
    layer.putalpha(Image.new("L", layer.size, 255))
    exif = Image.Exif()
    exif[0x010E] = "Ann Smith"
    data = mask("a.png", encode(layer, "PNG", pnginfo=info, exif=exif))
    assert b"Smith" not in data
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == "RGB"
        assert not {"Author", "exif", "xmp"} & set(opened.info)


def test_every_picture_of_a_tiff_is_masked(mask: FileMasker, sighted: Callable[..., None]) -> None:
    first, second = draw_text(LINES), draw_text(LINES)
    data = mask("a.tif", encode(first, "TIFF", save_all=True, append_images=[second]))
    assert mask.counts.labels == {"FIRSTNAME": 2, "SURNAME": 2}
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.n_frames == 2


def test_a_word_read_with_doubt_is_covered(mask: FileMasker, sighted: Callable[..., None]) -> None:
    sighted(OcrWord("Hclio", (40, 40, 120, 70), 0.3))
    data = mask("a.png", encode(draw_text(["Hello"])))
    assert "covered 1 word read with doubt" in mask.counts.notes
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.getpixel((60, 50)) == (0, 0, 0)


def test_a_value_that_is_still_legible_is_an_error(mask: FileMasker, monkeypatch: pytest.MonkeyPatch) -> None:
    class StubbornEngine(SightedEngine):
        def read(self, picture: Image.Image) -> OcrPage:
            return OcrPage((WORDS,), picture.width, picture.height)

    monkeypatch.setattr(image_module, "require_ocr", lambda *_: StubbornEngine())
    with pytest.raises(MaskingError, match="still stands"):
        mask("a.png", encode(draw_text(LINES)))
    assert not (mask.folder / "out-a.png").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.png", b""),
        ("a.png", b"\x89PNG\r\n\x1a\n broken"),
        ("a.png", encode(draw_text(["x"]), "JPEG")),
        ("a.webp", encode(draw_text(["x"]), "WEBP", save_all=True, append_images=[draw_text(["y"])])),
    ],
)
def test_what_is_no_such_picture_is_refused(mask: FileMasker, name: str, content: bytes) -> None:
    with pytest.raises(InputError, match=name):
        mask(name, content)


def test_without_ocr_pictures_are_refused(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="OCR is off"):
        mask("a.png", encode(draw_text(LINES)), FileSettings(ocr="off"))


def test_a_scanned_page_is_read_and_covered(mask: FileMasker, tmp_path: Path) -> None:
    scan = ImageReader(draw_text(LINES, (800, 600), 32))
    source = make_pdf(lambda canvas: canvas.drawImage(scan, 0, 0, 400, 300), write("And Bob in text"))
    data = mask("a.pdf", source)
    assert mask.counts.labels == {"FIRSTNAME": 2, "SURNAME": 1, "EMAIL": 1}
    assert "kept the layout of 1 page, rasterised 1" in mask.counts.notes
    text = require_ocr("rapidocr", "A picture").read(render(data, scale=2)).text
    assert "please write" in text
    assert "Smith" not in text
    assert "mail.com" not in text


def test_with_scan_a_page_is_read_as_it_is_shown(mask: FileMasker, monkeypatch: pytest.MonkeyPatch) -> None:
    def lie(document: pikepdf.Pdf) -> None:
        says = b"begincmap 1 beginbfrange <41> <7a> <0062> endbfrange endcmap"
        for font in document.pages[0].Resources.Font.values():
            font.ToUnicode = document.make_stream(says)

    engine = SightedEngine(OcrWord("Ann", (110, 250, 180, 300)))
    monkeypatch.setattr(pdf_module, "require_ocr", lambda *_: engine)
    source = change(make_pdf(write("Ann")), lie)
    mask("a.pdf", source)
    assert not mask.counts.labels, "the text of the page says something else"
    mask("a.pdf", source, FileSettings(pdf="scan"))
    assert mask.counts.labels == {"FIRSTNAME": 1}
    assert "kept the layout of 0 pages, rasterised 1" in mask.counts.notes
