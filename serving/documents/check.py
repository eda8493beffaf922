"""Check a masked file against its original, with a predictor that reads the original again."""

from __future__ import annotations

import html
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from goldspan.annotation.text.words import find_occurrences
from goldspan.masking.mask import Masker
from goldspan.masking.repeats import is_verifiable
from goldspan.serving.documents.base import read_document
from goldspan.serving.documents.escapes import open_escapes
from goldspan.serving.documents.plain import decode_text


@dataclass(frozen=True, slots=True)
class FileCheck:
    """How many values were searched, and how many of each label still stand in the masked file."""

    searched: int
    standing: dict[str, int]

    def describe(self) -> dict[str, Any]:
        """The check as JSON."""
        return {"searched": self.searched, "standing": self.standing, "passed": not self.standing}


async def check_masked_file(
    original: Path, masked: Path, masker: Masker, language: str = "", country: str = ""
) -> FileCheck:
    """Search the masked file for every value that the masker would mask in the original. Text formats only.

    Raises:
        InputError: a file cannot be read as text.
    """
    text, _ = decode_text(read_document(original), str(original))
    written, _ = decode_text(read_document(masked), str(masked))
    annotation = await masker.read(text, language, country)
    spans = masker.find(text, annotation, country)
    found = ((text[span.start : span.end], span) for span in spans)
    values = {value: span.label for value, span in found if is_verifiable(value, span.source)}
    forms = {written, html.unescape(written), unquote(html.unescape(written)), open_escapes(written).text}
    standing = Counter(
        label
        for value, label in values.items()
        if any(next(find_occurrences(form, value), None) is not None for form in forms)
    )
    return FileCheck(len(values), dict(sorted(standing.items())))
