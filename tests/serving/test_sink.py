from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import ConfigurationError, GoldspanError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.push.report import PushReport
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.serving.sink import FILE, make_sample_sink

ANNOTATION = Annotation(Author.model("masking-page"), (Entity(0, 3, "FIRSTNAME"),))


class Push:
    """Answers as told, and remembers what it was given."""

    def __init__(self, answer: PushReport | GoldspanError) -> None:
        self.answer = answer
        self.given: list[Sample] = []

    async def __call__(self, samples: list[Sample], **options: Any) -> PushReport:
        self.given += samples
        if isinstance(self.answer, GoldspanError):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PushReport(3, "Letters", created=1), "A task in the project Letters"),
        (PushReport(3, "Letters", predicted=1), "has this text already"),
        (PushReport(3, "Letters", refused=(RefusedSample("x", "no text"),)), "refused it: no text"),
        (ConfigurationError("no address"), "Next: goldspan studio push"),
        (TransientServiceError("down"), "did not take it (TransientServiceError)"),
    ],
)
async def test_a_sample_is_kept_whatever_label_studio_says(
    tmp_path: Path, labels: LabelSchema, answer: PushReport | GoldspanError, said: str
) -> None:
    push = Push(answer)
    keep = make_sample_sink(Workspace(tmp_path), labels, push)
    for text in ("Ann left", "Ann came", "Ann left"):
        message = await keep(Sample(text, "en", annotations=(ANNOTATION,)))
    assert said in message
    assert [sample.text for sample in push.given] == ["Ann left", "Ann came", "Ann left"]
    kept = list(read_samples([tmp_path / "annotation_samples" / FILE], labels))
    assert [sample.text for sample in kept] == ["Ann came", "Ann left"]
