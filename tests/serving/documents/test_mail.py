from __future__ import annotations

import email
import email.policy
import io
from email.message import EmailMessage

import pytest
from PIL import Image

from goldspan.annotation.errors import InputError
from tests.serving.documents import pictures
from tests.serving.documents.conftest import FileMasker


def make_message() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Zoë Müller <ann.smith@mail.com>"
    message["To"] = "Bob <bob@mail.com>"
    message["Subject"] = "Greetings from Zoë Müller"
    message["X-Sender"] = "ann.smith@mail.com"
    message["Date"] = "Thu, 05 Mar 2026 10:00:00 +0000"
    message.set_content("Dear Bob,\n\nyours, Zoë Müller\n")
    message.add_alternative("<p>Dear <b>Bob</b>, yours, Zo&euml; M&uuml;ller</p>", subtype="html")
    return message


@pytest.mark.parametrize("linesep", ["\n", "\r\n"])
def test_headers_and_every_body_are_masked(mask: FileMasker, linesep: str) -> None:
    policy = email.policy.default.clone(linesep=linesep)
    written = mask("a.eml", make_message().as_bytes(policy=policy))
    parsed = email.message_from_bytes(written, policy=email.policy.default)
    seen = "\n".join(str(value) for part in parsed.walk() for value in part.values())
    bodies = [part.get_content() for part in parsed.walk() if not part.is_multipart()]
    for text in [seen, *bodies, written.decode()]:
        for value in ("Zoë", "Müller", "Bob", "ann.smith", "bob@"):
            assert value not in text
    assert parsed["Subject"] == "Greetings from [FIRSTNAME_1] [SURNAME_1]"
    assert parsed["Date"] == "Thu, 05 Mar 2026 10:00:00 +0000"
    assert bodies[0].splitlines()[-1] == "yours, [FIRSTNAME_1] [SURNAME_1]"
    assert (b"\r\n" in written) == (linesep == "\r\n")


def test_base64_bodies_and_attached_messages_are_read(mask: FileMasker) -> None:
    outer = EmailMessage()
    outer["Subject"] = "fw"
    outer.set_content("See below, Bob", cte="base64")
    outer.add_attachment(make_message())
    parsed = email.message_from_bytes(mask("a.eml", outer.as_bytes()), policy=email.policy.default)
    texts = [part.get_content() for part in parsed.walk() if part.get_content_maintype() == "text"]
    assert len(texts) == 3
    assert not any(value in text for text in texts for value in ("Bob", "Müller"))


def test_a_name_in_the_file_name_of_a_part_is_masked(mask: FileMasker) -> None:
    message = make_message()
    message.add_attachment("Ann,Bob\n", subtype="csv", filename="Ann Smith.csv")
    assert b"Smith" not in mask("a.eml", message.as_bytes())


def test_an_id_with_a_name_is_masked(mask: FileMasker) -> None:
    written = mask("a.eml", b"From: Ann Smith <ann.smith@mail.com>\nMessage-ID: <smith.1@host>\n\nHi Smith\n")
    assert b"smith" not in written.lower()
    assert b"@host>" in written


def test_an_attachment_that_is_no_text_is_refused(mask: FileMasker) -> None:
    message = make_message()
    message.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="a.pdf")
    with pytest.raises(InputError, match="application/pdf"):
        mask("a.eml", message.as_bytes())
    assert not (mask.folder / "out-a.eml").exists()


def test_a_body_that_is_not_in_its_character_set_is_refused(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="character set"):
        mask("a.eml", b"Subject: x\nContent-Type: text/plain; charset=utf-8\n\n\xff\xfe\n")


def test_a_message_without_values_stays_byte_for_byte(mask: FileMasker) -> None:
    source = b"From: x@y.zz\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n   folded\n\nHello\n"
    assert mask("a.eml", source) == source


def test_an_encoded_message_within_a_message_is_refused(mask: FileMasker) -> None:
    head = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=B\n\n--B\nContent-Type: message/rfc822\n"
    with pytest.raises(InputError, match="message/rfc822"):
        mask("a.eml", f"{head}Content-Transfer-Encoding: base64\n\nU3ViamVjdDogQW5uCgpBbm4K\n--B--\n")


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_a_body_keeps_its_encoding(mask: FileMasker, encoding: str) -> None:
    message = EmailMessage()
    message.set_content("Dear Zoë Müller,\n\nß = 1\n", cte=encoding)
    parsed = email.message_from_bytes(mask("a.eml", message.as_bytes()), policy=email.policy.default)
    assert parsed["Content-Transfer-Encoding"] == encoding
    assert parsed.get_content() == "Dear [FIRSTNAME_1] [SURNAME_1],\n\nß = 1\n"


def test_attached_pictures_become_grey(mask: FileMasker) -> None:
    message = EmailMessage()
    message["Subject"] = "logo"
    message.set_content("Dear Ann,\n")
    picture = pictures.encode(pictures.draw_text(["Ann Smith"]))
    message.add_attachment(picture, maintype="image", subtype="png", filename="Smith.png", cid="<logo>")
    parsed = email.message_from_bytes(mask("a.eml", message.as_bytes()), policy=email.policy.default)
    (shown,) = parsed.iter_attachments()
    assert Image.open(io.BytesIO(shown.get_content())).getextrema() == (210, 210)
    assert (shown.get_filename(), shown["Content-ID"]) == ("[SURNAME_1].png", "<logo>")
    assert mask.counts.notes == ["replaced 1 picture, whose text cannot be checked"]
