"""E-mail (.eml): every header of every part, text and HTML bodies, attached messages.

An attachment that is not text is refused by name: what cannot be masked must not be passed on. Headers and bodies in
which nothing is masked stay as they are.
"""

from __future__ import annotations

import email
import email.policy
from email.errors import HeaderParseError
from email.generator import BytesGenerator
from email.header import Header, decode_header, make_header
from email.message import Message
from io import BytesIO
from pathlib import Path

from goldspan.annotation.errors import InputError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, read_document
from goldspan.serving.documents.flow import Run, mask_runs, search_values
from goldspan.serving.documents.markup import mask_html, verify_html

_TEXT = {"text/plain", "text/html", "text/markdown", "text/calendar", "text/csv", "text/rfc822-headers"}
_STRUCTURE = {"content-type", "content-transfer-encoding", "mime-version"}


async def mask_mail(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask an e-mail message."""
    data = read_document(source)
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    parts = list(message.walk())
    for part in parts:
        _check_part(part, source.name)
    counts = FileCounts()
    values: frozenset[str] = frozenset()
    for part in parts:
        values |= await _mask_headers(part, masker, settings, counts)
        if not part.is_multipart():
            values |= await _mask_body(part, masker, settings, counts)
    stream = BytesIO()
    linesep = "\r\n" if b"\r\n" in data else "\n"
    BytesGenerator(stream, mangle_from_=False, policy=email.policy.compat32.clone(linesep=linesep)).flatten(message)
    target.write_bytes(stream.getvalue())
    _verify(target, values, source.name)
    return counts


def _check_part(part: Message, name: str) -> None:
    kind = part.get_content_type()
    if part.defects and part.is_multipart() is False and kind.startswith("multipart/"):
        raise InputError(f"{name}: the parts of the message cannot be told apart.")
    if not part.is_multipart() and kind not in _TEXT:
        raise InputError(
            f"{name}: an attachment of type {kind} cannot be masked in a message. Save it and mask it alone."
        )


async def _mask_headers(part: Message, masker: Masker, settings: FileSettings, counts: FileCounts) -> frozenset[str]:
    items = [(name, str(value)) for name, value in part.items()]
    runs = [Run(_decode(value), "\n") for _, value in items]
    result = await mask_runs(runs, masker, settings.language, settings.country)
    counts.add(runs, result)
    if any(result.edits):
        for name in dict.fromkeys(name for name, _ in items):
            del part[name]
        for (name, value), edits, text in zip(items, result.edits, result.texts, strict=True):
            part[name] = value if not edits else text if text.isascii() else Header(text, "utf-8").encode()
    return result.values


def _decode(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return value


async def _mask_body(part: Message, masker: Masker, settings: FileSettings, counts: FileCounts) -> frozenset[str]:
    text, charset = _read_body(part)
    if part.get_content_type() == "text/html":
        masked, runs, result = await mask_html(text, masker, settings)
    else:
        runs = [Run(text)]
        result = await mask_runs(runs, masker, settings.language, settings.country)
        masked = result.texts[0]
    counts.add(runs, result)
    if any(result.edits):
        encodable = charset if _can_encode(masked, charset) else "utf-8"
        del part["Content-Transfer-Encoding"]
        part.set_payload(masked, encodable)
    return result.values


def _read_body(part: Message) -> tuple[str, str]:
    payload = part.get_payload(decode=True)
    charset = part.get_content_charset() or "utf-8"
    data = payload if isinstance(payload, bytes) else b""
    try:
        return data.decode(charset), charset
    except (LookupError, UnicodeDecodeError):
        raise InputError(f"A body of the message is not in its declared character set {charset[:40]!r}.") from None


def _can_encode(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _verify(target: Path, values: frozenset[str], name: str) -> None:
    message = email.message_from_bytes(target.read_bytes(), policy=email.policy.default)
    for part in message.walk():
        search_values(values, [str(value) for value in part.values()], name)
        search_values(values, [_decode(str(value)) for value in part.values()], name)
        if not part.is_multipart():
            text, _ = _read_body(part)
            if part.get_content_type() == "text/html":
                verify_html(text, values, name)
            search_values(values, [text], name)
    search_values(values, [target.read_bytes().decode("utf-8", "replace")], name)
