"""Which formats can be masked, and the module of each; every other is refused by name."""

from __future__ import annotations

import importlib
from pathlib import Path

from goldspan.annotation.errors import InputError
from goldspan.serving.documents.base import DocumentMasker

_FORMATS = {
    ".txt": "plain:mask_plain",
    ".text": "plain:mask_plain",
    ".md": "plain:mask_plain",
    ".markdown": "plain:mask_plain",
    ".log": "plain:mask_plain",
    ".ics": "plain:mask_plain",
    ".vcf": "plain:mask_plain",
    ".html": "markup:mask_markup",
    ".htm": "markup:mask_markup",
    **dict.fromkeys((".eml", ".mht", ".mhtml"), "mail:mask_mail"),
    ".csv": "delimited:mask_delimited",
    ".tsv": "delimited:mask_delimited",
    ".jsonl": "json_text:mask_json_lines",
    ".ndjson": "json_text:mask_json_lines",
    ".json": "json_text:mask_json",
    ".parquet": "parquet:mask_parquet",
    ".pdf": "pdf.mask:mask_pdf",
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"), "image:mask_image"),
    ".docx": "office:mask_office",
    ".xlsx": "office:mask_office",
    ".pptx": "office:mask_office",
}
TABLES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet"})
"""Formats of which columns or paths can be chosen."""


def list_formats() -> tuple[str, ...]:
    """The endings of the files that can be masked, sorted."""
    return tuple(sorted(_FORMATS))


def find_document_masker(path: Path) -> DocumentMasker:
    """What masks files of this ending.

    Raises:
        InputError: files of this ending are not masked.
    """
    target = _FORMATS.get(path.suffix.lower())
    if target is None:
        ending = path.suffix or "no ending"
        raise InputError(f"{path}: files with {ending} are not masked. Known: {' '.join(list_formats())}.")
    module, _, function = target.partition(":")
    found: DocumentMasker = getattr(importlib.import_module(f"goldspan.serving.documents.{module}"), function)
    return found
