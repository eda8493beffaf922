"""E-mail and web archives: every header of every part, text and HTML bodies, attached messages, text around the parts.

Pictures are replaced by grey ones. Another attachment that is not text is refused by name: what cannot be masked must
not be passed on. Headers and bodies in which nothing is masked stay as they are.
"""

from __future__ import annotations

import base64
import email
import email.policy
import quopri
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from email.errors import InvalidBase64LengthDefect
from email.generator import BytesGenerator
from email.headerregistry import HeaderRegistry
from email.message import Message
from io import BytesIO
from pathlib import Path

import regex

from goldspan.annotation.errors import InputError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, read_document
from goldspan.serving.documents.flow import WRAPPED_LINES, Run, find_whole_edit, mask_runs, search_values
from goldspan.serving.documents.mail_headers import (
    HeaderPlace,
    decode_header_text,
    read_headers,
    read_raw,
    write_headers,
)
from goldspan.serving.documents.markup import Piece, edit_source, read_html, verify_html, write_html
from goldspan.serving.documents.pictures import PICTURES, blank_embedded, blank_picture, describe_pictures
from goldspan.serving.documents.plain import FOLD, check_card, check_text, edit_stretches, split_text

_HTML = frozenset({"text/html", "text/x-amp-html", "image/svg+xml"})
_FOLDED = frozenset({"text/calendar", "text/vcard", "text/x-vcard", "text/directory"})
"""Types whose long lines go on after a line break and a blank (RFC 5545 and 6350, section 3.1 and 3.2)."""

_PICTURES = {"image/webp": "WEBP"} | {f"image/{ending[1:]}": kind for ending, kind in PICTURES.items()}


@dataclass(frozen=True, slots=True)
class _Segment:
    """Texts of one part: of its headers (`places`), of what stands around its own parts (`around`), or its body."""

    part: Message
    runs: list[Run]
    places: list[HeaderPlace] | None = None
    around: tuple[str, ...] = ()
    text: str = ""
    charset: str = ""
    pieces: list[Piece] | None = None
    stretches: tuple[tuple[int, int], ...] = ()


