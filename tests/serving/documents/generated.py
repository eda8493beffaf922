"""Documents of every format with values planted in every hiding place, and readers that look for them.

Everything follows from `(seed, format, number)`. The readers share no code with what is masked.
"""

from __future__ import annotations

import csv
import email
import email.policy
import html
import io
import json
import random
import re
import string
import zipfile
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from urllib.parse import quote, unquote

import pikepdf
import pypdf
from reportlab.pdfgen.canvas import Canvas

from tests.serving.documents.test_office import PLACES, TYPES

KEPT = "furthermore"
"""A word that stands beside each value and is not masked."""

Values = dict[str, str]


def draw_values(rng: random.Random) -> Values:
    """Values that occur nowhere else, with their labels."""

    def word(letters: str, size: int) -> str:
        return "".join(rng.choices(letters, k=size))

    first = word(string.ascii_uppercase, 1) + word(string.ascii_lowercase, 5)
    last = word("ÄÖÜŁÉ", 1) + word(string.ascii_lowercase + "äöüßéł", 6)
    mail = f"{word(string.ascii_lowercase, 6)}.{word(string.ascii_lowercase, 5)}@{word(string.ascii_lowercase, 7)}.org"
    phone = f"+49 {word(string.digits, 3)} {word(string.digits, 7)}"
    return {first: "FIRSTNAME", last: "SURNAME", mail: "EMAIL", phone: "PHONENUMBER"}


