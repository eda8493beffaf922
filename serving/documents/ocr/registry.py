"""OCR engines by name."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from goldspan.annotation.errors import ConfigurationError, InputError, UnknownNameError
from goldspan.serving.documents.base import OCR_NAMES
from goldspan.serving.documents.ocr import rapid, tesseract
from goldspan.serving.documents.ocr.base import OcrEngine, OcrPage

if TYPE_CHECKING:
    from PIL.Image import Image

_TURN = threading.Lock()


def open_ocr(name: str) -> OcrEngine | None:
    """The engine of a name; None for `off`, and for `auto` where none is installed.

    Raises:
        UnknownNameError: there is no engine of that name.
        ConfigurationError: what it needs is missing.
    """
    if name not in OCR_NAMES:
        raise UnknownNameError("OCR engine", name, OCR_NAMES)
    if name == "off":
        return None
    if name == "auto":
        name = "rapidocr" if rapid.is_installed() else "tesseract" if tesseract.is_installed() else ""
    return _open(name) if name else None


@cache
def _open(name: str) -> OcrEngine:
    if name == "rapidocr":
        return rapid.RapidEngine()
    if name == "tesseract":
        return tesseract.TesseractEngine()
    from goldspan.serving.documents.ocr.mistral import open_mistral

    return open_mistral()


def read_picture(engine: OcrEngine, picture: Image) -> OcrPage:
    """The words of a picture; engines read one after the other, whatever thread asks."""
    with _TURN:
        return engine.read(picture)


def require_ocr(name: str, what: str) -> OcrEngine:
    """The engine of a name, for what cannot be masked without.

    Raises:
        InputError: there is none.
    """
    try:
        engine = open_ocr(name)
    except ConfigurationError as error:
        raise InputError(f"{what} has to be read by OCR. {error}") from None
    if engine is None:
        reason = "OCR is off" if name == "off" else "no engine is installed (pip install 'goldspan[ocr]')"
        raise InputError(f"{what} has to be read by OCR, and {reason}.")
    return engine
