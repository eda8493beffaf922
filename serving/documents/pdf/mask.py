"""PDF: pages keep their layout without the masked characters (`keep`), or become pictures (`raster`, `scan`).

In both, nothing but the pages is carried over: no metadata, outline, annotations, form fields, structure, attachments,
scripts or earlier revisions. With `keep`, a page about which anything is in doubt becomes a picture. Scanned pages,
and with `scan` all of them, are read by OCR beside their text and become pictures.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.annotation.wording import format_count
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings
from goldspan.serving.documents.flow import PAGE_LINES, Run, mask_runs, search_values
from goldspan.serving.documents.ocr.base import OcrEngine, OcrPage
from goldspan.serving.documents.ocr.registry import read_picture, require_ocr
from goldspan.serving.documents.pdf.check import Picture, find_bad_pages
from goldspan.serving.documents.pdf.fonts import UnclearPageError
from goldspan.serving.documents.pdf.glyphs import find_doubtful_pages
from goldspan.serving.documents.pdf.keep import Edit, KeptPage, add_page, plan_page
from goldspan.serving.documents.pdf.raster import OCR_DPI, add_picture, digest_picture, draw_page, render_page
from goldspan.serving.documents.pdf.text import PdfPage, open_pdf, read_pdf


@dataclass(slots=True)
class _Page:
    """A page, the words that OCR read on it, and what is masked in both."""

    content: PdfPage
    ocr: OcrPage | None = None
    edits: Sequence[Edit] = ()
    ocr_edits: Sequence[Edit] = ()


async def mask_pdf(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a PDF.

    Raises:
        InputError: it cannot be read, two readers find other pages in it, or it has a scanned page and there is no OCR.
        MaskingError: the written file fails a check.
    """
    pages = [_Page(content) for content in await asyncio.to_thread(read_pdf, source)]
    note = ""
    if settings.pdf == "scan":
        doubtful = set(range(len(pages)))
    else:
        contents = [page.content for page in pages]
        doubtful, note = await asyncio.to_thread(find_doubtful_pages, source, contents, settings.ocr)
    for number in doubtful:
        pages[number].content = replace(pages[number].content, scanned=True)
    scans = [number for number, page in enumerate(pages) if page.content.scanned]
    engine = require_ocr(settings.ocr, f"{source.name}, page {scans[0] + 1} is a picture; it") if scans else None
    if engine is not None:
        await asyncio.to_thread(_read_scans, source, pages, scans, engine)
    runs = [Run(text, "\n\n") for page in pages for text in (page.content.text, page.ocr.text if page.ocr else "")]
    result = await mask_runs(runs, masker, settings.language, settings.country, wrapped=PAGE_LINES)
    for page, edits, ocr_edits in zip(pages, result.edits[::2], result.edits[1::2], strict=True):
        page.edits, page.ocr_edits = edits, ocr_edits
    written, left_out = await asyncio.to_thread(_write, source, target, pages, result.values, settings.pdf == "keep")
    if engine is not None:
        changed = [number for number in scans if pages[number].ocr_edits or pages[number].edits]
        await asyncio.to_thread(_read_again, target, pages, changed, engine, result.values)
    counts = FileCounts()
    counts.add(runs, result)
    counts.notes += [*_describe(pages, written, engine), *left_out]
    if doubtful and settings.pdf != "scan":
        note = f"read {format_count(len(doubtful), 'page')} by OCR too: what they show may differ from their text"
    counts.notes += [note] if note else []
    return counts


def read_page_texts(source: Path, ocr: str) -> list[str]:
    """The text of each page, that of scanned pages by OCR.

    Raises:
        InputError: the file cannot be read, or has a scanned page and there is no OCR.
    """
    pages = [_Page(content) for content in read_pdf(source)]
    scans = [number for number, page in enumerate(pages) if page.content.scanned]
    if scans:
        _read_scans(source, pages, scans, require_ocr(ocr, f"Page {scans[0] + 1} is a picture; it"))
    return ["\n".join(filter(None, (page.content.text, page.ocr.text if page.ocr else ""))) for page in pages]