def make_plain(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = values
    text = f"# {first} {last}\n\n{KEPT} [write](mailto:{mail}) or call {phone}.\n\n"
    text += f"```\nname = '{last}'\n```\n{first}\u2019s\n"
    text = text.replace("\n", rng.choice(["\n", "\r\n"]))
    return text.encode(rng.choice(["utf-8", "utf-8-sig", "utf-16"]))


def split_inline(rng: random.Random, value: str) -> str:
    cut = rng.randrange(1, len(value))
    return f"<b>{html.escape(value[:cut])}</b><i class='x'>{html.escape(value[cut:])}</i>"


def spell(value: str) -> str:
    return "".join(character if character.isascii() else f"&#x{ord(character):x};" for character in value)


def make_html(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = values
    pieces = [
        f"<p>{KEPT} {first} {last}</p>",
        f"<p>to {split_inline(rng, last)} and {split_inline(rng, mail)}</p>",
        f'<a href="mailto:{quote(mail)}" title="{spell(last)}">mail</a>',
        f'<img alt="{first} {spell(last)}" data-phone="{phone}" src="https://x.org/{quote(last)}.png">',
        f"<!-- seen by {first} -->",
        f'<script type="application/json">{{"name": {json.dumps(last, ensure_ascii=False)}}}</script>',
        f"<style>p::after {{ content: '{first}' }}</style>",
        f"<textarea>{mail}</textarea><noscript>{phone}</noscript>",
        f"<svg><title>{last}</title><text>{first}</text></svg>",
        f"<table><tr><td>{phone}</td><td>{spell(last)}</td></tr></table>",
    ]
    rng.shuffle(pieces)
    head = f'<meta name="author" content="{first} {last}"><title>{last}</title>'
    return f"<!doctype html><html><head><meta charset=utf-8>{head}</head><body>{''.join(pieces)}</body></html>".encode()


def make_mail(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = values
    message = EmailMessage()
    message["From"] = f"{first} {last} <{mail}>"
    message["Subject"] = f"{KEPT} {last}"
    message["X-Phone"] = phone
    message["References"] = f"<1.{mail}>"
    encoding = rng.choice(["quoted-printable", "base64", "8bit"])
    message.set_content(f"{KEPT} {first} {last},\n\n> {mail} wrote\n\n-- \n{phone}\n", cte=encoding)
    message.add_alternative(
        f"<p>{split_inline(rng, last)} {spell(last)} <a href='mailto:{mail}'>x</a></p>", subtype="html"
    )
    message.add_attachment(f"name;phone\n{last};{phone}\n", subtype="csv", filename=f"{first}.csv")
    inner = EmailMessage()
    inner["To"], inner["Subject"] = mail, first
    inner.set_content(f"inside: {last}\n")
    message.add_attachment(inner)
    return message.as_bytes(policy=email.policy.SMTP if rng.random() < 0.5 else email.policy.default)


def make_csv(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = values
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=rng.choice(",;\t"), quoting=rng.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
    writer.writerow(["id", "name", last, "note"])
    for number in range(4):
        writer.writerow([number, f"{first} {last}", mail, f'{KEPT} "{phone}",\nsecond; line\t{last}'])
    return stream.getvalue().encode()


def make_tsv(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = values
    return f"id\tname\n1\t{KEPT} {first} {last}\n2\t{mail}\n3\t{phone}\n".encode()


def make_json(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = values
    data = {
        "kept": KEPT,
        "users": [{"name": f"{first} {last}", "tags": [mail, None, 7, [phone]], last: {"deep": [f"to {first}"]}}],
        "escaped": f'"{last}"\n\\{first}',
        "address": f"https://x.org/?q={mail}",
    }
    return json.dumps(data, ensure_ascii=rng.random() < 0.5, indent=rng.choice([None, 2])).encode()


def make_jsonl(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = values
    rows = [{"text": f"{KEPT} {first} {last}"}, {"mail": mail, "more": {last: phone}}, {"list": [[first], last]}]
    return "".join(json.dumps(row, ensure_ascii=rng.random() < 0.5) + "\n" for row in rows).encode()


def make_parquet(rng: random.Random, values: Values) -> bytes:
    import pyarrow
    import pyarrow.parquet

    first, last, mail, phone = values
    table = pyarrow.table(
        {
            "id": [1, 2, 3],
            "text": [f"{KEPT} {first}", None, f"{first} {last}"],
            "list": [[mail], [], [phone, last]],
            "large": pyarrow.array([last, mail, phone], pyarrow.large_string()),
        }
    )
    schema = table.schema.with_metadata({"author": f"{first} {last}", "note": mail})
    stream = io.BytesIO()
    compression = rng.choice(["snappy", "zstd", "none"])
    pyarrow.parquet.write_table(table.cast(schema), stream, compression=compression, use_dictionary=rng.random() < 0.5)
    return stream.getvalue()


def make_office(kind: str) -> Callable[[random.Random, Values], bytes]:
    folders = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}

    def make(rng: random.Random, values: Values) -> bytes:
        mine = [
            place for name, place in PLACES.items() if place[0].startswith((folders[kind], "docProps/", "customXml/"))
        ]
        rng.shuffle(mine)
        parts: dict[str, str | bytes] = {"[Content_Types].xml": TYPES}
        for name, template in mine:
            value = rng.choice(list(values))
            cut = rng.randrange(1, len(value))
            filled = template.format(value[:cut], value[cut:]) if "{1}" in template else template.format(value)
            parts.setdefault(name, filled)
        body = f'<a xmlns:w="w"><w:p><w:t>{KEPT} {" and ".join(values)}</w:t></w:p></a>'
        parts[f"{folders[kind]}extra.xml"] = body
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w", rng.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
        return stream.getvalue()

    return make


def make_pdf(rng: random.Random, values: Values) -> bytes:
    first, last, mail, phone = (value.encode("latin-1", "replace").decode("latin-1") for value in values)
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(420, 320), pageCompression=rng.randrange(2))
    canvas.setTitle(f"About {last}")
    canvas.setAuthor(first)
    for number in range(rng.randrange(1, 3)):
        size = rng.randrange(8, 15)
        canvas.setFont(rng.choice(["Helvetica", "Times-Roman", "Courier-Bold"]), size)
        canvas.drawString(30, 280, f"{KEPT} {first} {last} lives here")
        text = canvas.beginText(30, 250)
        text.setCharSpace(rng.choice([0, 0.4]))
        text.textLine(f"write to {mail} or call")
        text.textLine(f"{phone} today")
        text.setTextRenderMode(3)
        text.textLine(f"hidden {last} layer")
        canvas.drawText(text)
        canvas.saveState()
        canvas.translate(200, 100)
        canvas.rotate(rng.choice([0, 30, 90, 180, 270]))
        canvas.drawString(0, 0, f"turned {last}")
        canvas.restoreState()
        canvas.beginForm(f"form{number}")
        canvas.drawString(30, 60, f"inside {first}")
        canvas.endForm()
        canvas.doForm(f"form{number}")
        canvas.bookmarkPage(f"p{number}")
        canvas.addOutlineEntry(f"{last} {number}", f"p{number}")
        canvas.linkURL(f"mailto:{mail}", (30, 240, 200, 260))
        canvas.acroForm.textfield(name=f"f{number}", value=phone, x=300, y=20, width=90, height=20)
        canvas.showPage()
    canvas.save()
    changed = io.BytesIO()
    with pikepdf.open(io.BytesIO(stream.getvalue())) as document:
        document.attachments[f"{first}.txt"] = pikepdf.AttachedFileSpec(document, mail.encode())
        document.pages[0].PieceInfo = pikepdf.Dictionary(Note=last)
        document.Root.PageLabels = pikepdf.Dictionary(Nums=[0, pikepdf.Dictionary(P=f"{first}-")])
        with document.open_metadata() as metadata:
            metadata["dc:description"] = f"{first} {last}"
        document.save(changed)
    return changed.getvalue()


FORMATS: Mapping[str, Callable[[random.Random, Values], bytes]] = {
    "txt": make_plain,
    "md": make_plain,
    "html": make_html,
    "eml": make_mail,
    "csv": make_csv,
    "tsv": make_tsv,
    "json": make_json,
    "jsonl": make_jsonl,
    "parquet": make_parquet,
    "docx": make_office("docx"),
    "xlsx": make_office("xlsx"),
    "pptx": make_office("pptx"),
    "pdf": make_pdf,
}


def make_document(kind: str, number: int, seed: int = 7) -> tuple[bytes, Values]:
    """A document and the values planted in it."""
    rng = random.Random(f"{seed} {kind} {number}")
    values = draw_values(rng)
    if kind == "pdf":
        values = {value.encode("latin-1", "replace").decode("latin-1"): label for value, label in values.items()}
    return FORMATS[kind](rng, values), values


def reveal(kind: str, data: bytes, *, decoded: bool = True) -> list[str]:
    """Everything that can be read in a document; `decoded`: also without entities, percent signs and tags."""
    raw = [data.decode("utf-8", "replace"), data.decode("latin-1"), data.decode("utf-16-le", "replace")]
    found = [*raw, data.decode("utf-16", "replace")]
    if kind == "eml":
        for part in email.message_from_bytes(data, policy=email.policy.default).walk():
            found += (str(value) for value in part.values())
            if not part.is_multipart():
                found.append(str(part.get_content()))
    elif kind in ("json", "jsonl"):
        lines = data.decode().splitlines() if kind == "jsonl" else [data.decode()]
        found += (json.dumps(json.loads(line), ensure_ascii=False) for line in lines)
    elif kind == "parquet":
        import pyarrow.parquet

        file = pyarrow.parquet.ParquetFile(io.BytesIO(data))
        found += [str(file.read().to_pylist()), str(file.schema_arrow.metadata)]
        found += [(value or b"").decode("utf-8", "replace") for value in (file.metadata.metadata or {}).values()]
    elif kind in ("docx", "xlsx", "pptx"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found += (archive.read(name).decode("utf-8", "replace") for name in archive.namelist())
            found += archive.namelist()
    elif kind == "pdf":
        found += (page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages)
        with pikepdf.open(io.BytesIO(data)) as document:
            for item in document.objects:
                if isinstance(item, pikepdf.Stream) and item.get("/Subtype") != "/Image":
                    found.append(bytes(item.read_bytes()).decode("latin-1"))
                found.append(str(item.unparse(), "latin-1") if hasattr(item, "unparse") else str(item))
    if not decoded:
        return found
    texts = [html.unescape(text) for text in found]
    return [*found, *texts, *(unquote(text) for text in texts), *(re.sub(r"<[^>]*>", "", text) for text in texts)]


def find_left(kind: str, data: bytes, values: Values) -> list[str]:
    """Labels of the values that can still be read."""
    readings = reveal(kind, data)
    return [label for value, label in values.items() if any(value in text for text in readings)]
