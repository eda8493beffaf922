"""CSV of spans, one per line, for spreadsheets. Write-only: it does not contain the texts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from goldspan.annotation.files import AtomicFile
from goldspan.annotation.formats.formulas import guard_formula
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.types import Entity, Mention, Sample

COLUMNS = ("sample_id", "language", "layer", "start", "end", "label", "cluster", "value", "author")


def write_csv(path: Path, samples: Iterable[Sample]) -> ExportReport:
    """Write the spans of the best annotation of each sample and return the loss report."""
    losses = LossCounter()
    with AtomicFile(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", newline="", write_through=True)
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        for sample in samples:
            best = losses.take_best(sample)
            losses.lose_details(best)
            losses.lose("texts")
            sample_id = identify_sample(sample)
            spans: list[Entity | Mention] = [*best.entities, *best.mentions] if best else []
            for span in spans:
                layer, cluster = ("entity", "") if isinstance(span, Entity) else ("mention", span.cluster)
                value = sample.text[span.start : span.end]
                author = best.author.name if best else ""
                row = (sample_id, sample.language, layer, span.start, span.end, span.label, cluster, value, author)
                writer.writerow(guard_formula(cell) if isinstance(cell, str) else cell for cell in row)
        text.detach()
    return losses.report()
