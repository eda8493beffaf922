"""Flat JSONL for other tools: text, entities and mentions with offsets on each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.errors import RecordError
from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import OnError, raise_error, read_records
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans


def write_jsonl(path: Path, samples: Iterable[Sample]) -> ExportReport:
    """Write the best annotation of each sample and return the loss report."""
    losses = LossCounter()
    with AtomicFile(path) as stream:
        for sample in samples:
            best = losses.take_best(sample)
            losses.lose_details(best)
            stream.write(orjson.dumps(encode_flat(sample, best), option=orjson.OPT_APPEND_NEWLINE))
    return losses.report()


def encode_flat(sample: Sample, annotation: Annotation | None) -> dict[str, Any]:
    """A sample with one of its annotations as flat JSON."""
    return {
        "id": sample.sample_id or make_sample_id(sample.text, sample.language),
        "text": sample.text,
        "language": sample.language,
        "country": sample.country,
        "document_type": sample.document_type,
        "author": {"kind": annotation.author.kind, "name": annotation.author.name} if annotation else None,
        "entities": [
            {"start": e.start, "end": e.end, "label": e.label, "value": sample.text[e.start : e.end]}
            for e in (annotation.entities if annotation else ())
        ],
        "mentions": [
            {"start": m.start, "end": m.end, "kind": m.label, "cluster": m.cluster}
            for m in (annotation.mentions if annotation else ())
        ],
        "provenance": dict(sample.provenance),
    }


def read_jsonl(path: Path, labels: LabelSchema, on_error: OnError = raise_error) -> Iterator[Sample]:
    """Samples of a flat JSONL file; a record that cannot be read goes to `on_error`."""
    for record in read_records(path, on_error):
        try:
            yield _decode(record.value, labels)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"{type(error).__name__}: {error}"
            on_error(RecordError(f"not a flat record: {reason}", file=record.file, line=record.line))


def _decode(value: dict[str, Any], labels: LabelSchema) -> Sample:
    author = value["author"]
    text = value["text"]
    entities = sort_spans(Entity(e["start"], e["end"], e["label"]) for e in value["entities"])
    mentions = sort_spans(Mention(m["start"], m["end"], m["kind"], m["cluster"]) for m in value["mentions"])
    spans: list[Entity | Mention] = [*entities, *mentions]
    for span in spans:
        if span.label not in labels or not 0 <= span.start < span.end <= len(text):
            raise ValueError(f"the span {span.start}–{span.end} {span.label} is unknown or outside the text")
    annotations = (Annotation(Author(author["kind"], author["name"]), entities, mentions),) if author else ()
    return Sample(
        text,
        value["language"],
        value["country"],
        value["document_type"],
        annotations,
        value["provenance"],
        value["id"],
    )
