"""kiji's training files: one task with one annotation per file, named by the sample.

What its loader does, and how this writer handles it:
  - It reads `annotations[0].result`, else `predictions[0].result`: each task has exactly one annotation, the best.
  - It drops a sample with a label outside its standard set, and ignores PRONOUN, REFERENCE and MENTION.
  - It takes the regions that a relation starts from for mentions of the region it ends at and forgets their label:
    an entity that is mentioned again would vanish. So mentions get regions of their own, beside the entities.
  - It passes over samples without spans: they are written all the same and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import RecordError, UnknownNameError
from goldspan.annotation.formats.documents import write_documents
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.names import find_language
from goldspan.annotation.tasks.codec import read_task
from goldspan.annotation.tasks.jsonl import OnError, raise_error, read_records
from goldspan.annotation.tasks.store import list_files, prepare_task
from goldspan.annotation.text.pronouns import guess_mention_kind
from goldspan.annotation.types import Annotation, Sample


def encode_kiji(sample: Sample, labels: LabelSchema) -> dict[str, Any]:
    """The task that kiji's loader reads: only the best annotation, with mentions separate from entities.

    Raises:
        RecordError: the sample may not be written.
    """
    best = sample.best
    kept = (_separate_layers(best),) if best else ()
    return prepare_task(replace(sample, annotations=kept), labels)


def write_kiji(folder: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    """Write one file per sample, `<sample_id>.json`, and return the loss report.

    Raises:
        RecordError: a sample may not be written.
        StateError: the disk refused.
    """

    def encode(sample: Sample, best: Annotation | None, losses: LossCounter) -> dict[str, bytes]:
        losses.lose("negatives", best is not None and not best.entities and not best.mentions)
        return {".json": orjson.dumps(encode_kiji(sample, labels), option=orjson.OPT_INDENT_2)}

    return write_documents(folder, samples, encode)


def read_kiji(paths: Iterable[Path], labels: LabelSchema, on_error: OnError = raise_error) -> Iterator[Sample]:
    """Samples of kiji's files, also of those that its own converter wrote: mentions there have no label at all."""
    for file in list_files(paths):
        for record in read_records(file, on_error):
            try:
                sample, issues = read_task(_complete_task(record.value, labels), labels)
            except RecordError as error:
                on_error(RecordError(error.reason, file=record.file, line=record.line, pointer=error.pointer))
                continue
            if issues:
                on_error(RecordError(f"{issues[0].code}: {issues[0].message}", file=record.file, line=record.line))
            else:
                yield sample


def _separate_layers(annotation: Annotation) -> Annotation:
    taken = {entity.id for entity in annotation.entities if entity.id}
    mentions = tuple(replace(m, id="") if m.id in taken else m for m in annotation.mentions)
    return replace(annotation, mentions=mentions)


def _complete_task(task: Mapping[str, Any], labels: LabelSchema) -> Mapping[str, Any]:
    """The task with a code for the name of its language, and a guessed kind where a region has no label."""
    data = task.get("data")
    text = data.get("text") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(text, str):
        return task
    language = str(data.get("language") or "")
    with suppress(UnknownNameError):
        language = find_language(language)
    changed = {**task, "data": {**data, "language": language}} if language else dict(task)
    for name in ("annotations", "predictions"):
        annotations = task.get(name)
        if isinstance(annotations, list):
            changed[name] = [_label_regions(annotation, text, language, labels) for annotation in annotations]
    return changed


def _label_regions(annotation: Any, text: str, language: str, labels: LabelSchema) -> Any:
    result = annotation.get("result") if isinstance(annotation, Mapping) else None
    if not isinstance(result, list):
        return annotation
    regions = [item for item in result if isinstance(item, Mapping) and isinstance(item.get("value"), Mapping)]
    places = [
        (region["value"].get("start"), region["value"].get("end"))
        for region in regions
        if (region["value"].get("labels") or [""])[0] in labels.entity_codes
    ]
    return {**annotation, "result": [_label_region(item, text, language, places) for item in result]}


def _label_region(item: Any, text: str, language: str, places: list[tuple[Any, Any]]) -> Any:
    value = item.get("value") if isinstance(item, Mapping) else None
    if not isinstance(value, Mapping) or value.get("labels"):
        return item
    start, end = value.get("start"), value.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return item
    inside = any(isinstance(s, int) and isinstance(e, int) and start <= s and e <= end for s, e in places)
    kind = guess_mention_kind(text[start:end], inside, language)
    return {**item, "from_name": "mention", "value": {**value, "labels": [kind]}}
