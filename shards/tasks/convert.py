"""Convert the records of a shard: outside formats to samples, and samples to outside formats."""

from __future__ import annotations

from pathlib import Path

from goldspan.annotation.errors import InputError
from goldspan.annotation.formats.importing import ImportOptions, ImportReport, import_files
from goldspan.annotation.formats.registry import export_samples, get_format
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.shards.report import ShardCounts
from goldspan.shards.tasks.base import ShardTask, replace_ending


class ImportTask(ShardTask):
    """Settings: the fields of `ImportOptions`."""

    def name_output(self, name: str) -> str:
        """Samples are JSONL."""
        return replace_ending(name, ".jsonl")

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Read the rows and write samples."""
        counts, report = ShardCounts(), ImportReport()
        settings = {**self.settings, "tag_names": tuple(self.settings.get("tag_names", ()))}
        samples = import_files([source], self.labels, ImportOptions(**settings), counts.refuse, report)
        counts.counts["samples"] = write_samples(target, samples, self.labels, counts.refuse)
        counts.counts.update(rows=report.rows, spans=report.spans)
        counts.tally("unmapped_labels").update(report.unmapped)
        return counts


class ExportTask(ShardTask):
    """Settings: `format`, a name of `goldspan samples export --list-formats` whose result is one file."""

    def name_output(self, name: str) -> str:
        """The ending is that of the format.

        Raises:
            InputError: the format is a folder.
        """
        chosen = get_format(self.settings["format"])
        if not chosen.suffix:
            raise InputError(f"The format {chosen.name} is a folder of files; shards are exported to single files.")
        return replace_ending(name, chosen.suffix)

    def process(self, source: Path, target: Path, name: str) -> ShardCounts:
        """Write the best annotation of each sample; what the format cannot hold is counted."""
        counts = ShardCounts()
        samples = read_samples([source], self.labels, counts.refuse)
        report = export_samples(self.settings["format"], target, samples, self.labels)
        counts.counts["samples"] = report.samples
        counts.tally("losses").update(report.losses)
        return counts