def _read_scans(source: Path, pages: Sequence[_Page], scans: Sequence[int], engine: OcrEngine) -> None:
    for number in scans:
        with open_pdf(source) as document:
            picture = render_page(document[number], pages[number].content, OCR_DPI)
        pages[number].ocr = read_picture(engine, picture)


def _read_again(
    target: Path, pages: Sequence[_Page], numbers: Sequence[int], engine: OcrEngine, values: frozenset[str]
) -> None:
    """Read the covered pictures once more: no masked value may be legible."""
    for number in numbers:
        with open_pdf(target) as document:
            picture = render_page(document[number], pages[number].content, OCR_DPI)
        search_values(values, [read_picture(engine, picture).text], f"page {number + 1}")


def _write(
    source: Path, target: Path, pages: Sequence[_Page], values: frozenset[str], keep: bool
) -> tuple[Sequence[KeptPage | Picture], list[str]]:
    """Write the file, and again with those pages as pictures that failed a check; its pages, and what was left out."""
    import pikepdf

    with pikepdf.open(source) as original:
        if len(original.pages) != len(pages):
            raise InputError(
                f"{source.name} has {len(pages)} pages for one reader, {len(original.pages)} for another; save it anew."
            )
        planned: list[KeptPage | None] = [
            _plan(original.pages[number], page) if keep and page.ocr is None else None
            for number, page in enumerate(pages)
        ]
        contents = [page.content for page in pages]
        for final in (False, True):
            written = _write_pages(source, target, pages, planned, original)
            try:
                bad = find_bad_pages(source, target, written, contents, values)
            except MaskingError:
                if final or not any(planned):
                    raise
                bad = dict.fromkeys(range(len(pages)), "the file fails a check")
            if not bad:
                return written, _describe_left_out(original)
            number, reason = next(iter(bad.items()))
            if final or not any(planned[number] for number in bad):
                raise MaskingError(f"{source.name}, page {number + 1}: {reason}.")
            planned = [None if number in bad else page for number, page in enumerate(planned)]
    raise AssertionError


def _plan(page: Any, content: _Page) -> KeptPage | None:
    try:
        return plan_page(page, content.content, content.edits)
    except UnclearPageError:
        return None


def _write_pages(
    source: Path, target: Path, pages: Sequence[_Page], planned: Sequence[KeptPage | None], original: Any
) -> Sequence[KeptPage | Picture]:
    import pikepdf

    written: list[KeptPage | Picture] = []
    with pikepdf.new() as output, open_pdf(source) as document:
        for number, (page, kept) in enumerate(zip(pages, planned, strict=True)):
            if kept is not None:
                add_page(output, original.pages[number], kept)
                written.append(kept)
                continue
            picture = draw_page(document[number], page.content, page.edits, page.ocr, page.ocr_edits)
            add_picture(output, picture, page.content)
            written.append((page.content, digest_picture(picture)))
        output.save(target, compress_streams=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    return written


def _describe(pages: Sequence[_Page], written: Sequence[KeptPage | Picture], engine: OcrEngine | None) -> list[str]:
    pictures = sum(isinstance(page, tuple) for page in written)
    notes = [f"kept the layout of {format_count(len(written) - pictures, 'page')}, rasterised {pictures}"]
    if engine is not None:
        read = format_count(sum(page.ocr is not None for page in pages), "scanned page")
        notes.append(f"read {read} with {engine.name}; what it cannot read stays visible")
    if covered := sum(len(page.content.pictures) for page in pages if page.ocr is None):
        notes.append(f"covered {format_count(covered, 'picture')}, which cannot be read")
    if unreadable := sum(len(page.content.unreadable) for page in pages):
        notes.append(f"covered {format_count(unreadable, 'character')} without a known meaning")
    return notes


def _describe_left_out(original: Any) -> list[str]:
    """What a reader may miss in the written file."""
    import pikepdf

    lists = [page["/Annots"] for page in original.pages if isinstance(page.get("/Annots"), pikepdf.Array)]
    kinds = Counter(str(one.get("/Subtype")) for found in lists for one in found if hasattr(one, "keys"))
    fields, links = kinds["/Widget"], kinds["/Link"]
    left_out = {
        "form field": fields,
        "comment": kinds.total() - fields - links,
        "attached file": len(original.attachments),
    }
    return [f"left out {format_count(number, what)}" for what, number in left_out.items() if number]
