"""Pictures: words are read by OCR, masked words are covered, and a picture without metadata is written.

What OCR cannot read stays visible: faces, signatures, handwriting. Words that it reads with doubt are covered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.errors import InputError, MaskingError
from goldspan.annotation.wording import format_count
from goldspan.masking.mask import Masker
from goldspan.serving.documents.base import FileCounts, FileSettings, read_document
from goldspan.serving.documents.flow import PAGE_LINES, Run, mask_runs, search_values
from goldspan.serving.documents.ocr.registry import read_picture, require_ocr
from goldspan.serving.documents.pdf.areas import Area
from goldspan.serving.documents.pdf.raster import cover_areas, place_words

if TYPE_CHECKING:
    from PIL.Image import Image

_KINDS = {
    **dict.fromkeys((".jpg", ".jpeg"), "JPEG"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    ".png": "PNG",
    ".bmp": "BMP",
    ".webp": "WEBP",
}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_deflate"},
}
_MAX_PIXELS = 40_000_000
_MAX_FRAMES = 200
_LOSS = 48
"""Levels by which a pixel of a covered area may differ after JPEG's compression."""


async def mask_image(source: Path, target: Path, masker: Masker, settings: FileSettings) -> FileCounts:
    """Mask a picture, or a TIFF of several.

    Raises:
        InputError: it is no picture, is too large, or no OCR engine is installed.
        MaskingError: the written file fails a check.
    """
    engine = require_ocr(settings.ocr, f"{source.name}: a picture")
    frames = await asyncio.to_thread(_open_frames, source)
    pages = [await asyncio.to_thread(read_picture, engine, frame) for frame in frames]
    runs = [Run(page.text, "\n\n") for page in pages]
    result = await mask_runs(runs, masker, settings.language, settings.country, wrapped=PAGE_LINES)
    covered = [
        cover_areas(frame, *place_words(page, edits))
        for frame, page, edits in zip(frames, pages, result.edits, strict=True)
    ]
    kind = _KINDS[source.suffix.lower()]
    await asyncio.to_thread(_save, frames, target, kind)
    written = await asyncio.to_thread(_open_frames, target, kind)
    _check(written, frames, covered, source.name)
    for number, edits in enumerate(result.edits):
        if edits:
            page = await asyncio.to_thread(read_picture, engine, written[number])
            search_values(result.values, [page.text], source.name)
    counts = FileCounts()
    counts.add(runs, result)
    counts.notes.append(f"read with {engine.name}; what it cannot read stays visible")
    if unsure := sum(len(page.list_unsure()) for page in pages):
        counts.notes.append(f"covered {format_count(unsure, 'word')} read with doubt")
    return counts


def _open_frames(path: Path, kind: str = "") -> list[Image]:
    """The pictures of a file, upright, as RGB without anything else."""
    import io

    from PIL import Image as Images
    from PIL import ImageOps, UnidentifiedImageError

    kind = kind or _KINDS[path.suffix.lower()]
    try:
        with Images.open(io.BytesIO(read_document(path)), formats=[kind]) as opened:
            count = getattr(opened, "n_frames", 1)
            if count > (_MAX_FRAMES if kind == "TIFF" else 1):
                raise InputError(
                    f"{path.name} has {count} pictures; only TIFF files may have several, up to {_MAX_FRAMES}."
                )
            frames = []
            for number in range(count):
                opened.seek(number)
                if opened.width * opened.height > _MAX_PIXELS:
                    raise InputError(f"{path.name} has more than {_MAX_PIXELS:,} pixels.")
                frames.append(_flatten(ImageOps.exif_transpose(opened)))
            return frames
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Images.DecompressionBombError) as error:
        raise InputError(f"{path.name} is not a {kind} picture that can be read ({type(error).__name__}).") from None


def _flatten(picture: Image) -> Image:
    """The picture on white: what is transparent could hide text."""
    from PIL import Image as Images

    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return Images.frombytes("RGB", picture.size, picture.convert("RGB").tobytes())
    ground = Images.new("RGB", picture.size, (255, 255, 255))
    layer = picture.convert("RGBA")
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground


def _save(frames: Sequence[Image], target: Path, kind: str) -> None:
    more: dict[str, Any] = {"save_all": True, "append_images": list(frames[1:])} if len(frames) > 1 else {}
    frames[0].save(target, kind, **_OPTIONS.get(kind, {}), **more)


def _check(written: Sequence[Image], frames: Sequence[Image], covered: Sequence[Sequence[Area]], name: str) -> None:
    from PIL import ImageChops

    if [one.size for one in written] != [one.size for one in frames]:
        raise MaskingError(f"{name}: the picture was not written as it was covered.")
    for one, other, areas in zip(written, frames, covered, strict=True):
        difference = ImageChops.difference(one, other)
        for left, top, right, bottom in areas:
            box = (int(left), int(top), int(right) + 1, int(bottom) + 1)
            if max(high for _, high in difference.crop(box).getextrema()) > _LOSS:  # type: ignore[misc]
                raise MaskingError(f"{name}: a covered area was not written as it was covered.")
