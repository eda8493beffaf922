"""What a model directory says about its own probabilities: temperature, recall bias, operating points, thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from goldspan.annotation.errors import ConfigurationError
from goldspan.predictors.model.decode import DecodingOptions


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A bias that was chosen on the validation split for a recall, and what it gave there (rates 0 to 1)."""

    recall_wanted: float
    bias: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Read from `calibration.json`.

    `error_before` and `error_after` are expected calibration errors; `reliability` holds rows
    `[mean confidence, share that is right, count]`; `thresholds` are per label, chosen where support allows.
    """

    temperature: float = 1.0
    error_before: float | None = None
    error_after: float | None = None
    reliability: tuple[tuple[float, float, int], ...] = ()
    points: tuple[OperatingPoint, ...] = ()
    curve: tuple[tuple[float, float, float], ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The document as it stands in a model directory."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Calibration:
        """A calibration from its checked JSON."""
        return cls(
            temperature=float(document["temperature"]),
            error_before=document["error_before"],
            error_after=document["error_after"],
            reliability=tuple((float(c), float(s), int(n)) for c, s, n in document["reliability"]),
            points=tuple(OperatingPoint(**point) for point in document["points"]),
            curve=tuple((float(b), float(p), float(r)) for b, p, r in document["curve"]),
            thresholds={label: float(value) for label, value in document["thresholds"].items()},
        )

    def choose(self, recall: float | None = None, bias: float = 0.0, threshold: float = 0.0) -> DecodingOptions:
        """Decoding options: at the operating point for `recall` if given, else with `bias`.

        Raises:
            ConfigurationError: there is no operating point for this recall.
        """
        if recall is None:
            return DecodingOptions(self.temperature, bias, threshold, {} if threshold else self.thresholds)
        for point in self.points:
            if abs(point.recall_wanted - recall) < 1e-9:
                return DecodingOptions(self.temperature, point.bias, threshold)
        known = ", ".join(f"{point.recall_wanted:g}" for point in self.points) or "none"
        raise ConfigurationError(
            f"The model has no operating point for a recall of {recall:g}; it has {known}. Leave the option recall "
            "out, or set a bias."
        )
