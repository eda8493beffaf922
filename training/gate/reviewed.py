"""The reviewed samples of a workspace, and the records beside them that cannot be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.kiji import encode_kiji
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import DecodedTask
from goldspan.annotation.tasks.feedback import read_feedback
from goldspan.annotation.tasks.jsonl import OnError
from goldspan.annotation.tasks.store import list_files, read_tasks
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Sample


class ReviewedSamples:
    """The reviewed samples of a workspace, read anew for every pass; memory does not grow with their number.

    What cannot be read is left out; `iter_unusable` names it. A sample whose deciding review calls the document
    unusable or of another language counts as not reviewed.
    """

    def __init__(self, workspace: Workspace, labels: LabelSchema) -> None:
        self._workspace, self._labels = workspace, labels

    def __iter__(self) -> Iterator[Sample]:
        seen: set[str] = set()
        for _, (sample, _) in read_tasks(self._list_files(), self._labels, lambda _: None):
            if sample.reviews and sample.sample_id not in seen and not is_rejected(sample):
                seen.add(sample.sample_id)
                yield sample

    def iter_candidates(self, on_error: OnError) -> Iterator[Sample]:
        """What a bundle is chosen from: reviewed samples whose reviews can be read whole, and unreviewed ones.

        The bundle itself leaves the unreviewed ones out, and counts them.
        """
        for record, decoded in read_tasks(self._list_files(), self._labels, on_error):
            reason = _find_loss(decoded) if decoded.sample.reviews else ""
            if reason:
                on_error(RecordError(reason, file=record.file, line=record.line))
            elif is_rejected(decoded.sample):
                yield replace(decoded.sample, annotations=decoded.sample.predictions)
            else:
                yield decoded.sample

    def iter_unusable(self) -> Iterator[RecordError]:
        """What a frozen version would leave out or refuse, by file and line."""
        lost: list[RecordError] = []
        for record, decoded in read_tasks(self._list_files(), self._labels, lost.append):
            if decoded.sample.reviews and (reason := _find_reason(decoded, self._labels)):
                lost.append(RecordError(reason, file=record.file, line=record.line))
            yield from lost
            lost.clear()
        yield from lost

    def _list_files(self) -> list[Path]:
        try:
            return list_files([self._workspace.training_samples])
        except InputError:
            return []


def iter_unusable(samples: Iterable[Sample], labels: LabelSchema) -> Iterator[RecordError]:
    """Why samples cannot be bundled, one error each."""
    if isinstance(samples, ReviewedSamples):
        yield from samples.iter_unusable()
        return
    for sample in samples:
        if reason := _find_reason(DecodedTask(sample, []), labels):
            yield RecordError(reason, file=sample.sample_id)


def is_rejected(sample: Sample) -> bool:
    """True if the deciding review says that the document should not be trained on."""
    return bool(sample.reviews) and read_feedback(sample.reviews[0]).is_unusable


def _find_loss(decoded: DecodedTask) -> str:
    """Why the text or a review could not be read whole; empty if it could."""
    sample, issues = decoded
    people = {-1, *(index for index, annotation in enumerate(sample.annotations) if not annotation.author.is_model)}
    return next((f"{issue.code}: {issue.message}" for issue in issues if issue.annotation_index in people), "")


def _find_reason(decoded: DecodedTask, labels: LabelSchema) -> str:
    if loss := _find_loss(decoded):
        return loss
    try:
        encode_kiji(decoded.sample, labels)
    except RecordError as error:
        return str(error)
    return ""
