"""Mask what a program pipes in."""

from __future__ import annotations

import codecs
import os
import sys
from typing import TYPE_CHECKING

from goldspan.annotation.errors import MaskingError

if TYPE_CHECKING:
    from goldspan.masking.mask import Masker

_BLOCK = 16_384
"""Bytes read at a time."""


async def mask_stdin(masker: Masker, language: str, country: str) -> None:
    """Mask what arrives on stdin as UTF-8, and write it as soon as it is safe; after an error nothing more is written.

    Raises:
        MaskingError: the input is not UTF-8, or has no safe boundary.
    """
    from goldspan.masking.streaming import StreamMasker

    stream, decoder = StreamMasker(masker, language, country), codecs.getincrementaldecoder("utf-8")()
    while data := os.read(sys.stdin.fileno(), _BLOCK):
        _write_stdout(await stream.feed(_decode(decoder, data)))
    _write_stdout(await stream.feed(_decode(decoder, b"", final=True)) + await stream.finish())


def _decode(decoder: codecs.IncrementalDecoder, data: bytes, *, final: bool = False) -> str:
    try:
        return decoder.decode(data, final)
    except UnicodeDecodeError:
        raise MaskingError("The input is not UTF-8; what came before it was masked.") from None


def _write_stdout(text: str) -> None:
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
