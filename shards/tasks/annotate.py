"""Pre-annotate the texts of a shard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from goldspan.annotation.formats.importing import ImportOptions, import_files
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.loops import iterate_sync, run_sync
from goldspan.annotation.tasks.store import drop_erased, write_samples
from goldspan.annotation.tombstones import find_tombstones
from goldspan.annotation.types import Sample
from goldspan.predictors.registry import open_predictor
from goldspan.predictors.run import add_prediction
from goldspan.shards.report import ShardCounts
from goldspan.shards.tasks.base import ShardTask, replace_ending


class AnnotateTask(ShardTask):
    """Settings: `predictor`, `options`, `language`, `country`, `document_type`, `text_key`, `by_line`, `workers`."""

    def __init__(self, settings: Mapping[str, Any], labels: LabelSchema) -> None:
        super().__init__(settings, labels)
        self._workers = int(settings.get("workers", 4))
        self._predictor = open_predictor(
            settings["predictor"], labels, defaults={"workers": self._workers}, **settings.get("options", {})
        )
        names = ("language", "country", "document_type", "text_key", "by_line")
        self._reading = ImportOptions(**{name: settings[name] for name in names if name in settings})

    def name_output(self, name: str) -> str:
        """Samples are JSONL."""
        return replace_ending(name, ".jsonl")

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Read the texts and write samples with predictions; a text that the predictor fails on has none."""
        counts = ShardCounts()
        samples = import_files([source], self.labels, self._reading, counts.refuse)
        erased = find_tombstones(Path(self.settings["folder"])) if self.settings.get("folder") else None
        kept = drop_erased(samples, erased, counts.refuse) if erased else samples
        counts.counts["samples"] = write_samples(target, self._annotate(kept, counts), self.labels, counts.refuse)
        return counts

    def close(self) -> None:
        """Close the predictor."""
        run_sync(self._predictor.aclose())

    def _annotate(self, samples: Iterator[Sample], counts: ShardCounts) -> Iterator[Sample]:
        entities = counts.tally("entities")
        for outcome in iterate_sync(self._predictor.predict_many(samples, workers=self._workers)):
            if outcome.annotation is None:
                counts.counts["without_prediction"] += 1
                yield outcome.sample
            else:
                entities.update(entity.label for entity in outcome.annotation.entities)
                yield add_prediction(outcome.sample, outcome.annotation, self._predictor)