async def mask_mail(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask an e-mail message; all its texts are one flow."""
    data = read_document(source)
    message = _parse(data, source.name)
    pictures = sum(map(_blank_pictures, message.walk()))
    segments = _read_segments(message)
    runs = [run for segment in segments for run in segment.runs]
    result = await mask_runs(runs, masker, settings.language, settings.country, wrapped=WRAPPED_LINES)
    target.write_bytes(_write_message(message, segments, result.edits, data))
    _verify(target, result.values, source.name)
    counts = FileCounts()
    counts.add(runs, result)
    if pictures:
        counts.notes.append(describe_pictures(pictures))
    return counts


def edit_mail(path: Path, edit: Callable[[str], str]) -> bytes:
    """The message with each header and text that `edit` changes written anew; the others stay as they are."""
    data = read_document(path)
    message = _parse(data, path.name)
    segments = _read_segments(message)
    edits = [find_whole_edit(run.text, edit) for segment in segments for run in segment.runs]
    return _write_message(message, segments, edits, data)


def _parse(data: bytes, name: str) -> Message:
    message = email.message_from_bytes(data, policy=email.policy.compat32)
    for part in message.walk():
        _check_part(part, name)
    return message


def _blank_pictures(part: Message) -> int:
    """Make attached pictures and those in the address lines of an HTML body grey; how many there were."""
    kind = _PICTURES.get(part.get_content_type())
    if kind:
        blank = blank_picture(bytes(part.get_payload(decode=True) or b""), kind)
        _set_base64(part, blank)
        return 1
    if part.get_content_type() not in _HTML:
        return 0
    text, charset = _read_body(part)
    blanked, count = blank_embedded(text, "The message")
    if count:
        _write_body(part, blanked, charset)
    return count


def _read_segments(message: Message) -> list[_Segment]:
    segments: list[_Segment] = []
    for part in message.walk():
        places, runs = read_headers(part)
        segments.append(_Segment(part, runs, places))
        if part.get_content_type() in _PICTURES:
            continue
        if not part.is_multipart():
            segments.append(_read_segment(part))
        elif around := [name for name in ("preamble", "epilogue") if getattr(part, name)]:
            runs = [Run(read_raw(getattr(part, name)), "\n") for name in around]
            segments.append(_Segment(part, runs, around=tuple(around)))
    return segments


def _write_message(
    message: Message, segments: Sequence[_Segment], edits: Sequence[tuple[tuple[int, int, str], ...]], data: bytes
) -> bytes:
    each = iter(edits)
    for segment in segments:
        _write_segment(segment, [next(each) for _ in segment.runs])
    stream = BytesIO()
    linesep = "\r\n" if b"\r\n" in data else "\n"
    BytesGenerator(stream, mangle_from_=False, policy=email.policy.compat32.clone(linesep=linesep)).flatten(message)
    return stream.getvalue()


def _check_part(part: Message, name: str) -> None:
    kind = part.get_content_type()
    if part.defects and part.is_multipart() is False and kind.startswith("multipart/"):
        raise InputError(f"{name}: the parts of the message cannot be told apart.")
    if part.is_multipart() and str(part.get("Content-Transfer-Encoding", "")).lower() in ("base64", "quoted-printable"):
        raise InputError(f"{name}: a part of type {kind} is encoded, and its own parts cannot be read.")
    readable = kind.startswith("text/") or kind in _HTML or kind in _PICTURES
    if not part.is_multipart() and not readable:
        raise InputError(
            f"{name}: an attachment of type {kind} cannot be masked in a message. Save it and mask it alone."
        )


def _read_segment(part: Message) -> _Segment:
    text, charset = _read_body(part)
    if part.get_content_type() not in _HTML:
        divider = _find_divider(part)
        if divider is FOLD:
            check_card(text, f"The part of type {part.get_content_type()}")
        stretches = tuple(split_text(text, divider))
        runs = [Run(text[start:end], "" if start else "\n") for start, end in stretches]
        return _Segment(part, runs, text=text, charset=charset, stretches=stretches)
    pieces, runs = read_html(text)
    runs = [replace(run, before="\n") if number == 0 else run for number, run in enumerate(runs)]
    return _Segment(part, runs, text=text, charset=charset, pieces=pieces)


def _find_divider(part: Message) -> regex.Pattern[str] | None:
    """What divides the lines of a body and stands for nothing: folds, and soft breaks of flowed text (RFC 3676)."""
    if part.get_content_type() in _FOLDED:
        return FOLD
    if str(part.get_param("format", "")).lower() == "flowed" and part.get_content_type() == "text/plain":
        return _SOFT_BREAK if str(part.get_param("delsp", "")).lower() == "yes" else _FLOWED_BREAK
    return None


def _write_segment(segment: _Segment, edits: list[tuple[tuple[int, int, str], ...]]) -> None:
    if not any(edits):
        return
    part = segment.part
    if segment.places is not None:
        write_headers(part, segment.places, segment.runs, edits)
        return
    if segment.around:
        for name, run, changes in zip(segment.around, segment.runs, edits, strict=True):
            setattr(part, name, edit_source(run.text, changes).encode("ascii", "replace").decode())
        return
    if segment.pieces is None:
        masked = edit_stretches(segment.text, segment.stretches, edits)
    else:
        masked = write_html(segment.text, segment.pieces, segment.runs, edits)
    _write_body(part, masked, segment.charset)


def _write_body(part: Message, text: str, charset: str) -> None:
    """Put a text into a part in the encoding that it had; in base64 where that cannot hold it."""
    if not _can_encode(text, charset):
        charset = "utf-8"
        part.set_param("charset", charset)
    data = text.encode(charset)
    encoding = str(part.get("Content-Transfer-Encoding", "7bit")).strip().lower()
    if encoding == "quoted-printable":
        part.set_payload(quopri.encodestring(data.replace(b"\r\n", b"\n")).decode("ascii"))
    elif encoding in ("8bit", "binary") or (encoding == "7bit" and data.isascii()):
        part.set_payload(data.decode("ascii", "surrogateescape"))
    else:
        _set_base64(part, data)


def _set_base64(part: Message, data: bytes) -> None:
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = "base64"
    part.set_payload(base64.encodebytes(data).decode("ascii"))


def _read_body(part: Message) -> tuple[str, str]:
    payload = part.get_payload(decode=True)
    if any(isinstance(defect, InvalidBase64LengthDefect) for defect in part.defects):
        raise InputError("A body of the message is in base64 that is damaged.")
    charset = part.get_content_charset() or "utf-8"
    data = payload if isinstance(payload, bytes) else b""
    try:
        text = data.decode(charset)
        check_text(text, "A body of the message")
        return text, charset
    except (LookupError, UnicodeDecodeError):
        raise InputError(f"A body of the message is not in its declared character set {charset[:40]!r}.") from None


_SOFT_BREAK = regex.compile(r"(?<!^--) \r?\n(?:>+ ?)?", regex.MULTILINE)
_FLOWED_BREAK = regex.compile(r"(?<!^--)(?<= )\r?\n(?:>+ ?)?", regex.MULTILINE)


def _can_encode(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except (LookupError, UnicodeEncodeError):
        return False
    return True


def _verify(target: Path, values: frozenset[str], name: str) -> None:
    headers = HeaderRegistry()
    headers.registry.pop("message-id")  # its parser raises IndexError for `<[EMAIL_1].1@host>`
    message = email.message_from_bytes(target.read_bytes(), policy=email.policy.default.clone(header_factory=headers))
    for part in message.walk():
        search_values(values, [str(value) for value in part.values()], name)
        search_values(values, [decode_header_text(str(value)) for value in part.values()], name)
        search_values(values, [str(part.get_filename()), str(part.preamble), str(part.epilogue)], name)
        if not part.is_multipart() and part.get_content_type() not in _PICTURES:
            text, _ = _read_body(part)
            if part.get_content_type() in _HTML:
                verify_html(text, values, name)
            search_values(values, [text], name)
    search_values(values, [target.read_bytes().decode("utf-8", "replace")], name)
