"""Fonts that say other characters than they show. OCR reads for real: these tests take a second each."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
import reportlab
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from goldspan.annotation.errors import InputError
from goldspan.serving.documents.base import FileSettings
from goldspan.serving.documents.pdf.glyphs import find_doubtful_pages
from goldspan.serving.documents.pdf.text import read_pdf
from tests.serving.documents.conftest import FileMasker
from tests.serving.documents.pdf.drawing import change, list_colors, make_pdf, render, write

pytest.importorskip("rapidocr")
FONTS = ("Vera", "VeraBd", "VeraIt", "VeraBI")
for font in FONTS:
    pdfmetrics.registerFont(TTFont(font, Path(reportlab.__file__).parent / "fonts" / f"{font}.ttf"))

LINES = [
    "Dear Ann Smith of Berlin, born 3 March 1988,",
    "call +1 415 555 0132 or write to Zoë Müller",
    "DE89 3704 0044 0532 0130 00 QUICK BROWN FOX",
    "jumps over lazy dogs, vexing & fixing 0123456789",
]


def draw_lines(font: str, size: float = 12, angle: float = 0) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        canvas.translate(200, 150)
        canvas.rotate(angle)
        canvas.setFont(font, size)
        for number, line in enumerate(LINES):
            canvas.drawString(-170 if not angle else -140, 90 - 1.7 * size * number, line)

    return draw


def shift(character: str) -> str:
    if character.isdigit():
        return str((int(character) + 3) % 10)
    return chr(ord(character) + 1) if "a" <= character < "z" else character


def shift_digits(character: str) -> str:
    return shift(character) if character.isdigit() else character


def join_letters(character: str) -> str:
    return {"i": "x"}.get(character, character)


def lie(how: Callable[[str], str]) -> Callable[[pikepdf.Pdf], None]:
    """Change what the tables of all fonts say."""

    def edit(document: pikepdf.Pdf) -> None:
        for item in document.objects:
            if isinstance(item, pikepdf.Dictionary) and "/ToUnicode" in item:
                item.ToUnicode = document.make_stream(change_table(item.ToUnicode.read_bytes(), how))

    return edit


def change_table(table: bytes, how: Callable[[str], str]) -> bytes:
    def write_code(match: re.Match[bytes]) -> bytes:
        return b"<%04X>" % ord(how(chr(int(match[1], 16))))

    return re.sub(rb"<([0-9A-Fa-f]{4})>", write_code, table)


def find(tmp_path: Path, data: bytes, ocr: str = "auto") -> tuple[set[int], str]:
    source = tmp_path / "a.pdf"
    source.write_bytes(data)
    return find_doubtful_pages(source, read_pdf(source), ocr)


def test_fonts_that_tell_the_truth_are_believed(tmp_path: Path) -> None:
    pages = [*(draw_lines(font, size) for font, size in zip(FONTS, (8, 10, 12, 13), strict=True))]
    assert find(tmp_path, make_pdf(*pages, draw_lines("Vera", 10, 90), write("plain"))) == (set(), "")


@pytest.mark.parametrize("how", [shift, shift_digits, join_letters])
def test_a_font_that_lies_is_found(tmp_path: Path, how: Callable[[str], str]) -> None:
    honest = write("Dear Ann Smith")
    assert find(tmp_path, change(make_pdf(honest, draw_lines("Vera")), lie(how)))[0] == {1}


def test_a_second_font_that_lies_in_one_word_is_found(mask: FileMasker) -> None:
    """The text says `Tnjui`; who looks at the page sees `Smith`."""

    def edit(document: pikepdf.Pdf) -> None:
        fonts = document.pages[0].Resources.Font
        (name,) = (key for key in fonts.keys() if "/ToUnicode" in fonts[key])  # noqa: SIM118
        liar = pikepdf.Dictionary(fonts[name])
        liar.ToUnicode = document.make_stream(change_table(liar.ToUnicode.read_bytes(), shift))
        fonts["/Liar"] = document.make_indirect(liar)
        data = document.pages[0].Contents.read_bytes()
        begin = data.rindex(f"{name} ".encode())
        document.pages[0].Contents = document.make_stream(
            data[:begin] + data[begin:].replace(name.encode(), b"/Liar", 1)
        )

    def draw(canvas: Canvas) -> None:
        draw_lines("Vera")(canvas)
        canvas.setFont("Vera", 13)
        canvas.drawString(-170, -40, "Dear Zoë Smith")

    mask("a.pdf", change(make_pdf(draw, write("To Bob")), edit))
    assert mask.counts.labels["SURNAME"] == 5, "two in the text, three that OCR reads"
    assert "kept the layout of 1 page, rasterised 1" in mask.counts.notes
    assert any("may differ from their text" in note for note in mask.counts.notes)


def test_text_in_place_of_what_is_drawn_is_not_believed(mask: FileMasker) -> None:
    def edit(document: pikepdf.Pdf) -> None:
        extra = b"/Span <</ActualText (nothing)>> BDC BT /F1 14 Tf 40 100 Td (Zo\\353 Smith) Tj ET EMC"
        document.pages[0].contents_add(document.make_stream(extra))

    mask("a.pdf", change(make_pdf(write("Dear Bob")), edit))
    assert mask.counts.labels["SURNAME"] == 1


def draw_by_pattern(document: pikepdf.Pdf, content: bytes = b"BT /F1 12 Tf 10 10 Td (Smith) Tj ET") -> bytes:
    resources = document.pages[0].Resources
    options = {"PatternType": 1, "PaintType": 1, "TilingType": 1, "BBox": [0, 0, 100, 50], "XStep": 100, "YStep": 50}
    drawing = document.make_stream(content)
    for name, value in options.items():
        drawing[f"/{name}"] = value
    resources.Pattern = pikepdf.Dictionary(P1=drawing)
    return b"/Pattern cs /P1 scn 0 0 300 50 re f"


def draw_by_picture(document: pikepdf.Pdf) -> bytes:
    picture = Image.new("L", (100, 40), 255)
    ImageDraw.Draw(picture).text((5, 5), "Smith", font=ImageFont.load_default(24), fill=0)
    head = b"q 100 0 0 40 0 0 cm BI /W 100 /H 40 /CS /G /BPC 8 ID "
    return draw_by_pattern(document, head + picture.tobytes() + b" EI Q")


def blank_out(document: pikepdf.Pdf) -> bytes:
    """The table of a font calls its letters spaces."""
    lie(lambda _: " ")(document)
    return b""


def draw_by_mask(document: pikepdf.Pdf) -> bytes:
    resources = document.pages[0].Resources
    drawing = document.make_stream(b"1 g BT /F1 12 Tf 40 100 Td (Smith) Tj ET")
    drawing.Type, drawing.Subtype = pikepdf.Name.XObject, pikepdf.Name.Form
    drawing.BBox = pikepdf.Array([0, 0, 400, 300])
    drawing.Group = pikepdf.Dictionary(S=pikepdf.Name.Transparency, CS=pikepdf.Name.DeviceGray)
    mask = pikepdf.Dictionary(S=pikepdf.Name.Luminosity, G=drawing)
    resources.ExtGState = pikepdf.Dictionary(GS=pikepdf.Dictionary(SMask=mask))
    return b"q /GS gs 0 g 0 60 400 100 re f Q"


def draw_by_glyph(document: pikepdf.Pdf) -> bytes:
    resources = document.pages[0].Resources
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type3,
        FontBBox=[0, 0, 4000, 700],
        FontMatrix=[0.01, 0, 0, 0.01, 0, 0],
        CharProcs=pikepdf.Dictionary(A=document.make_stream(b"700 0 d0 BT /F1 100 Tf (Smith) Tj ET")),
        Encoding=pikepdf.Dictionary(Type=pikepdf.Name.Encoding, Differences=[65, pikepdf.Name.A]),
        FirstChar=65,
        LastChar=65,
        Widths=[700],
    )
    resources.Font["/T3"] = document.make_indirect(font)
    return b"BT /T3 12 Tf 40 100 Td (A) Tj ET"


@pytest.mark.parametrize("draw", [draw_by_pattern, draw_by_picture, draw_by_mask, draw_by_glyph, blank_out])
def test_text_that_is_no_text_of_the_page_is_read_by_ocr_or_refused(
    mask: FileMasker, draw: Callable[[pikepdf.Pdf], bytes]
) -> None:
    def edit(document: pikepdf.Pdf) -> None:
        document.pages[0].contents_add(document.make_stream(draw(document)))

    def write_names(canvas: Canvas) -> None:
        canvas.drawString(40, 200, "Dear Bob")
        if draw is blank_out:
            canvas.setFont("Vera", 14)
            canvas.drawString(40, 150, "Smith")

    data = change(make_pdf(write_names), edit)
    mask("a.pdf", data)
    assert mask.counts.labels["SURNAME"] >= 1
    with pytest.raises(InputError, match="OCR is off"):
        mask("a.pdf", data, FileSettings(ocr="off"))


@pytest.mark.parametrize("how", [lambda c: chr(0xE000 + ord(c)), lambda c: "\u200b", lambda c: "\u0378"])
def test_letters_that_the_text_says_to_be_nothing_are_covered(mask: FileMasker, how: Callable[[str], str]) -> None:
    data = mask("a.pdf", change(make_pdf(draw_lines("Vera")), lie(how)), FileSettings(ocr="off"))
    assert list_colors(render(data)) == {(0, 0, 0), (255, 255, 255)}
    assert any("without a known meaning" in note for note in mask.counts.notes)


def test_bullets_of_private_use_keep_the_layout(mask: FileMasker) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.setFont("Vera", 12)
        canvas.drawString(40, 200, "§  Dear Ann")

    mask("a.pdf", change(make_pdf(draw), lie(lambda c: c.replace("§", "\uf0b7"))), FileSettings(ocr="off"))
    assert mask.counts.notes[0] == "kept the layout of 1 page, rasterised 0"


def test_resources_of_the_node_above_count(tmp_path: Path) -> None:
    def edit(document: pikepdf.Pdf) -> None:
        lie(shift)(document)
        document.Root.Pages.Resources = document.pages[0].Resources
        del document.pages[0].obj["/Resources"]

    assert find(tmp_path, change(make_pdf(draw_lines("Vera")), edit))[0] == {0}


@pytest.mark.parametrize("ocr", ["off", "mistral"])
def test_without_ocr_on_this_machine_the_report_says_that_fonts_were_believed(tmp_path: Path, ocr: str) -> None:
    doubtful, note = find(tmp_path, change(make_pdf(draw_lines("Vera")), lie(shift)), ocr)
    assert not doubtful
    assert "not compared" in note
    assert find(tmp_path, make_pdf(write("plain")), ocr) == (set(), "")
