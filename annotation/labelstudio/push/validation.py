"""Validate samples before a push: Label Studio stores almost anything and fails on it later.

A sample passes when our checks find no error and its task matches the JSON Schema, narrowed to the label schema that
the labelling config is built from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from goldspan.annotation.errors import RecordError
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.fields import ABOUT_FIELD, CONTROL_FIELD, describe_task, list_columns
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.push.selection import is_control
from goldspan.annotation.labelstudio.push.spool import Spool, SpoolEntry
from goldspan.annotation.tasks.store import prepare_task
from goldspan.annotation.tombstones import NOTHING, Tombstones
from goldspan.annotation.types import Sample

_UNLISTABLE = re.compile(r"""[,"'\\]|\A\s|\s\Z""")
"""Forbidden in a model version, because Label Studio's task list joins versions by commas."""

_PREDICTION_FIELDS = ("model_version", "score", "result")


class TaskValidator:
    """Converts samples to valid tasks; a `control_share` of them have no pre-annotations.

    In a project about personal data the regions of predictions hold offsets and no words, unless `keeps_text`.
    """

    def __init__(
        self,
        labels: LabelSchema,
        control_share: float = 0.0,
        erased: Tombstones = NOTHING,
        *,
        keeps_text: bool = False,
    ) -> None:
        self._labels, self._erased = labels, erased
        self._control_share = control_share
        self._keeps_text = keeps_text or not labels.purpose.is_pii

    def make_task(self, sample: Sample) -> dict[str, Any]:
        """The task to send: data and predictions. Annotations are made by people in Label Studio.

        Raises:
            RecordError: a check or the JSON Schema refuses it, or it was erased.
        """
        self._erased.refuse(sample.sample_id, sample.text)
        task = prepare_task(replace(sample, annotations=sample.predictions), self._labels)
        predictions = [
            {name: item[name] for name in _PREDICTION_FIELDS if name in item} for item in task["predictions"]
        ]
        for prediction in predictions:
            if _UNLISTABLE.search(prediction["model_version"]):
                raise RecordError("a model_version may not hold commas, quotes, backslashes or blanks at its ends")
        if not self._keeps_text:
            predictions = [{**item, "result": _drop_text(item["result"])} for item in predictions]
        data = task["data"]
        columns = list_columns(data["provenance"])
        data |= {**columns, ABOUT_FIELD: describe_task(data, columns)}
        if is_control(data["sample_id"], self._control_share):
            data[CONTROL_FIELD] = "yes"
            data["provenance"]["control"] = True
            predictions = []
        return {"data": data, "predictions": predictions}


def _drop_text(result: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The regions without the words they mark."""
    return [
        {**item, "value": {name: value for name, value in item["value"].items() if name != "text"}}
        if "value" in item
        else item
        for item in result
    ]


def fill_spool(spool: Spool, samples: Iterable[Sample], validator: TaskValidator) -> list[RefusedSample]:
    """Put valid samples into the spool; returns the refused ones with their reasons."""
    refused: list[RefusedSample] = []
    for _ in spool_samples(spool, samples, validator, refused):
        pass
    return refused


def spool_samples(
    spool: Spool, samples: Iterable[Sample], validator: TaskValidator, refused: list[RefusedSample]
) -> Iterator[SpoolEntry]:
    """Put valid samples into the spool one at a time, and the others with their reasons into `refused`."""
    for sample in samples:
        try:
            task = validator.make_task(sample)
        except RecordError as error:
            refused.append(RefusedSample(identify_sample(sample), str(error)))
            continue
        if task["data"]["sample_id"] in spool.entries:
            refused.append(
                RefusedSample(
                    identify_sample(sample), "duplicate: the same sample_id came twice; the first one is used"
                )
            )
        else:
            yield spool.add(task)
