"""Pictures of text."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont


def draw_text(lines: Sequence[str], size: tuple[int, int] = (560, 180), height: int = 30) -> Image.Image:
    """Black lines on white, the first 40 pixels from the corner."""
    picture = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(height)
    for number, line in enumerate(lines):
        draw.text((40, 40 + 2 * height * number), line, font=font, fill=0)
    return picture


def encode(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """The bytes of a picture file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()
