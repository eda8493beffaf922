"""Values as they stand in real files: in escapes, addresses, parameters, code; and files that are not what they say."""

from __future__ import annotations

import email
import json

import pytest

from goldspan.annotation.errors import InputError, RecordError
from tests.serving.documents.conftest import FileMasker

MIXED = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n"
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
    "header in Latin-1": ("a.eml", "Subject: Müller\n\nhi".encode("latin-1"), ["ller"]),
    "header in UTF-8": ("a.eml", "Subject: Müller\n\nhi", ["ller"]),
    "parameter": ("a.eml", "Content-Type: text/plain; name*=utf-8''M%C3%BCller.txt\n\nhi", ["ller.txt"]),
    "split parameter": (
        "a.eml",
        "Content-Type: text/plain;\n name*0*=utf-8''M%C3%BC;\n name*1*=ller.txt\n\nhi",
        ["M%C3%BC", "ller"],
    ),
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


@pytest.mark.parametrize("begin", [b"%PDF-1.4\n", rb"{\rtf1 ", b"PK\x03\x04", b"\xff\xd8\xff\xe0", b"\x1f\x8b"])
def test_what_is_no_text_is_refused_by_name(mask: FileMasker, begin: bytes) -> None:
    with pytest.raises(InputError, match="by its content"):
        mask("a.txt", begin + b"Ann")
