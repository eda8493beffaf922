"""Formats by name, imported on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.formats.loss import ExportReport
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Sample


@dataclass(frozen=True, slots=True)
class Format:
    """A format: how its files end (empty: it is a folder), and how it is written and read (None: it cannot be)."""

    name: str
    suffix: str
    description: str
    write: Callable[[Path, Iterable[Sample], LabelSchema], ExportReport]
    read: Callable[[Path, LabelSchema], Iterator[Sample]] | None = None


def _write_conll(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.conll import write_conll

    return write_conll(path, samples)


def _write_bioes(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.conll import write_conll

    return write_conll(path, samples, "bioes")


def _read_conll(path: Path, labels: LabelSchema) -> Iterator[Sample]:
    from goldspan.annotation.formats.conll import read_conll

    return read_conll(path, labels)


def _write_docbin(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.spacy_docbin import write_docbin

    return write_docbin(path, samples)


def _read_docbin(path: Path, labels: LabelSchema) -> Iterator[Sample]:
    from goldspan.annotation.formats.spacy_docbin import read_docbin

    return read_docbin(path, labels)


def _write_jsonl(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.jsonl import write_jsonl

    return write_jsonl(path, samples)


def _read_jsonl(path: Path, labels: LabelSchema) -> Iterator[Sample]:
    from goldspan.annotation.formats.jsonl import read_jsonl

    return read_jsonl(path, labels)


def _write_csv(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.csv_spans import write_csv

    return write_csv(path, samples)


def _write_kiji(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.kiji import write_kiji

    return write_kiji(path, samples, labels)


def _read_kiji(path: Path, labels: LabelSchema) -> Iterator[Sample]:
    from goldspan.annotation.formats.kiji import read_kiji

    return read_kiji([path], labels)


FORMATS = {
    entry.name: entry
    for entry in (
        Format("conll", ".conll", "one token per line, BIO tags, coreference brackets", _write_conll, _read_conll),
        Format("bioes", ".conll", "one token per line, BIOES tags, coreference brackets", _write_bioes, _read_conll),
        Format("spacy", ".spacy", "DocBin: doc.ents, clusters as span groups", _write_docbin, _read_docbin),
        Format("jsonl", ".jsonl", "flat JSONL: text, entities, mentions with offsets", _write_jsonl, _read_jsonl),
        Format("csv", ".csv", "one span per line, for spreadsheets", _write_csv),
        Format("kiji", "", "one task per file, as kiji's training reads it", _write_kiji, _read_kiji),
    )
}


def get_format(name: str) -> Format:
    """The format of this name.

    Raises:
        UnknownNameError: there is none.

    """
    try:
        return FORMATS[name]
    except KeyError:
        raise UnknownNameError("format", name, FORMATS) from None


def export_samples(name: str, path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    """Write samples in a format; returns how many, and what the format could not hold.

    Raises:
        UnknownNameError: there is no such format.

    """
    return get_format(name).write(path, samples, labels)


def import_samples(name: str, path: Path, labels: LabelSchema) -> Iterator[Sample]:
    """Read samples of a format.

    Raises:
        UnknownNameError: there is no such format.
        InputError: it cannot be read back, or the file is broken.

    """
    read = get_format(name).read
    if read is None:
        raise InputError(f"{name} cannot be read back: it does not hold the texts.")
    return read(path, labels)
