"""Values as they stand in real files: in escapes, addresses, parameters, code; and files that are not what they say."""

from __future__ import annotations

import base64
import binascii
import email
import gzip
import io
import json
import re
from dataclasses import replace

import pytest
from PIL import Image

from goldspan.annotation.errors import InputError, RecordError
from goldspan.masking.policy import Policy, Recogniser, Rule
from tests.serving.documents import pictures
from tests.serving.documents.conftest import FileMasker


def encode(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


CODED = encode("Dear Ann Müller of Berlin")
TOKEN = base64.urlsafe_b64encode(b'{"mail": "ann.smith@mail.com", "n": "M\\u00fcller"}').decode().rstrip("=")
WRAPPED = "please transfer the money to the account DE89 3704 0044"
FLOWED = "Content-Type: text/plain; charset=utf-8; format=flowed"
MIXED = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
QUOTED = "Content-Transfer-Encoding: quoted-printable"
DISGUISED = {
    "percent signs in Markdown": ("a.md", "[x](mailto:ann.smith%40mail.com)", ["ann.smith%40mail.com"]),
    "escapes of Markdown": ("a.md", r"ann\.smith@mail.com", [r"ann\.smith"]),
    "entities in Markdown": ("a.md", "M&uuml;ller, <b>Mül</b>ler", ["M&uuml;ller", "Mül"]),
    "reference in Markdown": ("a.md", "[1]: https://x.org/?n=M%C3%BCller", ["M%C3%BCller"]),
    "soft hyphen": ("a.txt", "Mül\u00adler", ["Mül"]),
    "front matter": ("a.md", '---\nauthor: "M\\u00fcller"\n---\n', ["M\\u00fcller"]),
    "script": ("a.html", '<script>var n = "M\\u00fcller", m = "M\\xfcller";</script>', ["M\\u00fcller", "M\\xfcller"]),
    "conditional comment": ("a.html", "<!--[if mso]><p>M&uuml;ller</p><![endif]-->", ["M&uuml;ller"]),
    "inner document": ("a.html", '<iframe srcdoc="&lt;b&gt;Mül&lt;/b&gt;ler"></iframe>', ["Mül"]),
    "style": ("a.html", "<p style=\"content: 'Ann'\" id='Ann'>x</p>", ["Ann"]),
    "escaped twice": ("a.html", '<a href="https://x.org/?q=M%25C3%25BCller">x</a>', ["M%25C3%25BCller"]),
    "address in JSON": ("a.json", '{"u": "https://x.org/?q=M%C3%BCller"}', ["M%C3%BCller"]),
    "JSON in JSON": ("a.json", json.dumps({"p": json.dumps({"n": "Müller"})}), ["u00fcller"]),
    "HTML in CSV": ("a.csv", 'id,html\n1,"<p>M&uuml;ller</p>"\n', ["M&uuml;ller"]),
    "folded header": ("a.eml", "Subject: +1 415\n 555 0132\n\nhi", ["0132"]),
    "damaged word before a whole one": (
        "a.eml",
        f"Subject: =?utf-8?b?w5zDvMOkerthe =?utf-8?b?{encode('Müller')}?= =?utf-8?q?Ann of?=\n\nhi",
        [encode("Müller"), "Ann"],
    ),
    "header in Latin-1": ("a.eml", "Subject: Müller\n\nhi".encode("latin-1"), ["ller"]),
    "header in UTF-8": ("a.eml", "Subject: Müller\n\nhi", ["ller"]),
    "parameter": ("a.eml", "Content-Type: text/plain; name*=utf-8''M%C3%BCller.txt\n\nhi", ["ller.txt"]),
    "split parameter": (
        "a.eml",
        "Content-Type: text/plain;\n name*0*=utf-8''M%C3%BC;\n name*1*=ller.txt\n\nhi",
        ["M%C3%BC", "ller"],
    ),
    "base64 in a cell": ("a.csv", f"id,blob\n1,{CODED}\n", [CODED, "Ann"]),
    "base64 in lines": (
        "a.txt",
        "\n".join([encode("Ann, " * 19), encode("Bob of Berlin, Berlin")]),
        [encode("Ann, " * 3)],
    ),
    "signed token": ("a.json", f'{{"t": "eyJhbGciOiJIUzI1NiJ9.{TOKEN}.c2ln"}}', [TOKEN]),
    "base64 in an address": ("a.html", f'<a href="https://x.org/u/{TOKEN}?d={TOKEN}%3D">x</a>', [TOKEN]),
    "base64 in a script": ("a.html", f'<script>atob("{CODED}")</script>', [CODED]),
    "data address": ("a.html", f'<iframe src="data:text/html;base64,{CODED}"></iframe>', [CODED]),
    "data address of percent signs": ("a.html", '<a href="data:text/csv,Ann%3BM%C3%BCller">x</a>', ["Ann", "M%C3"]),
    "line breaks of code": ("a.html", r'<script>var x = "Dear\nAnn\tSmith";</script>', ["Ann", "Smith"]),
    "emphasis in a word": ("a.md", "**Ber**lin, _Smith_ and A**nn**", ["lin", "Smith", "nn"]),
    "unknown tags": (
        "a.html",
        "<svg><text><tspan>Ber</tspan><tspan>lin</tspan><x>Ann</x></text></svg>",
        ["Ber", "Ann"],
    ),
    "emphasis of chats": ("a.json", '{"t": "_Smith_ *Ann* __Berlin__"}', ["Smith", "Ann", "Berlin"]),
    "joiners": ("a.txt", "Ber\u200clin, Smi\u200dth", ["Ber", "Smi"]),
    "marks of direction": ("a.txt", "\u202a+1 415\u202c 555\u200e 0132", ["415", "0132"]),
    "base64 that is cut off": ("a.txt", encode("Dear Ann Müller of Berlin in ü")[:-3], [CODED[:8]]),
    "wrapped line": ("a.txt", f"{WRAPPED}\n0532 0130 00 soon", ["DE89", "0130"]),
    "wrapped quotation": ("a.eml", f"Subject: x\n\n> {WRAPPED}\n> 0532 0130 00 soon\n", ["DE89", "0130"]),
    "flowed text": ("a.eml", f"{FLOWED}\n\nTo DE89 3704 0044 \n0532 0130 00.\n", ["DE89", "0130"]),
    "flowed text in a word": (
        "a.eml",
        f"{FLOWED}; delsp=yes\n\n> To Ber \n> lin and Smi \n> th.\n",
        ["Ber", "lin", "Smi"],
    ),
    "folded line": (
        "a.eml",
        "Content-Type: text/calendar\n\nX;CN=Ber\r\n lin:x\r\nY:Smi\r\n\tth\r\n",
        ["Ber", "lin", "Smi"],
    ),
    "card": (
        "a.vcf",
        "BEGIN:VCARD\r\nN:Smi\r\n th;Ann\r\nNOTE:x\\nBob\\, Berlin\r\nEND:VCARD\r\n",
        ["Smi", "Ann", "Bob", "Ber"],
    ),
    "AMP": ("a.eml", "Content-Type: text/x-amp-html\n\n<p>Ber<b>lin</b></p>\n", ["Ber", "lin"]),
    "other groups": (
        "a.html",
        "<a href='tel:+14155550132'>+1 415 555 0132</a> DE89370400440532013000 DE89 3704 0044 0532 0130 00",
        ["4155550132", "DE893704"],
    ),
    "card in vCard 2.1": (
        "a.txt",
        "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=4D=C3=BCller;=41nn\n",
        ["=4D=C3", "=41nn"],
    ),
    "mail as text": (
        "a.log",
        f"{QUOTED}\n\nAnn Sm=\nith, M=FCller=20\nnn\n",
        ["Ann", "Sm", "ith", "=FC"],
    ),
    "mail in JSON": ("a.json", json.dumps({"raw": f"{QUOTED}\r\n\r\nM=C3=BCller\r\n"}), ["=C3=BC"]),
    "mail in a cell": ("a.csv", 'id,x\n1,"ENCODING=QUOTED-PRINTABLE:=41nn"\n', ["=41nn"]),
    "quoted without a declaration": ("a.md", "Dear M=C3=BCller of Ber=\nlin", ["=C3=BC", "lin"]),
    "encoded words": (
        "a.txt",
        f"From: =?utf-8?q?Ann_M=C3=BCller_?= =?utf-8?b?{encode('Smith')}?=, =?latin1?q?M=FCller?= <x@x>",
        ["Ann", "=C3=BC", encode("Smith"), "=FC"],
    ),
    "base64 in Latin-1": (
        "a.txt",
        encode("Sehr geehrte Frau Müller, ".encode("latin-1") * 2),
        [encode("Sehr geehrte Frau Müller, ".encode("latin-1"))[24:30]],
    ),
    "hex": ("a.txt", f"x 0x{b'Dear Ann of Berlin'.hex()} y", ["416e6e", "4265726c696e"]),
    "hex of a database": ("a.csv", f"id,x\n1,\\x{'Müller Ann'.encode().hex()}\n", ["4dc3bc"]),
    "hex in pairs": ("a.log", b"Ann of Berlin".hex(" "), ["41 6e 6e", "42 65"]),
    "octal": ("a.log", r'"a/M\303\274ller.txt" and Ann', [r"M\303", "Ann"]),
    "code points": ("a.txt", r"M\U000000fcller \u{41}nn", ["000000fc", "{41}"]),
    "value without quotes": ("a.html", "<img alt=Ann Smith><p class='Bob x'>x</p>", ["Ann", "Smith", "Bob"]),
    "style sheet": ("a.html", r"<style>p::after{content: '\41 nn M\fc ller'}</style>", ["41 nn", "fc ller"]),
    "property of a style": ("a.html", r"<p style='--who: &quot;\42 ob&quot;'>x</p>", ["42 ob"]),
    "TeX": ("a.csv", 'id,author\n1,"M{\\""u}ller, Ann"\n', ["ller", "Ann"]),
    "UTF-7": (
        "a.eml",
        "Subject: =?utf-7?q?M+APw-ller?=\nContent-Type: text/plain; charset=utf-7\n\nAnn M+APw-ller\n",
        ["Ann", "APw"],
    ),
    "UTF-7 without a declaration": ("a.txt", "M+APw-ller", ["APw"]),
    "reading aid": (
        "a.html",
        "<ruby>Mül<rp>(</rp><rt>Bob</rt><rp>)</rp></ruby>ler <ruby>Smi<rt>x<rt>y</ruby>th",
        ["ler", "Bob", "th"],
    ),
    "hidden inside a value": (
        "a.html",
        "<p>Smi<span hidden>x</span>th Ber<b style='color:red; display: none'><b>Bob</b></b>lin "
        "<i hidden='until-found'>Ann</i></p>",
        ["Smi", "th", "Bob", "lin", "Ann"],
    ),
    "parts of a string in SQL": ("a.txt", "VALUES ('ann.smith' || '@mail.com')", ["ann.smith", "mail.com"]),
    "parts of a string": ("a.html", "<script>x = 'ann.smith' + '@' + 'mail.com'</script>", ["ann.smith", "mail.com"]),
    "parts of a style": (
        "a.html",
        '<style>p::before{content:"ann.smith" "@"\n"mail.com"}</style>',
        ["ann.smith", "mail.com"],
    ),
    "hyphens at the ends of lines": (
        "a.txt",
        "To Mül-\nler, Ber\u2010\n  lin and Smi\u00ad\n th.",
        ["Mül", "lin", "th."],
    ),
    "colours of a terminal": (
        "a.log",
        "\x1b[1;31mAn\x1b[0mn \x1b[32mSmith\x1b[0m \x1b]8;;mailto:bob@mail.com\x1b\\Bob\x1b]8;;\x1b\\ "
        "\\033[1mBerlin\\033[0m",
        ["Ann", "An\x1b", "Smith", "bob@", "Bob", "Berlin"],
    ),
    "colours in JSON": ("a.json", r'{"t": "\u001b[31mBob\u001b[0m"}', ["Bob"]),
    "overstrike": ("a.txt", "A\x08An\x08nn\x08n _\x08B_\x08o_\x08b", ["A\x08", "n\x08", "B", "o", "b"]),
    "highlighted": ("a.md", "==An==n and ==Smith==", ["An", "Smith"]),
    "dump": (
        "a.txt",
        "00000000: 4465 6172 2041 6e6e 206f 6620 4265 726c  Dear Ann of Berl",
        ["416e", "2041 6e6e", "Ann"],
    ),
    "parts of a web archive": (
        "a.mht",
        f"{MIXED}--B\nContent-Type: text/css\n\np::after{{content: '\\41 nn'}}\n--B\nContent-Type: image/svg+xml\n\n"
        "<svg><text>Mül<tspan>ler</tspan></text></svg>\n--B\nContent-Type: text/xml\n\n<a>B&#111;b</a>\n--B--\n",
        ["41 nn", "ler", "#111"],
    ),
    "blanks of other widths": ("a.txt", "+1\u00a0415\u202f555\u20090132", ["555"]),
    "boundary": ("a.eml", 'Content-Type: multipart/mixed; boundary="x Ann"\n\n--x Ann\n\nhi\n--x Ann--\n', ["Ann"]),
    "short JSON in base64": ("a.txt", encode('{"n":"Ann Smith"}'), [encode('{"n":"Ann Smith"}')[6:]]),
    "around the parts": ("a.eml", f"{MIXED}Ann\n--B\n\nhi\n--B--\nAnn\n", ["Ann"]),
}


@pytest.mark.parametrize("name", DISGUISED)
def test_a_disguised_value_is_masked(mask: FileMasker, name: str) -> None:
    file, content, forbidden = DISGUISED[name]
    written = mask(file, content).decode("utf-8", "replace")
    assert not [one for one in forbidden if one in written]
    assert sum(mask.counts.labels.values()) >= 1


def test_only_the_value_in_an_escape_is_replaced(mask: FileMasker) -> None:
    written = mask("a.md", "[%41nn%2C%20x](https://x.org/?q=M%C3%BCller&amp;r=%7E1) 100%25 &lt;b&gt;")
    assert written == b"[[FIRSTNAME_1]%2C%20x](https://x.org/?q=[SURNAME_1]&amp;r=%7E1) 100%25 &lt;b&gt;"


def test_a_masked_parameter_keeps_the_header_readable(mask: FileMasker) -> None:
    content = "Content-Type: text/plain; charset=utf-8; name*=utf-8''M%C3%BCller%20%C3%9F.txt\n\nhi Ann"
    parsed = email.message_from_bytes(mask("a.eml", content))
    assert (parsed.get_content_type(), parsed.get_filename()) == ("text/plain", "[SURNAME_1] ß.txt")
    assert parsed.get_payload() == "hi [FIRSTNAME_1]"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.html", "a.jsonl"])
def test_text_in_an_encoding_without_a_mark_is_refused(mask: FileMasker, name: str, encoding: str) -> None:
    content = '{"a": "Ann"}' if name == "a.jsonl" else "Ann,Bob"
    with pytest.raises((InputError, RecordError)):
        mask(name, content.encode(encoding))


@pytest.mark.parametrize(
    "begin", [b"%PDF-1.4\n", rb"{\rtf1 ", b"PK\x03\x04", b"\xff\xd8\xff\xe0", b"\x1f\x8b\x08", b"%!PS"]
)
def test_what_is_no_text_is_refused_by_name(mask: FileMasker, begin: bytes) -> None:
    with pytest.raises(InputError, match="by its content"):
        mask("a.txt", begin + b"Ann")


def list_sealed() -> dict[str, tuple[str, str]]:
    """Texts with something that nobody can read, and what of it must not stand in the output."""
    picture = encode(pictures.encode(pictures.draw_text(["Ann Smith"])))
    binary = bytes(range(256)) * 2
    lines = "\n".join(encode(binary)[at : at + 64] for at in range(0, 600, 64))
    rows = "".join(binascii.b2a_uu(binary[at : at + 45]).decode() for at in range(0, 512, 45))
    return {
        "PDF": (encode(b"%PDF-1.4\n(Ann Smith) \xff" + binary), "JVBER"),
        "PDF of letters": (encode("%PDF-1.4\n1 0 obj <</Title (Ann Smith)>> endobj"), "JVBER"),
        "package": (encode(b"PK\x03\x04" + binary), "UEsD"),
        "picture": (f"data:image/png;base64,{picture}", picture[:24]),
        "compressed": (encode(gzip.compress(b"Ann Smith" * 40)), "H4sI"),
        "package behind a length": (encode(b"\0\0\0\0\xad\0\0\0PK\x03\x04" + binary), "AAAA"),
        "PDF behind a byte": (encode(b"\x01%PDF-1.7" + binary), "ASVQ"),
        "certificate": (f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----", lines[:20]),
        "certificate in one line": (f"MIIC{encode(binary)}", "MIIC"),
        "encrypted message": (f"-----BEGIN PGP MESSAGE-----\n\n{lines}\n-----END PGP MESSAGE-----", lines[:20]),
        "uuencoded": (f"begin 644 x.bin\n{rows}`\nend", rows[:20]),
        "hex": ((b"\x89PNG" + binary).hex(), "89504e47"),
        "RTF": (r"{\rtf1\ansi M\'fcller}", "fcller"),
        "PDF as it is": ("%PDF-1.4\n<416e6e> Tj", "416e6e"),
    }


SEALED = list_sealed()


@pytest.mark.parametrize("policy", ["pseudonymise", "pci"])
@pytest.mark.parametrize("name", SEALED)
def test_what_nobody_can_read_is_masked_whole(mask: FileMasker, name: str, policy: str) -> None:
    content, forbidden = SEALED[name]
    written = json.loads(mask("a.json", json.dumps({"before": "x", "file": content, "after": "y"}), policy=policy))
    assert forbidden not in written["file"]
    assert "[EMBEDDED]" in written["file"]
    assert (written["before"], written["after"], mask.counts.labels["EMBEDDED"]) == ("x", "y", 1)


@pytest.mark.parametrize(
    "text",
    [
        "begin 100 people\nwho came\nend",
        "phone=4155550132",
        "a/9j/b",
        "5555555555554444",
        "4d41432d61646472",
        "x=3Dy z",
    ],
)
def test_what_only_looks_like_it_stays(mask: FileMasker, text: str) -> None:
    assert mask("a.txt", text) == text.encode()


def test_a_web_archive_under_the_name_of_a_page_is_refused(mask: FileMasker) -> None:
    head = "From: <Saved by Blink>\nSubject: =?utf-8?Q?x?=\n folded\nMIME-Version: 1.0\n"
    page = f"{head}Content-Type: text/html\n{QUOTED}\n\n<p title=3D'M=C3=BCller'>x</p>\n"
    with pytest.raises(InputError, match=r"\.eml or \.mht"):
        mask("a.html", page)
    assert b"ller" not in mask("a.mht", page)


@pytest.mark.parametrize("name", ["a.html", "a.eml"])
def test_embedded_pictures_become_grey(mask: FileMasker, name: str) -> None:
    picture = encode(pictures.encode(pictures.draw_text(["Ann Smith"])))
    head = "Content-Type: text/html\n\n" if name == "a.eml" else ""
    written = mask(name, f'{head}<img src="data:image/png;base64,{picture}" alt="x">\n').decode()
    (shown,) = re.findall(r"data:image/png;base64,([A-Za-z0-9+/=]+)", "".join(written.split()))
    assert Image.open(io.BytesIO(base64.b64decode(shown))).getextrema() == (210, 210)
    assert mask.counts.notes == ["replaced 1 picture, whose text cannot be checked"]


def test_an_embedded_document_is_refused(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="application/pdf"):
        mask("a.html", f'<embed src="data:application/pdf;base64,{encode("%PDF-1.4")}">')


@pytest.mark.parametrize(
    "text",
    [
        "IMG_20260101_AnnSmithPortrait.png",
        "internationalisation",
        "0123456789abcdef0123456789abcdef",
        "AnnaOfBerlinAndSmith",
    ],
)
def test_what_is_no_base64_stays(mask: FileMasker, text: str) -> None:
    assert mask("a.txt", f"x {text} y") == f"x {text} y".encode()


JWT = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (
    b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"1234567890","mail":"ann.smith@mail.com"}', bytes(range(128, 160))
))  # fmt: skip
TOKENS = Policy("tokens", Rule("number"), recognisers=(Recogniser("SECURITYTOKEN", r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+"),))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.txt", "Bearer {} and Ann"),
        ("a.csv", 'id,note\n1,"Bearer {} and Ann"\n2,Bob\n'),
        ("a.json", '{{"x": ["Bob", "Bearer {} and Ann"]}}'),
        ("a.html", '<p>Bob</p><a title="Bearer {} and Ann">x</a>'),
    ],
)
def test_a_token_of_encoded_texts_is_masked_as_it_stands(mask: FileMasker, name: str, content: str) -> None:
    """What its parts say is no token: it was left."""
    written = mask(name, content.format(JWT), policy=TOKENS).decode()
    assert "Bearer [SECURITYTOKEN_1] and [FIRSTNAME_" in written
    assert mask.counts.labels["SECURITYTOKEN"] == 1


def test_values_in_a_token_that_is_kept_are_masked(mask: FileMasker) -> None:
    kept = replace(TOKENS, labels={"SECURITYTOKEN": Rule("keep")})
    written = mask("a.txt", f"Bearer {JWT}.", policy=kept).decode()
    head, body, tail = written.removeprefix("Bearer ").rstrip(".").split(".")
    assert (head, tail) == (JWT.split(".")[0], JWT.split(".")[2])
    assert base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)) == b'{"sub":"1234567890","mail":"[EMAIL_1]"}'


def test_a_body_in_damaged_base64_is_refused(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="damaged"):
        mask("a.eml", f"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{CODED[:33]}!!\n")


@pytest.mark.parametrize(
    "line", ["PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ", "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=41nn", "photo;base64:x"]
)
@pytest.mark.parametrize("name", ["a.vcf", "a.eml"])
def test_encoded_values_of_cards_are_refused(mask: FileMasker, name: str, line: str) -> None:
    head = "Content-Type: text/vcard\n\n" if name == "a.eml" else ""
    with pytest.raises(InputError, match=r"a value of (PHOTO|N) in (b|base64|quoted-printable)"):
        mask(name, f"{head}BEGIN:VCARD\n{line}\nEND:VCARD\n")
