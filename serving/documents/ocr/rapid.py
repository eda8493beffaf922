"""RapidOCR (Apache-2.0): PP-OCRv6 models that lie in its wheel, on ONNX Runtime. Nothing is downloaded."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldspan.annotation.errors import ConfigurationError, ServiceError
from goldspan.serving.documents.ocr.base import OcrEngine, OcrPage, OcrWord, order_lines

if TYPE_CHECKING:
    from PIL.Image import Image


def is_installed() -> bool:
    """True if RapidOCR can be used."""
    return find_spec("rapidocr") is not None


class RapidEngine(OcrEngine):
    """The models for detection and recognition of the wheel; Latin and CJK scripts."""

    name = "rapidocr"

    def __init__(self, threads: int = 0) -> None:
        if not is_installed():
            raise ConfigurationError("rapidocr is not installed. Add it with: pip install 'goldspan[ocr]'")
        import rapidocr

        folder = Path(rapidocr.__file__).parent / "models"
        if not list(folder.glob("*_det_*.onnx")) or not list(folder.glob("*_rec_*.onnx")):
            raise ConfigurationError("The installed rapidocr has no models in its package; nothing is downloaded.")
        self._engine = rapidocr.RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.text_score": 0.0,
                "Global.use_cls": False,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads or max(1, (os.cpu_count() or 1) // 2),
            }
        )

    def read(self, picture: Image) -> OcrPage:
        """The words of a picture."""
        import numpy

        pixels = numpy.asarray(picture.convert("RGB"))[:, :, ::-1]
        try:
            found = self._engine(pixels, return_word_box=True)
        except Exception as error:  # noqa: BLE001
            raise ServiceError(f"rapidocr failed ({type(error).__name__}).") from None
        return order_lines(list(_read_lines(found)), picture.width, picture.height)


def _read_lines(found: Any) -> Any:
    for number, line in enumerate(found.word_results if found.txts else ()):
        words = [OcrWord(str(text), _bound(box), float(score)) for text, score, box in line if box is not None]
        text = found.txts[number]
        if "".join(word.text for word in words).replace(" ", "") != text.replace(" ", ""):
            words = [OcrWord(text, _bound(found.boxes[number]), float(found.scores[number]))]
        yield words


def _bound(corners: Any) -> tuple[float, float, float, float]:
    columns, rows = [float(x) for x, _ in corners], [float(y) for _, y in corners]
    return min(columns), min(rows), max(columns), max(rows)
