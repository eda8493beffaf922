"""The operating points of the model behind a method: recalls that can be asked for, and what each gave."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from goldspan.predictors.model.calibration import Calibration
from goldspan.predictors.model.directory import CALIBRATION

_MAX_BYTES = 1 << 20


def find_operating_points(source: str) -> list[dict[str, Any]]:
    """The points of the first model directory of a source, measured on its validation split; empty if it has none."""
    for part in [source] if Path(source).is_dir() else source.split("+"):
        for path in (Path(part) / "quantized" / CALIBRATION, Path(part) / CALIBRATION):
            try:
                if path.stat().st_size > _MAX_BYTES:
                    continue
                calibration = Calibration.from_json(orjson.loads(path.read_bytes()))
            except (OSError, ValueError, TypeError, KeyError, AttributeError):
                continue
            return [asdict(point) for point in calibration.points]
    return []
