"""Mask the texts of a shard: any file that `goldspan mask` takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.loops import run_sync
from goldspan.masking.keys import find_key
from goldspan.masking.mask import Masker
from goldspan.masking.policy import load_policy
from goldspan.predictors.registry import open_predictor
from goldspan.serving.documents.base import FieldChoice, make_settings
from goldspan.serving.documents.files import mask_file
from goldspan.shards.report import ShardCounts
from goldspan.shards.tasks.base import ShardTask


class MaskTask(ShardTask):
    """Settings: `predictor`, `options`, `policy`, `fields` (of tables and JSON), `language`, `country`, `pdf`, `ocr`.

    Replacements agree within a document, not between shards: a vault has one writer.
    """

    def __init__(self, settings: Mapping[str, Any], labels: LabelSchema) -> None:
        super().__init__(settings, labels)
        predictor = open_predictor(settings["predictor"], labels, **settings.get("options", {}))
        self._masker = Masker(predictor, load_policy(settings["policy"], labels), labels, key=find_key())
        fields = tuple(FieldChoice(name, label) for name, label in settings.get("fields", {}).items())
        self._files = make_settings(
            settings.get("language", ""),
            settings.get("country", ""),
            fields,
            settings.get("pdf", "keep"),
            settings.get("ocr", "auto"),
        )

    def name_output(self, name: str) -> str:
        """A masked file has the name of its source."""
        return name

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Mask the file; it is written only when it is whole and checked."""
        found = run_sync(mask_file(source, target, self._masker, self._files))
        counts = ShardCounts()
        counts.counts.update(units=found.units, characters=found.characters, files=1)
        counts.tally("entities").update(found.labels)
        return counts

    def close(self) -> None:
        """Close the predictor."""
        run_sync(self._masker.predictor.aclose())
