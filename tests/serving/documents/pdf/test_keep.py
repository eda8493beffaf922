from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pypdf
import pytest
import reportlab
from PIL import Image, ImageChops, ImageCms
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.serving.documents.pdf import mask as mask_module
from goldspan.serving.documents.pdf.check import check_file
from goldspan.serving.documents.pdf.text import read_pdf
from tests.serving.documents.conftest import FileMasker
from tests.serving.documents.pdf.drawing import (
    HIDDEN,
    VALUE,
    change,
    make_pdf,
    read_everything,
    render,
    turn,
    write,
)

pdfmetrics.registerFont(TTFont("Vera", Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"))


def read_text(data: bytes) -> str:
    """The text as a reader gives it that has no part in the masking."""
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)


def set_mode(mode: int, text: str) -> Callable[[Canvas], None]:
    def draw(canvas: Canvas) -> None:
        lines = canvas.beginText(40, 150)
        lines.setTextRenderMode(mode)
        lines.textLine(text)
        canvas.drawText(lines)

    return draw


def draw_subset(canvas: Canvas) -> None:
    canvas.setFont("Vera", 12)
    canvas.drawString(40, 200, "Grüße von Zoë Müller und Frau Łód")


def draw_in_form(canvas: Canvas) -> None:
    canvas.beginForm("inner")
    canvas.drawString(40, 250, "Call Ann now")
    canvas.endForm()
    canvas.beginForm("outer")
    canvas.doForm("inner")
    canvas.drawString(40, 220, "and Bob")
    canvas.endForm()
    canvas.scale(0.8, 0.8)
    canvas.doForm("outer")


def draw_spaced(canvas: Canvas) -> None:
    text = canvas.beginText(40, 200)
    text.setCharSpace(1.5)
    text.setWordSpace(4)
    text.setHorizScale(80)
    text.setRise(3)
    text.textLine("We thank Ann Smith for everything.")
    text.setTextOrigin(40, 100)
    text.textOut("one ")
    text.textOut("Ann")
    text.textOut(" three")
    canvas.drawText(text)


def draw_letter_by_letter(canvas: Canvas) -> None:
    place = 40.0
    for letter in "To Müller, soon":
        canvas.drawString(place, 200, letter)
        place += canvas.stringWidth(letter, "Helvetica", 14)


def draw_split(canvas: Canvas) -> None:
    canvas.drawString(300, 200, "Call Ann")
    canvas.drawString(40, 180, "Smith today")


def draw_bold_twice(canvas: Canvas) -> None:
    canvas.drawString(40, 200, "Dear Ann Smith,")
    canvas.drawString(40.2, 200, "Dear Ann Smith,")


def rotate_page(canvas: Canvas) -> None:
    canvas.setPageRotation(90)
    canvas.drawString(40, 200, "Dear Ann Smith, hello")


def draw_shapes(canvas: Canvas) -> None:
    canvas.setFillColorRGB(0.9, 0.9, 1)
    canvas.rect(30, 180, 200, 60, fill=1)
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawString(40, 200, "Ann in a box")
    canvas.setFillAlpha(0.5)
    canvas.circle(300, 100, 20, fill=1)


DRAWINGS = {
    "plain": write(f"Hello Ann Smith, write to {VALUE} today"),
    "subset font": draw_subset,
    "form in form": draw_in_form,
    "spacing, scale, rise": draw_spaced,
    "letter by letter": draw_letter_by_letter,
    "over two lines": draw_split,
    "drawn twice": draw_bold_twice,
    "turned text": turn("to Ann Smith again", 30),
    "upright text": turn("to Ann Smith again", 90),
    "turned page": rotate_page,
    "invisible": set_mode(3, "Ann Smith is hidden"),
    "outlined": set_mode(1, "Ann Smith in outline"),
    "shapes": draw_shapes,
    "beyond the page": write("Dear Ann Smith outside", x=4000),
}
VALUES = ("Ann", "Smith", "Bob", "Müller", "Zoë", VALUE)


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_page_keeps_its_layout_and_loses_its_values(mask: FileMasker, name: str) -> None:
    source = make_pdf(DRAWINGS[name])
    data = mask("a.pdf", source)
    assert "kept the layout of 1 page, rasterised 0" in mask.counts.notes
    text, content = read_text(data), read_everything(data)
    assert "".join(text.split())
    for value in VALUES:
        assert value not in text
        assert value.encode() not in content
    assert "_1]" in text
    before, after = render(source), render(data)
    assert before.size == after.size
    changed = ImageChops.difference(before, after).convert("L").point(lambda level: 255 if level > 64 else 0)
    assert changed.histogram()[255] < 0.12 * before.width * before.height


def test_what_is_not_masked_can_still_be_read_and_searched(mask: FileMasker) -> None:
    data = mask("a.pdf", make_pdf(write(f"Hello Ann Smith, write to {VALUE} today"), draw_subset))
    text = read_text(data)
    for word in ("Hello", "write to", "today", "Grüße von", "Łód", "[EMAIL_1]", "[FIRSTNAME_1]"):
        assert word in text


@pytest.mark.parametrize("hide", HIDDEN)
def test_nothing_beside_the_page_is_carried_over(mask: FileMasker, hide: Callable[[object], None]) -> None:
    content = read_everything(mask("a.pdf", change(make_pdf(write("plain words")), hide)))
    assert b"smith" not in content
    assert VALUE.encode("utf-16-be") not in content
    for key in (b"/Annot", b"/AcroForm", b"/Outlines", b"/Metadata", b"/Names", b"/OpenAction", b"/Info", b"/Struct"):
        assert key not in content


def test_names_of_resources_and_properties_of_marked_content_are_gone(mask: FileMasker) -> None:
    def edit(document: pikepdf.Pdf) -> None:
        page = document.pages[0]
        page.Resources.Font["/AnnSmith"] = page.Resources.Font["/F1"]
        extra = b"/Span <</Lang (Ann Smith)>> BDC /AnnSmith ri BT /AnnSmith 12 Tf 40 100 Td (more) Tj ET EMC"
        page.contents_add(document.make_stream(extra))

    content = read_everything(mask("a.pdf", change(make_pdf(write("Dear Ann")), edit)))
    assert b"AnnSmith" not in content
    assert b"Ann Smith" not in content
    assert "kept the layout of 1 page, rasterised 0" in mask.counts.notes


def test_names_of_fonts_colours_and_profiles_are_gone(mask: FileMasker) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    named = profile.replace("sRGB".encode("utf-16-be"), "Smit".encode("utf-16-be"))
    assert named != profile

    def edit(document: pikepdf.Pdf) -> None:
        page = document.pages[0]
        font = next(one for one in page.Resources.Font.values() if "/FontDescriptor" in one)
        font.BaseFont = font.FontDescriptor.FontName = pikepdf.Name("/AAAAAA+AnnSmith")
        font.FontDescriptor.FontFamily = pikepdf.String("Smith")
        program = bytearray(font.FontDescriptor.FontFile2.read_bytes())
        program += b"Smith"
        tag = program.index(b"name")
        program[tag + 8 : tag + 16] = (len(program) - 5).to_bytes(4, "big") + (5).to_bytes(4, "big")
        font.FontDescriptor.FontFile2 = document.make_stream(bytes(program))
        ink = [pikepdf.Name.ICCBased, document.make_stream(named, N=3)]
        ramp = pikepdf.Dictionary(FunctionType=2, N=1, Domain=[0, 1], C0=[1, 1, 1], C1=[1, 0, 0])
        spot = [pikepdf.Name.Separation, pikepdf.Name("/AnnSmith"), pikepdf.Array(ink), ramp]
        page.Resources.ColorSpace = pikepdf.Dictionary(C1=pikepdf.Array(spot), C2=pikepdf.Array(ink))
        page.contents_add(document.make_stream(b"/C1 cs 1 sc 9 9 50 50 re f /C2 cs 0 0 1 sc 90 9 50 50 re f"))

    content = read_everything(mask("a.pdf", change(make_pdf(draw_subset), edit)))
    assert "kept the layout of 1 page, rasterised 0" in mask.counts.notes
    assert not [one for one in (b"Smith", "Smit".encode("utf-16-be")) if one in content]


def test_the_table_of_a_font_holds_what_is_left_on_the_page(mask: FileMasker) -> None:
    def edit(document: pikepdf.Pdf) -> None:
        font = next(one for one in document.pages[0].Resources.Font.values() if "/ToUnicode" in one)
        hidden = b"%% Smith\n1 beginbfchar <FE> <%s> endbfchar\nendcmap" % "Smith".encode("utf-16-be").hex().encode()
        font.ToUnicode = document.make_stream(font.ToUnicode.read_bytes().replace(b"endcmap", hidden))
        font.FontDescriptor.CharSet = font.FontDescriptor.FontStretch = pikepdf.String("Smith")

    content = read_everything(mask("a.pdf", change(make_pdf(draw_subset), edit)))
    assert "kept the layout of 1 page, rasterised 0" in mask.counts.notes
    assert b"Smith" not in content
    assert "Smith".encode("utf-16-be").hex().encode() not in content
    assert b"<0141>" in content, "Ł stands on the page"
    assert b"<00eb>" not in content, "ë stands in a masked name only"


def test_names_that_draw_nothing_are_gone(mask: FileMasker) -> None:
    def edit(document: pikepdf.Pdf) -> None:
        name = pikepdf.Name("/AnnSmith")
        resources = document.pages[0].Resources
        encoding = pikepdf.Dictionary(
            BaseEncoding=pikepdf.Name.WinAnsiEncoding, Differences=[1, name, 72, pikepdf.Name.H]
        )
        font = pikepdf.Dictionary(resources.Font["/F1"])
        font.Encoding, font.FirstChar, font.LastChar, font.Widths = encoding, 32, 126, pikepdf.Array([500] * 95)
        resources.Font["/F2"] = document.make_indirect(font)
        state = pikepdf.Dictionary(Type=name, BM=name, RI=name, LW=1, D=[[pikepdf.String("AnnSmith")], 0])
        resources.ExtGState = pikepdf.Dictionary(G1=state)
        document.pages[0].contents_add(document.make_stream(b"/G1 gs BT /F2 12 Tf 40 100 Td (Hello) Tj ET"))

    content = read_everything(mask("a.pdf", change(make_pdf(write("Dear Bob")), edit)))
    assert "kept the layout of 1 page, rasterised 0" in mask.counts.notes
    assert b"AnnSmith" not in content
    assert b"72 /H" in content


def test_what_is_left_out_is_counted(mask: FileMasker) -> None:
    source = make_pdf(write("plain words"))
    for hide in HIDDEN:
        source = change(source, hide)
    mask("a.pdf", source)
    assert {"left out 1 form field", "left out 1 attached file"} <= {*mask.counts.notes}


@pytest.mark.parametrize("count", [1, 3])
def test_a_file_of_which_readers_see_other_pages_is_refused(mask: FileMasker, count: int) -> None:
    source = make_pdf(write("To Ann"), write("To Bob")).replace(b"/Count 2", b"/Count %d" % count)
    with pytest.raises(InputError, match=r"a\.pdf(, page 3 cannot be opened| has 1 pages for one reader, 2)"):
        mask("a.pdf", source)


def add_to_page(content: bytes, **resources: pikepdf.Object) -> Callable[[pikepdf.Pdf], None]:
    def edit(document: pikepdf.Pdf) -> None:
        page = document.pages[0]
        page.contents_add(document.make_stream(content))
        for category, item in resources.items():
            page.Resources[f"/{category}"] = item

    return edit


UNCLEAR = {
    "more restores than saves": add_to_page(b"Q Q"),
    "an inline image": add_to_page(b"q 40 0 0 40 200 50 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI Q"),
    "an unknown operator": add_to_page(b"(Ann) XX"),
    "text that clips": add_to_page(b"BT /F1 12 Tf 7 Tr 40 50 Td (clip) Tj ET"),
    "a string that no operator takes": add_to_page(b"(Ann Smith) 0 0 1 rg"),
    "a string before an operator without operands": add_to_page(b"(Ann Smith) q Q"),
    "a dash of strings": add_to_page(b"[(Ann Smith)] 0 d"),
    "a colour space that is not there": add_to_page(b"/AnnSmith CS"),
    "a layer": add_to_page(b"/OC /L1 BDC BT /F1 12 Tf 40 50 Td (layer) Tj ET EMC"),
    "an alternative text": add_to_page(b"/Span <</ActualText (Ann Smith)>> BDC BT /F1 12 Tf 40 50 Td (me) Tj ET EMC"),
}


@pytest.mark.parametrize("name", UNCLEAR)
def test_a_page_in_doubt_becomes_a_picture_and_the_others_keep_their_layout(mask: FileMasker, name: str) -> None:
    data = mask("a.pdf", change(make_pdf(write("Dear Ann"), write("To Bob too")), UNCLEAR[name]))
    assert "kept the layout of 1 page, rasterised 1" in mask.counts.notes
    first, second = read_pdf(mask.folder / "out-a.pdf")
    assert first.text == ""
    assert "To" in second.text
    assert b"Ann" not in read_everything(data)


def test_pictures_are_grey_and_text_on_them_stays(mask: FileMasker) -> None:
    def draw(canvas: Canvas) -> None:
        canvas.drawImage(ImageReader(Image.new("RGB", (100, 100), (250, 10, 10))), 50, 50, 120, 80)
        canvas.drawString(60, 80, "Hello Ann")

    data = mask("a.pdf", make_pdf(draw))
    assert "kept the layout of 1 page, rasterised 0" in mask.counts.notes
    assert "covered 1 picture, which cannot be read" in mask.counts.notes
    assert (250, 10, 10) not in {color for _, color in render(data).getcolors(1 << 24) or ()}
    assert "Hello" in read_text(data)


def add_font_name(document: pikepdf.Pdf) -> None:
    document.pages[0].Resources.Font["/R9"] = pikepdf.Dictionary(
        Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name("/ann.smith@mail.com")
    )


def add_hidden_stream(document: pikepdf.Pdf) -> None:
    document.pages[0].Resources.R9 = document.make_stream(f"nothing {VALUE} to see".encode())


def add_comment(document: pikepdf.Pdf) -> None:
    page = document.pages[0]
    page.Contents = document.make_stream(page.Contents.read_bytes() + f"\n% {VALUE}".encode())


def add_trailer(document: pikepdf.Pdf) -> None:
    document.trailer.Info = document.make_indirect(pikepdf.Dictionary(Author="nobody"))


def add_wide(document: pikepdf.Pdf) -> None:
    document.pages[0].Resources.Note = pikepdf.String(VALUE.encode("utf-16-be"))


def add_part(document: pikepdf.Pdf) -> None:
    document.pages[0].Resources.Note = pikepdf.String("about smith")


LEAKS = [*HIDDEN, add_font_name, add_hidden_stream, add_comment, add_trailer, add_wide, add_part]


@pytest.mark.parametrize("leak", LEAKS)
def test_the_check_finds_a_value_that_is_left_in_an_object(mask: FileMasker, leak: Callable[[object], None]) -> None:
    masked = mask.folder / "out-a.pdf"
    data = mask("a.pdf", make_pdf(write(f"Write to {VALUE} today")))
    check_file(masked, frozenset({VALUE}))
    masked.write_bytes(change(data, leak))
    with pytest.raises(MaskingError, match=r"stands in|an object"):
        check_file(masked, frozenset({VALUE}))


def test_the_check_finds_an_earlier_revision(mask: FileMasker) -> None:
    masked = mask.folder / "out-a.pdf"
    data = mask("a.pdf", make_pdf(write(f"Write to {VALUE} today")))
    for changed in (data + b"\n% more", data + data):
        masked.write_bytes(changed)
        with pytest.raises(MaskingError, match="earlier revision"):
            check_file(masked, frozenset({VALUE}))


REAL = mask_module.add_page


def leak_text(output: pikepdf.Pdf, source: object, kept: object) -> None:
    """The page with its first masked value drawn again below the box."""
    REAL(output, source, kept)  # type: ignore[arg-type]
    page = output.pages[-1]
    font = next(iter(page.Resources.Font.keys()))
    shown = b"".join(b"1 0 0 1 %d 200 Tm (%c) Tj " % (40 + 9 * n, c) for n, c in enumerate(b"Ann"))
    data = page.Contents.read_bytes() + b"\nBT " + font.encode() + b" 14 Tf 3 Tr " + shown + b"ET"
    page.Contents = output.make_stream(data)


def leave_uncovered(output: pikepdf.Pdf, source: object, kept: object) -> None:
    """The page without its boxes, as if a value were drawn as a shape."""
    REAL(output, source, kept)  # type: ignore[arg-type]
    page = output.pages[-1]
    page.Contents = output.make_stream(page.Contents.read_bytes() + b"\nq 1 g 30 190 200 30 re f Q")


def move_text(output: pikepdf.Pdf, source: object, kept: object) -> None:
    REAL(output, source, kept)  # type: ignore[arg-type]
    page = output.pages[-1]
    page.Contents = output.make_stream(b"1 0 0 1 0 5 cm " + page.Contents.read_bytes())


@pytest.mark.parametrize("fault", [leak_text, leave_uncovered, move_text])
def test_a_page_that_fails_its_check_becomes_a_picture(
    mask: FileMasker, monkeypatch: pytest.MonkeyPatch, fault: Callable[..., None]
) -> None:
    monkeypatch.setattr(mask_module, "add_page", fault)
    data = mask("a.pdf", make_pdf(write("Dear Ann Smith,")))
    assert "kept the layout of 0 pages, rasterised 1" in mask.counts.notes
    assert read_text(data).strip() == ""
