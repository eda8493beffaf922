from __future__ import annotations

import pytest

from goldspan.annotation.errors import ConfigurationError
from goldspan.predictors.model.calibration import Calibration, OperatingPoint

CALIBRATION = Calibration(
    1.5, 0.2, 0.1, ((0.6, 0.5, 10),), (OperatingPoint(0.95, 2.0, 0.7, 0.96, 0.8),), ((0.0, 0.9, 0.8),), {"CITY": 0.3}
)


def test_it_survives_its_json() -> None:
    assert Calibration.from_json(CALIBRATION.to_json()) == CALIBRATION


def test_an_operating_point_sets_the_bias() -> None:
    assert CALIBRATION.choose(0.95).bias == 2.0
    assert CALIBRATION.choose().thresholds == {"CITY": 0.3}
    assert CALIBRATION.choose(threshold=0.5).thresholds == {}
    with pytest.raises(ConfigurationError, match=r"it has 0\.95"):
        CALIBRATION.choose(0.9)
