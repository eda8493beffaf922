"""Predictors that tests open in processes of their own: texts say what the process is to do."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import ConfigurationError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation
from goldspan.predictors.base import Prediction, Predictor, RemotePredictor, TextInput
from tests.masking.lexicon import LexiconPredictor


class ObedientPredictor(LexiconPredictor):
    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        for text, _, _ in texts:
            if "DIE" in text:
                os.kill(os.getpid(), signal.SIGKILL)
            if "BUSY" in text:
                raise TransientServiceError("busy")
            if "CRASH" in text:
                raise ZeroDivisionError(text)
            if text.startswith("WAIT "):
                folder = Path(text.split()[1])
                (folder / "started").write_text(str(os.getpid()))
                while not (folder / "go").exists():
                    time.sleep(0.01)
        return super().predict_batch(texts)


class WaitingPredictor(RemotePredictor):
    async def predict(self, text: str, language: str = "", country: str = "") -> Prediction:
        raise NotImplementedError


def open_obedient(source: str, labels: LabelSchema, **options: Any) -> Predictor:
    if source == "missing":
        raise ConfigurationError("There is no model at missing.")
    if source == "remote":
        return WaitingPredictor()
    predictor = ObedientPredictor(labels)
    if Path(source).is_dir():
        predictor.version = _read_version(Path(source))
    return predictor


def _read_version(folder: Path) -> str:
    """The version in the file `version` of a folder; whoever reads it first replaces it with the one in `next`."""
    version = (folder / "version").read_text()
    if (folder / "next").is_file():
        (folder / "next").rename(folder / "version")
    return version
