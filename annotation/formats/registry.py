"""Formats by name, imported on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from goldspan.annotation.errors import InputError, RecordError, UnknownNameError
from goldspan.annotation.formats.loss import ExportReport
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import OnError, raise_error
from goldspan.annotation.types import Sample

Write = Callable[[Path, Iterable[Sample], LabelSchema], ExportReport]
"""Writes samples to a path and returns the loss report."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: how its files end (empty: it is a folder), and how it is written and read (None: it cannot be).

    `check` raises RecordError for a sample that the format may not hold.
    """

    name: str
    suffix: str
    description: str
    write: Write
    read: Callable[[Path, LabelSchema], Iterator[Sample]] | None = None
    check: Callable[[Sample, LabelSchema], object] | None = None


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


def _check_kiji(sample: Sample, labels: LabelSchema) -> object:
    from goldspan.annotation.formats.kiji import encode_kiji

    return encode_kiji(sample, labels)


def _read_kiji(path: Path, labels: LabelSchema) -> Iterator[Sample]:
    from goldspan.annotation.formats.kiji import read_kiji

    return read_kiji([path], labels)


def _lines(encode: str) -> Write:
    """A writer of JSON lines; `encode` names a function of `exports`."""

    def write(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
        from goldspan.annotation.formats import exports

        return exports.write_lines(path, samples, getattr(exports, encode))

    return write


def _list(encode: str) -> Write:
    """A writer of one JSON list; `encode` names a function of `exports`."""

    def write(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
        from goldspan.annotation.formats import exports

        return exports.write_list(path, samples, getattr(exports, encode))

    return write


def _columns(render: str) -> Write:
    """A writer of columns; `render` names a function of `column_exports`."""

    def write(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
        from goldspan.annotation.formats import column_exports

        return column_exports.write_columns(path, samples, getattr(column_exports, render))

    return write


def _write_studio(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.exports import write_studio

    return write_studio(path, samples, labels)


def _write_webanno(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.inception import write_webanno

    return write_webanno(path, samples)


def _write_cas(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.inception import write_cas

    return write_cas(path, samples)


def _write_brat(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.brat import write_brat

    return write_brat(path, samples, labels)


def _write_parquet(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.parquet import write_parquet

    return write_parquet(path, samples)


FORMATS = {
    entry.name: entry
    for entry in (
        Format("conll", ".conll", "one token per line, BIO tags, coreference brackets", _write_conll, _read_conll),
        Format("bioes", ".conll", "one token per line, BIOES tags, coreference brackets", _write_bioes, _read_conll),
        Format("spacy", ".spacy", "DocBin: doc.ents, clusters as span groups", _write_docbin, _read_docbin),
        Format("jsonl", ".jsonl", "flat JSONL: text, entities, mentions with offsets", _write_jsonl, _read_jsonl),
        Format("csv", ".csv", "one span per line, for spreadsheets", _write_csv),
        Format("label-studio", ".json", "list of tasks with every annotation", _write_studio),
        Format("json-min", ".json", "Label Studio's JSON-MIN", _list("encode_json_min")),
        Format("prodigy", ".jsonl", "Prodigy tasks with tokens and spans", _lines("encode_prodigy")),
        Format("doccano", ".jsonl", "Doccano sequence labelling", _lines("encode_doccano")),
        Format("argilla", ".jsonl", "Argilla token classification", _lines("encode_argilla")),
        Format("spacy-json", ".jsonl", "spaCy entities tuples", _lines("encode_spacy")),
        Format("hf-tokens", ".jsonl", "tokens and ner_tags", _lines("encode_tokens")),
        Format("gliner", ".jsonl", "GLiNER tokenized_text and ner", _lines("encode_gliner")),
        Format("ai4privacy", ".jsonl", "source_text and privacy_mask", _lines("encode_ai4privacy")),
        Format("presidio", ".json", "presidio-research samples", _list("encode_presidio")),
        Format("tagged", ".jsonl", "tagged text with entities and mentions", _lines("encode_tagged")),
        Format("conll2003", ".conll", "four columns with -DOCSTART-", _columns("render_conll2003")),
        Format("conll2012", ".conll", "OntoNotes columns with coreference", _columns("render_conll2012")),
        Format("conllu", ".conllu", "CoNLL-U with Entity= coreference", _columns("render_conllu")),
        Format("brat", "", "brat standoff: .txt and .ann per sample", _write_brat),
        Format("webanno-tsv", "", "WebAnno TSV 3.3 (INCEpTION): a file per sample", _write_webanno),
        Format("uima-cas", "", "UIMA CAS JSON (INCEpTION): a file per sample", _write_cas),
        Format("parquet", ".parquet", "typed columns of the flat JSONL", _write_parquet),
        Format("kiji", "", "one task per file, as kiji's training reads it", _write_kiji, _read_kiji, _check_kiji),
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


def export_samples(
    name: str, path: Path, samples: Iterable[Sample], labels: LabelSchema, on_error: OnError = raise_error
) -> ExportReport:
    """Write samples in a format; returns how many, and what the format could not hold.

    Samples that the format may not hold, or whose text holds a lone surrogate, which no file can, go to `on_error`.

    Raises:
        UnknownNameError: there is no such format.
        RecordError: raised by `on_error`.

    """
    chosen = get_format(name)
    return chosen.write(path, _leave_out_refused(samples, chosen, labels, on_error), labels)


def _leave_out_refused(
    samples: Iterable[Sample], chosen: Format, labels: LabelSchema, on_error: OnError
) -> Iterator[Sample]:
    for number, sample in enumerate(samples, start=1):
        try:
            sample.text.encode()
            if chosen.check:
                chosen.check(sample, labels)
        except UnicodeEncodeError as error:
            reason = f"text_not_storable: a lone surrogate stands at character {error.start}"
            on_error(RecordError(reason, file=f"sample {number}", pointer="/data/text"))
        except RecordError as error:
            on_error(RecordError(error.reason, file=f"sample {number} ({sample.sample_id})", pointer=error.pointer))
        else:
            yield sample


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
