"""Files and sealed blocks inside a text: nobody can read what they say, so that each is masked whole.

A PDF in base64, a picture, a certificate, an encrypted message, a uuencoded file, RTF in a cell.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator

import regex

BEGINNINGS = {
    b"%PDF-": "a PDF",
    b"%!PS": "PostScript",
    b"{\\rtf": "RTF",
    b"PK\x03\x04": "a package",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"\x89PNG": "a picture",
    b"GIF8": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\x1f\x8b\x08": "compressed",
}
"""How files begin that are no text, whatever their name says."""

_MORE_BEGINNINGS = (
    *(b"II*\0", b"MM\0*", b"RIFF", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a"),
    *(b"SQLite format 3", b"OggS", b"ID3\x03", b"ID3\x04", b"\0\0\0\x18ftyp", b"\0\0\0\x20ftyp"),
)


def _list_codes() -> Iterator[str]:
    """Base64 of three bytes is four characters: what a beginning of whole triples gives is how its base64 begins."""
    for begin in (*BEGINNINGS, *_MORE_BEGINNINGS):
        whole = base64.b64encode(begin[: len(begin) // 3 * 3]).decode()
        left = begin[len(begin) // 3 * 3 :]
        yield regex.escape(whole + (base64.b64encode(left).decode()[: len(left)] if left else ""))


def _list_shifted() -> Iterator[str]:
    """What the base64 of packages and PDFs holds that stand behind something else, by the bytes before them."""
    for begin in (b"PK\x03\x04", b"%PDF-1."):
        for shift in (0, 1, 2):
            whole = (shift + len(begin)) * 4 // 3
            yield regex.escape(base64.b64encode(b"\0" * shift + begin).decode()[shift + (shift > 0) : whole])


def _list_hex() -> Iterator[str]:
    return (begin.hex() for begin in (*BEGINNINGS, *_MORE_BEGINNINGS))


_BLOCK = regex.compile(
    r"-----BEGIN (?P<what>(?!PGP SIGNED MESSAGE)[A-Z0-9 ]+)-----.*?(?:-----END (?P=what)-----|\Z)"
    r"|(?m:^)begin [0-7]{3,4} [^\r\n]*\r?\n(?:[ -`]{1,61}\r?\n)*(?:end(?!\w)|\Z)"
    r"|=ybegin [^\r\n]*.*?(?:=yend [^\r\n]*|\Z)"
    rf"|(?<![A-Za-z0-9+/])(?:{'|'.join(_list_codes())}|MII[A-P][A-Za-z0-9+/]{{60}}"
    rf"|[A-Za-z0-9+/]{{1,60}}(?:{'|'.join(_list_shifted())}))"
    r"(?:[A-Za-z0-9+/]*\r?\n[ \t]*(?=[A-Za-z0-9+/]{60}))*"
    r"(?:[A-Za-z0-9+/]*(?<=[A-Za-z0-9+/]{60})\r?\n[ \t]*)?[A-Za-z0-9+/_-]{12,}={0,2}"
    rf"|(?<![0-9a-fA-F])(?i:{'|'.join(_list_hex())})[0-9a-fA-F]{{16,}}",
    regex.DOTALL,
)
_WHOLE = regex.compile(r"\A\s*(?:%PDF-\d|%!PS)|\{\\rtf1")
"""What texts have that are, or hold, a file as it is."""


def is_file(text: str) -> bool:
    """True for a text that is a file of another format as it stands."""
    return _WHOLE.search(text) is not None


def find_embedded(text: str) -> Iterator[tuple[int, int]]:
    """The stretches of a text that hold a file or a sealed block; grey pictures are none."""
    yield from (match.span() for match in _BLOCK.finditer(text) if not _is_blank(match.group()))


def _is_blank(code: str) -> bool:
    """True for the base64 of a picture of one colour, such as stands in the place of another."""
    import io

    from PIL import Image, UnidentifiedImageError

    if not code.startswith("iVBORw0KGgo"):
        return False
    try:
        with Image.open(io.BytesIO(base64.b64decode(code + "=" * (-len(code) % 4)))) as picture:
            low, high = picture.convert("L").getextrema()
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return low == high
