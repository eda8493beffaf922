"""Plain text, Markdown, calendars and cards: one text, decoded and encoded as it was."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

import regex

from goldspan.annotation.errors import InputError
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, read_document
from goldspan.serving.documents.embedded import BEGINNINGS
from goldspan.serving.documents.flow import WRAPPED_LINES, Run, mask_runs, search_values

_EMPHASIS = regex.compile(
    r"(?:\*{1,3}|~~|==)(?=[^\s*~=])|(?<=[^\s*~=])(?:\*{1,3}|~~|==)|(?<![\p{L}\p{N}_])_{1,3}(?=[\p{L}\p{N}])"
    r"|(?<=[\p{L}\p{N}\p{P}])_{1,3}(?![\p{L}\p{N}_])"
)
"""Marks of emphasis and of highlighting beside what they mark (CommonMark 6.2); an underscore inside a word is none."""

FOLD = regex.compile(r"\r?\n[ \t]")
"""A line of a calendar or card that goes on (RFC 5545 3.1, RFC 6350 3.2)."""

_CODED = regex.compile(r"(?im)^(?P<name>[\w-]+)(?:;[^:\r\n]*)?;(?:ENCODING=)?(?P<how>b|base64|quoted-printable)[;:]")
_DIVIDERS = {".md": _EMPHASIS, ".markdown": _EMPHASIS, ".ics": FOLD, ".vcf": FOLD}

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decode_text(data: bytes, name: str) -> tuple[str, str]:
    """The text and its encoding: UTF-8, or UTF-16 with a byte order mark.

    Raises:
        InputError: it is neither, or no text at all; `name` says which file.
    """
    kind = next((kind for mark, kind in BEGINNINGS.items() if data.startswith(mark)), "")
    if kind:
        raise InputError(f"{name} is {kind} by its content, not text. Give it its own ending.")
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start}). Convert it, for example with iconv.") from None
    check_text(text, name)
    return text, encoding


def find_divider(path: Path) -> regex.Pattern[str] | None:
    """What divides the text of a file of this ending and may stand inside a word; None: nothing."""
    return _DIVIDERS.get(path.suffix.lower())


def check_card(text: str, name: str) -> None:
    """Refuse a calendar or card with encoded values: pictures, sounds, keys, text of vCard 2.1.

    Raises:
        InputError: it has one.
    """
    coded = _CODED.search(text)
    if coded:
        what = f"a value of {coded['name'].upper()} in {coded['how'].lower()}"
        raise InputError(f"{name} holds {what}, which cannot be read; take it out, or export it as vCard 4.")


def check_text(text: str, name: str) -> None:
    """Refuse a text with NUL characters: it is binary, or UTF-16 without a mark, in which no value would be found.

    Raises:
        InputError: it has one.
    """
    if "\0" in text:
        raise InputError(
            f"{name} has NUL characters: it is binary, or UTF-16 without a byte order mark. Convert it to UTF-8."
        )


def encode_text(text: str, encoding: str, data: bytes) -> bytes:
    """A text in the encoding of the original bytes, with their byte order."""
    if encoding == "utf-16" and data.startswith(codecs.BOM_UTF16_BE):
        return codecs.BOM_UTF16_BE + text.encode("utf-16-be")
    if encoding == "utf-16":
        return codecs.BOM_UTF16_LE + text.encode("utf-16-le")
    return text.encode(encoding)


async def mask_plain(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a text file."""
    data = read_document(source)
    text, encoding = decode_text(data, str(source))
    divider = find_divider(source)
    if divider is FOLD:
        check_card(text, source.name)
    stretches = split_text(text, divider)
    runs = [Run(text[start:end]) for start, end in stretches]
    result = await mask_runs(runs, masker, settings.language, settings.country, wrapped=WRAPPED_LINES)
    target.write_bytes(encode_text(edit_stretches(text, stretches, result.edits), encoding, data))
    written, _ = decode_text(target.read_bytes(), str(target))
    search_values(result.values, [written], source.name)
    counts = FileCounts()
    counts.add(runs, result)
    return counts


def split_text(text: str, divider: regex.Pattern[str] | None = None) -> list[tuple[int, int]]:
    """The stretches of a text between what is no part of it and may stand inside a word, such as marks of emphasis."""
    cuts = [match.span() for match in divider.finditer(text)] if divider else []
    begins, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)]
    return list(zip(begins, ends, strict=True))


def edit_stretches(
    text: str, stretches: Sequence[tuple[int, int]], edits: Sequence[tuple[tuple[int, int, str], ...]]
) -> str:
    """The text with the edits of its stretches."""
    pieces: list[str] = []
    cursor = 0
    for (start, _), changes in zip(stretches, edits, strict=True):
        for begin, end, new in changes:
            pieces += (text[cursor : start + begin], new)
            cursor = start + end
    return "".join([*pieces, text[cursor:]])
