"""Whether a file holds a subject.

Read are text (UTF-8, UTF-16 with a byte order mark, Latin-1), markup, mail, `.gz` and `.zst`, Zip packages (Office
documents), Parquet cells and the text of PDF pages. Weights of models, pictures and sound are not.
"""

from __future__ import annotations

import codecs
import io
import re
import tempfile
import zlib
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from itertools import chain
from pathlib import Path
from typing import IO

from goldspan.annotation.errors import GoldspanError, InputError
from goldspan.annotation.formats.parquet import read_parquet_rows
from goldspan.annotation.wording import describe_error
from goldspan.privacy.subject import Subject
from goldspan.serving.documents.package import read_package
from goldspan.shards.packing import unpack

_CHUNK, _OVERLAP, _WHOLE = 8 << 20, 1 << 16, 256 << 20
_DEPTH = 3
_GZIP, _ZIP, _PDF = b"\x1f\x8b\x08", b"PK\x03\x04", b"%PDF-"
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_WEIGHTS = frozenset({".onnx", ".safetensors", ".pt", ".bin", ".npy"})
_MAIL = frozenset({".eml", ".mbox"})
_NEXT_MAIL = re.compile(rb"^From .*\r?\n", re.MULTILINE)


def search_file(path: Path, subject: Subject) -> bool:
    """True if a file holds the subject. One that cannot be read is added to `subject.unsearched` with the reason."""
    if path.suffix.lower() in _WEIGHTS:
        return False
    try:
        return _search(path, subject, _DEPTH)
    except ModuleNotFoundError as error:
        subject.unsearched[path] = f"it needs the package {error.name}"
    except (OSError, GoldspanError) as error:
        subject.unsearched[path] = describe_error(error)
    return False


def _search(path: Path, subject: Subject, depth: int) -> bool:
    if path.suffix.lower() == ".zst":
        with unpack(path) as plain:
            return _search(plain, subject, depth)
    if path.suffix.lower() == ".parquet":
        return any(map(subject.holds, read_parquet_rows(path)))
    with path.open("rb") as stream:
        kind = stream.read(5)
        stream.seek(0)
        if any(map(subject.holds_bytes, _read_pieces(stream, kind))):
            return True
    if kind.startswith((_ZIP, _PDF)):
        return _search_document(path, kind, subject, depth)
    if path.stat().st_size > _WHOLE:
        if kind.startswith(_GZIP):
            raise _explain_size(path)
        return False
    return _search_packed(path.read_bytes(), path.suffix, subject, depth)


def _search_document(path: Path, kind: bytes, subject: Subject, depth: int) -> bool:
    """Search the text of a PDF, or the parts of a Zip package."""
    if kind.startswith(_PDF):
        return _search_pdf(path, subject)
    if path.stat().st_size > _WHOLE:
        raise _explain_size(path)
    parts = read_package(path).items()
    return any(_search_data(part, Path(name).suffix, subject, depth - 1) for name, part in parts)


def _search_packed(data: bytes, suffix: str, subject: Subject, depth: int) -> bool:
    """Search the parts of mail, and gzip streams wherever they begin."""
    parts = chain(_read_mail(data) if suffix.lower() in _MAIL else (), _unpack(data))
    return any(_search_data(part, "", subject, depth - 1) for part in parts)


def _search_data(data: bytes, suffix: str, subject: Subject, depth: int) -> bool:
    """Search what is in a container, and the containers in it."""
    if subject.holds_bytes(data):
        return True
    if not depth:
        return False
    if data.startswith((_ZIP, _PDF)):
        with tempfile.NamedTemporaryFile(prefix="goldspan-search-", suffix=suffix) as file:
            file.write(data)
            file.flush()
            return _search_document(Path(file.name), data[:5], subject, depth)
    return _search_packed(data, suffix, subject, depth)


def _explain_size(path: Path) -> InputError:
    return InputError(f"{path.name} is packed and larger than {_WHOLE >> 20} MiB")


def _read_pieces(stream: IO[bytes], kind: bytes) -> Iterator[bytes]:
    """The bytes of a file in pieces that overlap; UTF-16 becomes UTF-8."""
    if kind.startswith(_UTF16):
        text = io.TextIOWrapper(stream, "utf-16", errors="ignore")
        pieces = iter(lambda: text.read(_CHUNK).encode("utf-8", "ignore"), b"")
    else:
        pieces = iter(lambda: stream.read(_CHUNK), b"")
    rest = b""
    for piece in pieces:
        yield rest + piece
        rest = piece[-_OVERLAP:]


def _read_mail(data: bytes) -> Iterator[bytes]:
    """Headers and parts of mail as they are read: without encoded words, Base64 and quoted-printable.

    Raises:
        InputError: the mail is malformed.
    """
    from goldspan.serving.documents.mail_headers import read_headers

    try:
        for one in _NEXT_MAIL.split(data):
            for part in message_from_bytes(one).walk():
                yield "\n".join(run.text for run in read_headers(part)[1]).encode("utf-8", "ignore")
                content = part.get_payload(decode=True)
                if isinstance(content, bytes):
                    yield content
    except (MessageError, ValueError, TypeError, LookupError) as error:
        raise InputError(f"its mail cannot be parsed ({type(error).__name__})") from None


def _unpack(data: bytes) -> Iterator[bytes]:
    """What the gzip streams in some bytes hold."""
    place = data.find(_GZIP)
    while place >= 0:
        try:
            unpacked = zlib.decompressobj(31).decompress(data[place:], _WHOLE)
        except zlib.error:
            unpacked = b""
        if unpacked:
            yield unpacked
        place = data.find(_GZIP, place + 1)


def _search_pdf(path: Path, subject: Subject) -> bool:
    from goldspan.serving.documents.pdf.text import read_pdf

    pages = read_pdf(path)
    if any(subject.holds_text(page.text) for page in pages):
        return True
    if scanned := sum(page.scanned for page in pages):
        subject.unsearched[path] = f"{scanned} of its {len(pages)} pages are pictures"
    return False
