"""Formats that samples are exported to, by name; imported on first use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import RecordError, UnknownNameError
from goldspan.annotation.formats.loss import ExportReport
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.plugins import import_target
from goldspan.annotation.tasks.store import OnError, raise_error
from goldspan.annotation.types import Sample

Write = Callable[[Path, Iterable[Sample], LabelSchema], ExportReport]
"""Writes samples to a path and returns the loss report."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format: how its files end (empty: it is a folder), and how it is written.

    `check` raises RecordError for a sample that the format may not hold.
    """

    name: str
    suffix: str
    description: str
    write: Write
    check: Callable[[Sample, LabelSchema], object] | None = None


def _write(function: str, *more: object) -> Write:
    """A writer that needs no labels, as `module:name` in this package; it is imported on first use."""
    return lambda path, samples, labels: _load(function)(path, samples, *more)


def _write_labelled(function: str) -> Write:
    return lambda path, samples, labels: _load(function)(path, samples, labels)


def _lines(encode: str) -> Write:
    """A writer of JSON lines; `encode` names a function of `exports`."""
    return lambda path, samples, labels: _load("exports:write_lines")(path, samples, _load(f"exports:{encode}"))


def _list(encode: str) -> Write:
    """A writer of one JSON list; `encode` names a function of `exports`."""
    return lambda path, samples, labels: _load("exports:write_list")(path, samples, _load(f"exports:{encode}"))


def _columns(render: str) -> Write:
    """A writer of columns; `render` names a function of `column_exports`."""
    place = "column_exports"
    return lambda path, samples, labels: _load(f"{place}:write_columns")(path, samples, _load(f"{place}:{render}"))


def _check_kiji(sample: Sample, labels: LabelSchema) -> object:
    return _load("kiji:encode_kiji")(sample, labels)


def _load(function: str) -> Callable[..., Any]:
    return import_target(f"goldspan.annotation.formats.{function}")


FORMATS = {
    entry.name: entry
    for entry in (
        Format("conll", ".conll", "one token per line, BIO tags, coreference brackets", _write("conll:write_conll")),
        Format(
            "bioes",
            ".conll",
            "one token per line, BIOES tags, coreference brackets",
            _write("conll:write_conll", "bioes"),
        ),
        Format("spacy", ".spacy", "DocBin: doc.ents, clusters as span groups", _write("spacy_docbin:write_docbin")),
        Format("jsonl", ".jsonl", "flat JSONL: text, entities, mentions with offsets", _write("jsonl:write_jsonl")),
        Format("csv", ".csv", "one span per line, for spreadsheets", _write("csv_spans:write_csv")),
        Format("label-studio", ".json", "list of tasks with every annotation", _write_labelled("exports:write_studio")),
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
        Format("brat", "", "brat standoff: .txt and .ann per sample", _write_labelled("brat:write_brat")),
        Format("webanno-tsv", "", "WebAnno TSV 3.3 (INCEpTION): a file per sample", _write("inception:write_webanno")),
        Format("uima-cas", "", "UIMA CAS JSON (INCEpTION): a file per sample", _write("inception:write_cas")),
        Format("parquet", ".parquet", "typed columns of the flat JSONL", _write("parquet:write_parquet")),
        Format(
            "kiji",
            "",
            "one task per file, as kiji's training reads it",
            _write_labelled("kiji:write_kiji"),
            _check_kiji,
        ),
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
