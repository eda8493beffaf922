from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
import pytest
from PIL import Image, ImageChops
from reportlab.lib.colors import Color
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.pdf import mask as mask_module
from goldspan.serving.documents.pdf import raster as raster_module
from goldspan.serving.documents.pdf.text import PdfPage
from tests.serving.documents.conftest import FileMasker
from tests.serving.documents.pdf.drawing import (
    HIDDEN,
    SILENT,
    VALUE,
    change,
    list_colors,
    make_pdf,
    read_everything,
    render,
    turn,
    write,
)


@pytest.fixture
def mask(mask: FileMasker) -> FileMasker:
    mask.settings = FileSettings(pdf="raster", ocr="off")
    return mask


@pytest.mark.parametrize("hide", HIDDEN)
def test_nothing_of_the_file_but_its_picture_is_carried_over(mask: FileMasker, hide: Callable[[object], None]) -> None:
    source = change(make_pdf(write("plain words")), hide)
    assert VALUE.encode() in read_everything(source) or VALUE.encode("utf-16-be") in read_everything(source)
    content = read_everything(mask("a.pdf", source))
    assert b"smith" not in content
    assert VALUE.encode("utf-16-be") not in content
    for key in (b"/Annot", b"/AcroForm", b"/Outlines", b"/Metadata", b"/Names", b"/OpenAction", b"/Font", b"/Info"):
        assert key not in content


def test_an_earlier_revision_is_gone(mask: FileMasker) -> None:
    first = make_pdf(write(VALUE))
    assert b"smith" not in read_everything(mask("a.pdf", first + b"\n% appended\n"))


@pytest.mark.parametrize(
    ("angle", "turned"),
    [(0, 0), (30, 0), (45, 0), (333, 0), (90, 90), (0, 90), (333, 90), (180, 180), (45, 180), (270, 270), (30, 270)],
)
def test_every_drop_of_ink_of_a_value_is_covered(mask: FileMasker, angle: float, turned: int) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setPageRotation(turned)
        turn("Müller", angle)(canvas)

    source = make_pdf(draw)
    before, after = render(source), render(mask("a.pdf", source, policy=SILENT))
    assert before.size == after.size
    ink = before.convert("L").point(lambda value: 255 if value < 250 else 0)
    assert ink.getbbox()
    assert after.convert("L").point(lambda value: 255 if value == 0 else 0).getbbox()
    left = ImageChops.multiply(ink, after.convert("L"))
    assert left.getextrema() == (0, 0)
    assert list_colors(after) == {(0, 0, 0), (255, 255, 255)}


def test_what_is_not_masked_looks_the_same(mask: FileMasker) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.rect(20, 20, 100, 50)
        canvas.drawString(40, 200, "Hello ")
        canvas.drawString(40, 250, "Ann")
        canvas.setFont("Times-Italic", 9)
        canvas.drawString(40, 100, "fine print, unchanged")

    source = make_pdf(draw)
    before, after = render(source), render(mask("a.pdf", source))
    changed = ImageChops.difference(before, after).getbbox()
    assert changed
    height = 1 / 72 * 150
    assert 38 * height <= changed[0] <= changed[2] <= 75 * height
    assert (300 - 270) * height <= changed[1] <= changed[3] <= (300 - 240) * height


def test_values_in_forms_small_type_and_invisible_layers_are_found(mask: FileMasker) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.beginForm("form")
        canvas.drawString(40, 250, "Ann")
        canvas.endForm()
        canvas.doForm("form")
        text = canvas.beginText(40, 150)
        text.setTextRenderMode(3)
        text.textLine("Bob")
        canvas.drawText(text)
        canvas.setFont("Helvetica", 4)
        canvas.setFillColor(Color(0.9, 0.9, 0.9))
        canvas.drawString(40, 50, VALUE)

    mask("a.pdf", make_pdf(draw))
    assert mask.counts.labels == {"FIRSTNAME": 2, "EMAIL": 1}


def test_a_value_over_two_lines_and_pages_of_several_sizes(mask: FileMasker) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawString(300, 200, "Call Ann")
        canvas.drawString(40, 180, "Smith today")

    def wide(canvas: Canvas) -> None:
        canvas.setPageSize((800, 100))
        canvas.drawString(40, 50, "Ann Smith")

    data = mask("a.pdf", make_pdf(draw, wide))
    assert mask.counts.labels == {"FIRSTNAME": 2, "SURNAME": 2}
    with pikepdf.open(io.BytesIO(data)) as document:
        assert [[float(side) for side in page.mediabox[2:]] for page in document.pages] == [[400, 300], [800, 100]]


def test_pictures_are_covered_and_scans_are_refused(mask: FileMasker) -> None:
    picture = ImageReader(Image.new("RGB", (100, 100), (250, 10, 10)))
    after = render(mask("a.pdf", make_pdf(lambda canvas: canvas.drawImage(picture, 50, 50, 80, 80))))
    assert (250, 10, 10) not in list_colors(after)
    assert "covered 1 picture, which cannot be read" in mask.counts.notes
    with pytest.raises(InputError, match="page 2 is a picture"):
        mask("a.pdf", make_pdf(write("x"), lambda canvas: canvas.drawImage(picture, 0, 0, 400, 300)))


def test_letters_drawn_as_outlines_are_covered(mask: FileMasker) -> None:
    def draw(canvas: Canvas) -> None:
        for number in range(20):
            path = canvas.beginPath()
            x = 40 + 15 * number
            path.moveTo(x, 200)
            for step in range(8):
                path.curveTo(x + step, 202, x + step, 206, x + 5, 210 - step)
            canvas.drawPath(path, fill=1)

    after = render(mask("a.pdf", make_pdf(draw)))
    assert list_colors(after) == {(255, 255, 255), (128, 128, 128)}


def test_broken_and_encrypted_files_are_refused(mask: FileMasker) -> None:
    stream = io.BytesIO()
    with pikepdf.open(io.BytesIO(make_pdf(write("Ann")))) as document:
        document.save(stream, encryption=pikepdf.Encryption(owner="a", user="b"))
    for content in (b"", b"%PDF-1.7", b"x" * 500, stream.getvalue()):
        with pytest.raises(InputError, match=r"a\.pdf"):
            mask("a.pdf", content)
        assert not (mask.folder / "out-a.pdf").exists()


def test_a_value_that_is_not_covered_is_noticed(mask: FileMasker, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_pdf(write("Ann"))
    with monkeypatch.context() as patch:
        patch.setattr(mask_module, "add_picture", leak)
        with pytest.raises(MaskingError, match="text beside its pages"):
            mask("a.pdf", source)
    monkeypatch.setattr(raster_module, "_COVER", (1, 1, 1))
    with pytest.raises(MaskingError, match="not covered"):
        mask("a.pdf", source)
    assert not (mask.folder / "out-a.pdf").exists()


def leak(output: pikepdf.Pdf, picture: Image.Image, content: PdfPage) -> None:
    raster_module.add_picture(output, picture, content)
    output.pages[-1].PieceInfo = pikepdf.Dictionary(Note="Ann")
