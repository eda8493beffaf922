"""Tesseract, where its program is installed: words with boxes and confidence from its TSV output."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from itertools import groupby
from typing import TYPE_CHECKING

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.serving.documents.ocr.base import OcrEngine, OcrPage, OcrWord, order_lines

if TYPE_CHECKING:
    from PIL.Image import Image

_SECONDS = 300


def is_installed() -> bool:
    """True if the program is in the path."""
    return shutil.which("tesseract") is not None


class TesseractEngine(OcrEngine):
    """The program `tesseract`; `languages` as it takes them, for example `eng+deu`."""

    name = "tesseract"

    def __init__(self, languages: str = "eng") -> None:
        program = shutil.which("tesseract")
        if program is None:
            raise ConfigurationError("The program tesseract is not installed; use rapidocr, or install it first.")
        self._command = [program, "stdin", "stdout", "-l", languages, "--psm", "3", "tsv"]

    def read(self, picture: Image) -> OcrPage:
        """The words of a picture."""
        data = io.BytesIO()
        picture.convert("RGB").save(data, "PNG")
        try:
            done = subprocess.run(
                self._command, input=data.getvalue(), capture_output=True, timeout=_SECONDS, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ServiceError(f"tesseract cannot be run ({type(error).__name__}).") from None
        if done.returncode:
            raise ServiceError(f"tesseract ended with exit code {done.returncode}.")
        return parse_tsv(done.stdout.decode("utf-8", "replace"), picture.width, picture.height)


def parse_tsv(output: str, width: int, height: int) -> OcrPage:
    """The words of Tesseract's TSV output (level 5 rows; confidence in percent).

    Raises:
        ServiceError: it is no such output.
    """
    rows = csv.DictReader(io.StringIO(output), delimiter="\t", quoting=csv.QUOTE_NONE)
    try:
        words = [
            (
                (row["block_num"], row["par_num"], row["line_num"]),
                OcrWord(
                    row["text"],
                    (
                        float(row["left"]),
                        float(row["top"]),
                        float(row["left"]) + float(row["width"]),
                        float(row["top"]) + float(row["height"]),
                    ),
                    float(row["conf"]) / 100,
                ),
            )
            for row in rows
            if row["level"] == "5" and row["text"]
        ]
    except (KeyError, TypeError, ValueError):
        raise ServiceError("tesseract gave an output that cannot be read.") from None
    lines = [[word for _, word in group] for _, group in groupby(words, key=lambda pair: pair[0])]
    return order_lines(lines, width, height)
