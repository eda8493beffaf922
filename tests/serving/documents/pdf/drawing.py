"""Small PDFs that are drawn for a test, and values hidden in them."""

from __future__ import annotations

import io
from collections.abc import Callable

import pikepdf
import pypdfium2
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from goldspan.masking.policy import Policy, Rule

VALUE = "ann.smith@mail.com"
SILENT = Policy("silent", Rule("redact"))
Drawing = Callable[[Canvas], None]


def make_pdf(*drawings: Drawing, **options: object) -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(400, 300), **options)
    for draw in drawings:
        canvas.setFont("Helvetica", 14)
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def write(text: str, x: float = 40, y: float = 200) -> Drawing:
    return lambda canvas: canvas.drawString(x, y, text)


def turn(text: str, angle: float) -> Drawing:
    def draw(canvas: Canvas) -> None:
        canvas.translate(200, 150)
        canvas.rotate(angle)
        canvas.drawString(-60, 0, text)

    return draw


def render(data: bytes, page: int = 0, scale: float = 150 / 72) -> Image.Image:
    document = pypdfium2.PdfDocument(data)
    try:
        picture: Image.Image = document[page].render(scale=scale, draw_annots=False).to_pil().convert("RGB")
        return picture
    finally:
        document.close()


def list_colors(picture: Image.Image) -> set[object]:
    return {color for _, color in picture.getcolors(1 << 24) or ()}


def read_everything(data: bytes) -> bytes:
    """All objects of a file, streams unpacked, pictures left out."""
    content = b""
    with pikepdf.open(io.BytesIO(data)) as document:
        for item in document.objects:
            if isinstance(item, pikepdf.Stream):
                content += b"" if item.get("/Subtype") == "/Image" else bytes(item.read_bytes())
            elif isinstance(item, pikepdf.Dictionary | pikepdf.Array):
                content += bytes(item.unparse(resolved=True))
        return content + bytes(document.trailer.unparse(resolved=True))


def change(data: bytes, edit: Callable[[object], None]) -> bytes:
    stream = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        edit(document)
        document.save(stream)
    return stream.getvalue()


def add_metadata(document: pikepdf.Pdf) -> None:
    document.docinfo["/Author"] = VALUE
    with document.open_metadata() as metadata:
        metadata["dc:title"] = VALUE


def add_outline(document: pikepdf.Pdf) -> None:
    with document.open_outline() as outline:
        outline.root.append(pikepdf.OutlineItem(VALUE, 0))


def add_annotation(document: pikepdf.Pdf) -> None:
    note = pikepdf.Dictionary(Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Text, Rect=[10, 10, 30, 30], Contents=VALUE)
    link = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot,
        Subtype=pikepdf.Name.Link,
        Rect=[40, 190, 200, 220],
        A=pikepdf.Dictionary(S=pikepdf.Name.URI, URI=f"mailto:{VALUE}"),
    )
    document.pages[0].Annots = document.make_indirect(pikepdf.Array([note, link]))


def add_field(document: pikepdf.Pdf) -> None:
    field = document.make_indirect(
        pikepdf.Dictionary(
            Type=pikepdf.Name.Annot,
            Subtype=pikepdf.Name.Widget,
            FT=pikepdf.Name.Tx,
            T="mail",
            V=VALUE,
            Rect=[9, 9, 99, 30],
        )
    )
    document.pages[0].Annots = pikepdf.Array([field])
    document.Root.AcroForm = pikepdf.Dictionary(Fields=pikepdf.Array([field]))


def add_attachment(document: pikepdf.Pdf) -> None:
    document.attachments["note.txt"] = pikepdf.AttachedFileSpec(document, VALUE.encode())


def add_script(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=f"app.alert('{VALUE}')")


def add_structure(document: pikepdf.Pdf) -> None:
    document.Root.StructTreeRoot = pikepdf.Dictionary(
        Type=pikepdf.Name.StructTreeRoot, K=pikepdf.Dictionary(S=pikepdf.Name.P, ActualText=VALUE, Alt=VALUE)
    )


HIDDEN = [add_metadata, add_outline, add_annotation, add_field, add_attachment, add_script, add_structure]
