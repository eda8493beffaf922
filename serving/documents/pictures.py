"""Pictures inside documents: their text cannot be checked, so that each is replaced by a grey one of its size."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

import regex

from goldspan.annotation.errors import InputError
from goldspan.annotation.wording import format_count

PICTURES: Mapping[str, str] = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
"""Endings of pictures that are replaced, and the names of their formats."""

_ADDRESS = regex.compile(
    r"(?i)\bdata:(?P<kind>(?:image|application|audio|video|font)/(?P<type>[\w.+-]+))(?:;[\w-]+=[\w.-]+)*;base64,"
    r"(?P<data>(?:[A-Za-z0-9+/_=\s-]|%[0-9A-Fa-f]{2})*)"
)
_TEXTUAL = ("+xml", "json", "xml", "javascript")
_FONTS = ("font", "woff", "truetype", "opentype")
_GREY, _LARGEST = 210, 4096


def blank_picture(content: bytes, kind: str) -> bytes:
    """A grey picture of the size of another one; `kind` is a format of Pillow."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content)) as picture:
            size = (min(picture.width, _LARGEST), min(picture.height, _LARGEST))
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        size = (64, 64)
    blank = io.BytesIO()
    Image.new("L", size, _GREY).save(blank, kind)
    return blank.getvalue()


def blank_embedded(source: str, name: str) -> tuple[str, int]:
    """HTML whose embedded pictures (`data:image/…;base64,…`) are grey, and how many were.

    Raises:
        InputError: something else is embedded that cannot be read; `name` says in which file.
    """
    count = 0

    def blank(match: regex.Match[str]) -> str:
        nonlocal count
        kind = match["kind"].lower()
        if kind.endswith(_TEXTUAL) or any(font in kind for font in _FONTS):
            return str(match.group())
        if not kind.startswith("image/"):
            raise InputError(f"{name} has an embedded part of type {kind}, which cannot be read; take it out first.")
        count += 1
        grey = base64.b64encode(blank_picture(_decode(match["data"]), "PNG")).decode()
        return f"data:image/png;base64,{grey}"

    return _ADDRESS.sub(blank, source), count


def describe_pictures(count: int) -> str:
    """The line about replaced pictures in the report."""
    return f"replaced {format_count(count, 'picture')}, whose text cannot be checked"


def _decode(data: str) -> bytes:
    raw = b"".join(unquote_to_bytes(data).split())
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_" if b"-" in raw or b"_" in raw else None)
    except binascii.Error:
        return b""
