"""Write a folder with files of its own for each sample, named by the sample."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from goldspan.annotation.files import explain_disk, make_private_folder, open_private
from goldspan.annotation.formats.loss import ExportReport, LossCounter
from goldspan.annotation.identity import identify_sample
from goldspan.annotation.tasks.workspace import make_file_name
from goldspan.annotation.types import Annotation, Sample

EncodeDocument = Callable[[Sample, Annotation | None, LossCounter], Mapping[str, bytes]]
"""The files of a sample with its best annotation, by suffix; what they cannot hold is counted."""


def write_documents(folder: Path, samples: Iterable[Sample], encode: EncodeDocument) -> ExportReport:
    """Write the files of each sample and return the loss report; an id that stands twice replaces the earlier files.

    Raises:
        StateError: the disk refused.
    """
    losses = LossCounter()
    written: set[str] = set()
    with explain_disk(folder):
        make_private_folder(folder)
        for sample in samples:
            files = encode(sample, losses.take_best(sample), losses)
            name = identify_sample(sample)
            losses.lose("repeated_samples", name in written)
            written.add(name)
            for suffix, content in files.items():
                with open(folder / make_file_name(name, suffix), "wb", opener=open_private) as stream:
                    stream.write(content)
    return losses.report()
