"""The table of a PDF font that says which text each of its codes means (`ToUnicode`; ISO 32000-1, 9.10.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import regex

COMMENT = regex.compile(rb"%[^\r\n]*")
"""A comment of PostScript."""

_SECTION = regex.compile(rb"beginbf(char|range)(.*?)endbf\1", regex.DOTALL)
_ITEM = regex.compile(rb"<([0-9A-Fa-f\s]*)>|(\[)([^\]]*)\]")
_HEAD = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CMapType 2 def 1 begincodespacerange %s endcodespacerange
"""
_TAIL = b"endcmap end end"
_CHUNK = 100
"""Entries of a section, at most."""


def read_meanings(data: bytes) -> dict[int, str]:
    """What each code means.

    Raises:
        ValueError: the table cannot be read.
    """
    meanings: dict[int, str] = {}
    for section in _SECTION.finditer(COMMENT.sub(b"", data)):
        items = iter(_ITEM.findall(section[2]))
        for code, _, _ in items:
            first = last = _read_code(code)
            if section[1] == b"range":
                last = _read_code(_next(items)[0])
            if last - first > 0xFFFF:
                raise ValueError("a range of codes is too long")
            text, opened, listed = _next(items)
            if opened:
                texts = [_read_text(item[0]) for item in _ITEM.findall(listed)]
                meanings |= zip(range(first, last + 1), texts, strict=False)
            else:
                meaning = _read_text(text)
                meanings |= {first + step: _step(meaning, step) for step in range(last - first + 1)}
    return meanings


def write_meanings(meanings: Mapping[int, str], size: int) -> bytes:
    """A table of these meanings and nothing else; `size`: bytes of a code."""
    lines = [
        b"<%s> <%s>"
        % (code.to_bytes(size, "big").hex().encode(), text.encode("utf-16-be", "surrogatepass").hex().encode())
        for code, text in sorted(meanings.items())
    ]
    chunks = (lines[begin : begin + _CHUNK] for begin in range(0, len(lines), _CHUNK))
    sections = (b"%d beginbfchar\n%s\nendbfchar\n" % (len(chunk), b"\n".join(chunk)) for chunk in chunks)
    space = b"<%s> <%s>" % (b"00" * size, b"ff" * size)
    return b"".join([_HEAD % space, *sections, _TAIL])


def _next(items: Iterator[tuple[bytes, bytes, bytes]]) -> tuple[bytes, bytes, bytes]:
    found = next(items, None)
    if found is None:
        raise ValueError("the table ends inside an entry")
    return found


def _read_code(digits: bytes) -> int:
    return int(b"".join(digits.split()), 16)


def _read_text(digits: bytes) -> str:
    """UTF-16, or one character where a font gives a single byte."""
    number = "".join(digits.decode("ascii").split())
    return chr(int(number, 16)) if 0 < len(number) <= 2 else bytes.fromhex(number).decode("utf-16-be", "surrogatepass")


def _step(text: str, step: int) -> str:
    return text[:-1] + chr(ord(text[-1]) + step) if text else ""
