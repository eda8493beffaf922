"""What every document format offers, and what masking a file reports."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.types import Annotation
from goldspan.masking.mask import Masker
from goldspan.serving.documents.flow import MaskedRuns, Run, apply_runs, read_runs

T = TypeVar("T")

MAX_DOCUMENT = 64 * 1024 * 1024
"""Bytes of a document that is read as a whole."""

PDF_PROFILES = ("keep", "raster", "scan")
"""Pages keep their layout; become pictures; become pictures that OCR reads beside the text of the page."""

OCR_NAMES = ("auto", "off", "rapidocr", "tesseract", "mistral")
"""`auto`: rapidocr, else tesseract, as installed; `off`: pictures are not read; `mistral` sends them to its server."""

READ_AHEAD = 16
"""Rows whose predictions are asked for at the same time."""


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """A column or JSON path to mask. `label`: its values are entities of this label; empty: they are read as text."""

    name: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class FileSettings:
    """How files are masked.

    `fields`: the columns or paths of tables; empty: every value. `pdf`: one of `PDF_PROFILES`. `ocr`: the engine for
    pictures and scanned pages, one of `OCR_NAMES`.
    """

    language: str = ""
    country: str = ""
    fields: tuple[FieldChoice, ...] = ()
    pdf: str = "keep"
    ocr: str = "auto"


def make_settings(
    language: str = "",
    country: str = "",
    fields: tuple[FieldChoice, ...] = (),
    pdf: str = "keep",
    ocr: str = "auto",
) -> FileSettings:
    """Settings from what a user gave.

    Raises:
        UnknownNameError: `pdf` or `ocr` is not known.
    """
    if pdf not in PDF_PROFILES:
        raise UnknownNameError("PDF profile", pdf, PDF_PROFILES)
    if ocr not in OCR_NAMES:
        raise UnknownNameError("OCR engine", ocr, OCR_NAMES)
    return FileSettings(language, country, fields, pdf, ocr)


@dataclass(slots=True)
class FileCounts:
    """What was masked in a file: units read (the document, or rows), characters, replacements by label."""

    units: int = 0
    characters: int = 0
    below_threshold: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, runs: Iterable[Run], result: MaskedRuns) -> None:
        """Count one masked unit."""
        self.units += 1
        self.characters += sum(len(run.text) for run in runs)
        self.below_threshold += result.masked.below_threshold
        self.labels.update(result.masked.counts)


DocumentMasker = Callable[[Path, Path, Masker, FileSettings], Awaitable[FileCounts]]
"""Masks one file into another, and checks what it wrote before it returns.

The masker shares its replacements over the file. Errors leave an output that nobody may use: the caller removes it.
"""


async def mask_units(
    units: Iterable[tuple[list[Run], T]], masker: Masker, settings: FileSettings
) -> AsyncIterator[tuple[list[Run], T, MaskedRuns]]:
    """Mask units in their order; predictions are read ahead."""
    language, country = settings.language, settings.country
    waiting: deque[tuple[list[Run], T, asyncio.Task[Annotation]]] = deque()
    source = iter(units)
    try:
        while True:
            for runs, handle in islice(source, READ_AHEAD - len(waiting)):
                task = asyncio.create_task(read_runs(runs, masker, language, country))
                waiting.append((runs, handle, task))
            if not waiting:
                return
            runs, handle, task = waiting.popleft()
            yield runs, handle, apply_runs(runs, await task, masker, language, country)
    finally:
        for _, _, task in waiting:
            task.cancel()


def read_document(path: Path) -> bytes:
    """The bytes of a document.

    Raises:
        InputError: it cannot be read, or is longer than `MAX_DOCUMENT`.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder; give a file.")
    try:
        size = path.stat().st_size
        if size > MAX_DOCUMENT:
            raise InputError(
                f"{path} has {size:,} bytes; documents of more than {MAX_DOCUMENT:,} are not read. Split it."
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def choose_fields(fields: tuple[FieldChoice, ...]) -> Mapping[str, str]:
    """The label of each chosen field by its name."""
    return {field.name: field.label for field in fields}
