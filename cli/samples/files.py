"""Sample files as `goldspan samples` takes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import RecordError
from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.shared.exits import Exit

if TYPE_CHECKING:
    from goldspan.annotation.corpus.outline import Outline


FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE", help="JSONL, JSON, or a folder of them")]
ThresholdOption = Annotated[
    float, typer.Option(min=0.1, max=1.0, help="Jaccard similarity of word trigrams for near-duplicates")
]
NO_SAMPLES = "No samples found. To import other formats: goldspan samples import FILE"


class SampleFiles:
    """Reads the same files as often as needed; refused records are named the first time."""

    def __init__(self, files: list[Path], labels: Path | None, *, unique: bool = True) -> None:
        from goldspan.cli.shared.refusals import Refusals

        self.labels = load_labels(labels)
        self._files, self._unique = files, unique
        self._refusals = Refusals()

    @property
    def refused(self) -> int:
        """How many records were refused."""
        return len(self._refusals.errors)

    @property
    def exit_code(self) -> Exit:
        """Of a command that read them."""
        return self._refusals.exit_code

    def refuse(self, error: RecordError) -> None:
        """Name a record that is left out."""
        self._refusals(error)

    def read(self) -> Any:
        """Yield the good samples."""
        from goldspan.annotation.tasks.store import read_samples

        return read_samples(self._files, self.labels, self._refusals, unique=self._unique)

    def outline(self) -> list[Outline]:
        """Read what grouping needs of each sample."""
        from goldspan.annotation.corpus.outline import outline_samples

        return outline_samples(self.read(), self.labels)

    def write(self, path: Path, numbers: set[int]) -> None:
        """Write the samples with these numbers, counted over the good records."""
        from goldspan.annotation.tasks.store import read_samples, write_samples

        again = read_samples(self._files, self.labels, lambda error: None, unique=self._unique)
        chosen = (sample for number, sample in enumerate(again) if number in numbers)
        write_samples(path, chosen, self.labels, self._refusals)
