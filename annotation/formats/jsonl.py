"""Flat JSONL for other tools: text, entities and mentions with offsets on each line."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.types import Annotation, Sample


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
