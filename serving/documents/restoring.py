"""Put originals back into files, so that the format stays whole: quoted in CSV, escaped in JSON, HTML and XML."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import regex

from goldspan.annotation.errors import InputError, RecordError
from goldspan.masking.keys import MaskingKey
from goldspan.masking.ledger import Ledger
from goldspan.masking.restore import restore_text
from goldspan.serving.documents.base import read_document
from goldspan.serving.documents.delimited import edit_cells
from goldspan.serving.documents.encoded import find_encoded
from goldspan.serving.documents.flow import find_whole_edit
from goldspan.serving.documents.json_text import edit_json
from goldspan.serving.documents.mail import edit_mail
from goldspan.serving.documents.office import edit_office
from goldspan.serving.documents.parquet import edit_parquet
from goldspan.serving.documents.plain import decode_text, edit_stretches, encode_text, find_divider, split_text

_MARKUP = regex.compile(r"<[^>]*>|[^<]+|<")
_KINDS = {
    **dict.fromkeys((".txt", ".text", ".md", ".markdown", ".log", ".ics", ".vcf", ""), "text"),
    **dict.fromkeys((".html", ".htm"), "html"),
    **dict.fromkeys((".csv", ".tsv"), "table"),
    ".json": "json",
    **dict.fromkeys((".jsonl", ".ndjson"), "lines"),
    **dict.fromkeys((".docx", ".xlsx", ".pptx"), "office"),
    **dict.fromkeys((".eml", ".mht", ".mhtml"), "mail"),
    ".parquet": "parquet",
}
_WHOLE: Mapping[str, Callable[[Path, Callable[[str], str]], bytes]] = {
    "office": edit_office,
    "mail": edit_mail,
    "parquet": edit_parquet,
}
"""Formats that are read and written by their own module."""


@dataclass(slots=True)
class RestoredFile:
    """The restored content, how many values were put back, and placeholders without an original."""

    content: bytes = field(default=b"", repr=False)
    restored: int = 0
    unknown: dict[str, None] = field(default_factory=dict)


def restore_file(path: Path, ledger: Ledger, key: MaskingKey | None = None) -> RestoredFile:
    """The file with its originals. Text, HTML, CSV, JSON, e-mail, Office and Parquet files.

    Raises:
        InputError: files of this ending are not restored, or the file cannot be read.
    """
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path}: files with {path.suffix} are not restored. Known: {' '.join(sorted(_KINDS))[1:]}.")
    result = RestoredFile()

    def restore(text: str) -> str:
        for encoded in reversed(list(find_encoded(text))):
            inner = restore(encoded.text)
            if inner != encoded.text:
                text = text[: encoded.start] + encoded.encode(inner) + text[encoded.end :]
        found = restore_text(text, ledger, key)
        result.restored += found.restored
        result.unknown |= dict.fromkeys(found.unknown)
        return found.text

    if kind in _WHOLE:
        result.content = _WHOLE[kind](path, restore)
        return result
    content = read_document(path)
    text, encoding = decode_text(content, str(path))
    if kind == "table":
        written = edit_cells(path, restore)
    elif kind == "json":
        written = _restore_json(text, restore, path, 0)
    elif kind == "lines":
        lines = enumerate(text.split("\n"), start=1)
        written = "\n".join(_restore_json(line, restore, path, n) if line.strip() else line for n, line in lines)
    elif kind == "html":
        written = "".join(_restore_markup(piece, restore) for piece in _MARKUP.findall(text))
    else:
        stretches = split_text(text, find_divider(path))
        edits = [find_whole_edit(text[start:end], restore) for start, end in stretches]
        written = edit_stretches(text, stretches, edits)
    result.content = encode_text(written, encoding, content)
    return result


def _restore_json(text: str, restore: Callable[[str], str], path: Path, line: int) -> str:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise RecordError(f"not valid JSON: {error.msg}", file=str(path), line=line) from None
    return edit_json(text, restore)


def _restore_markup(piece: str, restore: Callable[[str], str]) -> str:
    plain = html.unescape(piece)
    restored = restore(plain)
    if restored == plain:
        return piece
    return restored if piece.startswith("<") else html.escape(restored, quote=False)
