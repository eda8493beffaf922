"""Files of any kind: what is found in them, and that what cannot be read is named."""

from __future__ import annotations

import base64
import gzip
import io
import zipfile
from pathlib import Path

import pytest

from goldspan.annotation.tombstones import Tombstones, add_tombstones, read_tombstones
from goldspan.privacy.erase import erase_person, find_person
from goldspan.privacy.search import search_file
from goldspan.privacy.subject import make_term

NAME = "Zanzibarine Quüxley"
WORD = "<w:p><w:r><w:t>Zanzi</w:t></w:r><w:r><w:t>barine Qu&#xFC;xley</w:t></w:r></w:p><w:p>Bob</w:p>"


def zip_parts(**parts: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name.replace("_", "."), data)
    return packed.getvalue()


MAIL = b"Content-Transfer-Encoding: base64\nContent-Type: text/plain\n\n" + base64.b64encode(f"By {NAME}.".encode())
FILES = {
    "a.txt": NAME.encode(),
    "utf16.txt": f"By {NAME}.".encode("utf-16"),
    "latin1.txt": f"By {NAME}.".encode("latin-1"),
    "tags.html": b"<td>Zanzibarine</td><td>Qu<b>&uuml;x</b>ley</td>",
    "blanks.html": b"Zanzibarine&nbsp;Qu&uuml;xley",
    "cells.xml": "<row><c>Zanzibarine</c><c>Quüxley</c></row>".encode(),
    "letter.docx": zip_parts(document_xml=WORD.encode()),
    "letters.zip": zip_parts(letter_docx=zip_parts(document_xml=WORD.encode()), other_txt=b"x"),
    "mail.eml": MAIL,
    "MAIL.EML": MAIL,
    "header.eml": f"From: =?utf-8?b?{base64.b64encode(NAME.encode()).decode()}?=\n\nhello".encode(),
    "mails.mbox": b"From a\nSubject: x\n\nfirst\n\nFrom b\n" + MAIL,
    "mails.zip": zip_parts(one_eml=MAIL),
    "lines.jsonl.gz": gzip.compress(NAME.encode()),
    "inside.tar.gz": gzip.compress(b"part.gz" + bytes(505) + gzip.compress(NAME.encode()) + bytes(600)),
    "inside.bin.txt": b"\0\1" + gzip.compress(gzip.compress(NAME.encode())),
}


@pytest.mark.parametrize("name", ["a.zst", "A.ZST"])
def test_zstandard_is_unpacked_whatever_the_case_of_its_ending(name: str, tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    path = tmp_path / name
    with pyarrow.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(NAME.encode())
    assert search_file(path, make_term(NAME, Tombstones()))


@pytest.mark.parametrize("name", FILES)
def test_a_person_is_found_in_files_of_any_kind(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    subject = make_term(NAME, Tombstones())
    assert search_file(path, subject)
    assert not search_file(path, make_term("Zanzibarine Smith", Tombstones()))
    assert subject.unsearched == {}


def test_the_text_of_a_pdf_is_searched(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    pikepdf = pytest.importorskip("pikepdf")
    path = tmp_path / "letter.pdf"
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(300, 100))
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F1=font))
        page.Contents = document.make_stream(b"BT /F1 12 Tf 20 50 Td (Zanzibarine) Tj 70 0 Td ( Smith) Tj ET")
        document.save(path, compress_streams=True)
    assert search_file(path, make_term("Zanzibarine Smith", Tombstones()))
    assert not search_file(path, make_term("Zanzibarine Jones", Tombstones()))


BROKEN = {
    "broken.zip": FILES["letter.docx"][:60],
    "broken.pdf": b"%PDF-1.7\nnothing",
    "broken.parquet": b"PAR1 and no more",
    "broken.eml": b"Content-Type: text/plain; name*0=a; name*=b\n\nhello",
    "broken.zst": b"(\xb5/\xfd\x01",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_searched_is_named_and_left(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    pytest.importorskip("pypdfium2")
    (tmp_path / "data" / "shards").mkdir(parents=True)
    (path := tmp_path / "data" / "shards" / name).write_bytes(BROKEN[name])
    hits = find_person(NAME, data=tmp_path / "data").hits
    assert [(hit.store, hit.place, hit.records, hit.remains) for hit in hits] == [
        ("unsearched", f"shards/{name}", 0, True)
    ]
    report = erase_person(NAME, data=tmp_path / "data")
    assert ("unsearched", f"shards/{name}") in [(hit.store, hit.place) for hit in report.remains]
    assert path.read_bytes() == BROKEN[name]


def test_an_erased_person_does_not_return_in_markup(tmp_path: Path) -> None:
    add_tombstones(tmp_path, [("term", NAME)])
    erased = read_tombstones(tmp_path)
    assert erased.has_text("<p>Zanzibarine <b>Quüxley</b></p>")
    assert erased.has_text("Zanzibarine&nbsp;Qu&uuml;xley")
    assert not erased.has_text("<p>Zanzibarine</p> or <b>Quüxley</b>")
    assert not erased.has_text("a < b, Zanzibarine > Smith")


def test_pieces_of_a_long_file_overlap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goldspan.privacy.search._CHUNK", 100)
    monkeypatch.setattr("goldspan.privacy.search._OVERLAP", 40)
    for start in range(60, 120, 3):
        for encoding in ("utf-8", "utf-16"):
            (path := tmp_path / "long.txt").write_bytes(f"{'x ' * (start // 2)}{NAME} {'y ' * 200}".encode(encoding))
            assert search_file(path, make_term(NAME, Tombstones())), (start, encoding)
