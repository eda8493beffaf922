"""Gold of other people: samples of ours, or JSONL rows whose spans have a label of the schema or only a group.

A row is `{"id", "language", "text", "spans": [{"start", "end", "label" | "group"}]}`, offsets in code points. A span
with a group gets a label of that group; such gold is compared group by group. Each span of a person also becomes a
mention, so that a first name and a surname found in it count as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import JsonRecord, read_records
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans
from goldspan.evaluation.matching.levels import Level


@dataclass(frozen=True, slots=True)
class ExternalGold:
    """Samples with gold, the level at which they may be compared, and the groups that the source labels."""

    name: str
    samples: tuple[Sample, ...]
    level: Level
    groups: frozenset[str]


def read_external(path: Path, labels: LabelSchema) -> ExternalGold:
    """Read a file of gold.

    Raises:
        InputError: it cannot be read or holds no sample.
        RecordError: a row is neither of the two shapes.
    """
    first = next(iter(read_records(path)), None)
    if first is None:
        raise InputError(f"{path} holds no samples.")
    if "spans" not in first.value:
        samples = tuple(sample for sample in read_samples([path], labels) if sample.best)
        return ExternalGold(path.stem, samples, Level.LABEL, frozenset(label.group for label in labels.entities))
    rows = [_read_row(record, labels) for record in read_records(path)]
    samples = tuple(sample for sample, _ in rows)
    coarse = any(grouped for _, grouped in rows)
    found = {labels[e.label].group for sample in samples if sample.best for e in sample.best.entities}
    return ExternalGold(path.stem, samples, Level.GROUP if coarse else Level.LABEL, frozenset(found))


def _read_row(record: JsonRecord, labels: LabelSchema) -> tuple[Sample, bool]:
    row = record.value
    text, spans = row.get("text"), row.get("spans")
    if not isinstance(text, str) or not isinstance(spans, list):
        raise RecordError('expected "text" and "spans"', file=record.file, line=record.line)
    entities, mentions = [], []
    grouped = False
    for span in spans:
        entity, coarse = _read_span(span, len(text), labels, record)
        grouped |= coarse
        entities.append(entity)
        if labels[entity.label].group == "PERSON":
            mentions.append(Mention(entity.start, entity.end, "MENTION"))
    language = str(row.get("language") or "")
    gold = Annotation(Author.person("gold"), sort_spans(entities), sort_spans(mentions))
    identity = str(row.get("id") or make_sample_id(text, language))
    return Sample(text, language, annotations=(gold,), sample_id=identity), grouped


def _read_span(span: Any, length: int, labels: LabelSchema, record: JsonRecord) -> tuple[Entity, bool]:
    start, end = (span.get("start"), span.get("end")) if isinstance(span, dict) else (None, None)
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= length:
        raise RecordError("a span has no start and end inside the text", file=record.file, line=record.line)
    name, group = span.get("label"), span.get("group")
    if isinstance(name, str) and name in labels.entity_codes:
        return Entity(start, end, name), False
    label = next((label.code for label in labels.entities if label.group == group), None)
    if label is None:
        said = orjson.dumps(name or group).decode()[:60]
        raise RecordError(f"the schema has no label or group {said}", file=record.file, line=record.line)
    return Entity(start, end, label), True
