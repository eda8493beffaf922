from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy")

from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.predictors.model.calibration import Calibration
from goldspan.predictors.model.encoding import EncodedText
from goldspan.predictors.model.runtime import TextOutputs
from goldspan.training.artifact.calibrate import calibrate
from goldspan.training.artifact.outputs import GoldOutputs


@pytest.mark.parametrize("entities", [(), (Entity(0, 1, "X"),)])
def test_a_recall_is_promised_only_where_it_was_measured(entities: tuple[Entity, ...]) -> None:
    starts = np.array([0, 2], dtype=np.int64)
    encoded = EncodedText(starts, starts, starts + 1, np.array([0, 1]), (), ())
    logs = np.log(np.array([[0.1, 0.8, 0.1], [0.9, 0.05, 0.05]], dtype=np.float32))
    gold = Annotation(Author.person("1"), entities)
    found = calibrate(
        GoldOutputs(("a b",), (gold,), (encoded,), (TextOutputs(logs, logs, logs, logs),), ("O", "B-X", "I-X"))
    )
    assert (found == Calibration()) is not bool(entities)
    assert len(found.points) == (3 if entities else 0)
