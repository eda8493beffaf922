"""Text encodings of files: recognised by byte order mark or by the shape of the first bytes; UTF-8 otherwise."""

from __future__ import annotations

import codecs

from goldspan.annotation.errors import InputError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PROBE = 512


def detect_encoding(head: bytes) -> str:
    """The encoding of a file that begins with these bytes: UTF-16 and UTF-32 are recognised, else it is UTF-8."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    sample = head[:_PROBE]
    zeros = sample[1::2].count(0), sample[0::2].count(0)
    if len(sample) >= 4 and max(zeros) * 4 > len(sample) and min(zeros) * 8 < len(sample):
        return "utf-16-le" if zeros[0] > zeros[1] else "utf-16-be"
    return "utf-8"


def decode_text(data: bytes, name: str, encoding: str = "") -> str:
    """Decode a whole file; `encoding` overrides what is recognised.

    Raises:
        InputError: the bytes are not in this encoding, or there is no such encoding.
    """
    chosen = encoding or detect_encoding(data)
    try:
        return data.decode(chosen).removeprefix("\ufeff")
    except LookupError:
        raise _refuse_encoding(encoding) from None
    except UnicodeDecodeError as error:
        shown = "UTF-8" if chosen.startswith("utf-8") else chosen
        raise InputError(
            f"{name} is not {shown} (byte {error.start}). Give --encoding latin-1 or cp1252, or convert it with iconv."
        ) from None


def decode_head(data: bytes, encoding: str = "") -> str:
    """Decode the beginning of a file, which may end inside a character; what cannot be decoded becomes U+FFFD.

    Raises:
        InputError: there is no such encoding.
    """
    try:
        decoder = codecs.getincrementaldecoder(encoding or detect_encoding(data))("replace")
    except LookupError:
        raise _refuse_encoding(encoding) from None
    return decoder.decode(data).removeprefix("\ufeff")


def _refuse_encoding(encoding: str) -> InputError:
    return InputError(f"There is no encoding {encoding!r}. Give utf-8, utf-16, latin-1, cp1252 …")
