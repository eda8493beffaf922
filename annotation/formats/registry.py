"""Formats that are written, by name, imported on first use; `source` reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from goldspan.annotation.errors import RecordError, UnknownNameError
from goldspan.annotation.formats.loss import ExportReport
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import OnError, raise_error
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


def _lazy(path: str, encode: str = "", *, with_labels: bool = False) -> Write:
    """The writer `module.function` of this package, imported when it writes; `encode` names a function it is given."""
    module, name = path.split(".")

    def write(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
        package = import_module(f"goldspan.annotation.formats.{module}")
        given = [getattr(package, encode)] if encode else [labels] if with_labels else []
        report: ExportReport = getattr(package, name)(path, samples, *given)
        return report

    return write


def _write_bioes(path: Path, samples: Iterable[Sample], labels: LabelSchema) -> ExportReport:
    from goldspan.annotation.formats.conll import write_conll

    return write_conll(path, samples, "bioes")


def _check_kiji(sample: Sample, labels: LabelSchema) -> object:
    from goldspan.annotation.formats.kiji import encode_kiji

    return encode_kiji(sample, labels)


_LINES, _LIST, _COLUMNS = "exports.write_lines", "exports.write_list", "column_exports.write_columns"
_CONLL, _DOCBIN = _lazy("conll.write_conll"), _lazy("spacy_docbin.write_docbin")
_STUDIO, _BRAT = _lazy("exports.write_studio", with_labels=True), _lazy("brat.write_brat", with_labels=True)
_KIJI = _lazy("kiji.write_kiji", with_labels=True)

FORMATS = {
    entry.name: entry
    for entry in (
        Format("conll", ".conll", "one token per line, BIO tags, coreference brackets", _CONLL),
        Format("bioes", ".conll", "one token per line, BIOES tags, coreference brackets", _write_bioes),
        Format("spacy", ".spacy", "DocBin: doc.ents, clusters as span groups", _DOCBIN),
        Format("jsonl", ".jsonl", "flat JSONL: text, entities, mentions with offsets", _lazy(_LINES, "encode_flat")),
        Format("csv", ".csv", "one span per line, for spreadsheets", _lazy("csv_spans.write_csv")),
        Format("label-studio", ".json", "list of tasks with every annotation", _STUDIO),
        Format("json-min", ".json", "Label Studio's JSON-MIN", _lazy(_LIST, "encode_json_min")),
        Format("prodigy", ".jsonl", "Prodigy tasks with tokens and spans", _lazy(_LINES, "encode_prodigy")),
        Format("doccano", ".jsonl", "Doccano sequence labelling", _lazy(_LINES, "encode_doccano")),
        Format("argilla", ".jsonl", "Argilla token classification", _lazy(_LINES, "encode_argilla")),
        Format("spacy-json", ".jsonl", "spaCy entities tuples", _lazy(_LINES, "encode_spacy")),
        Format("hf-tokens", ".jsonl", "tokens and ner_tags", _lazy(_LINES, "encode_tokens")),
        Format("gliner", ".jsonl", "GLiNER tokenized_text and ner", _lazy(_LINES, "encode_gliner")),
        Format("ai4privacy", ".jsonl", "source_text and privacy_mask", _lazy(_LINES, "encode_ai4privacy")),
        Format("presidio", ".json", "presidio-research samples", _lazy(_LIST, "encode_presidio")),
        Format("tagged", ".jsonl", "tagged text with entities and mentions", _lazy(_LINES, "encode_tagged")),
        Format("conll2003", ".conll", "four columns with -DOCSTART-", _lazy(_COLUMNS, "render_conll2003")),
        Format("conll2012", ".conll", "OntoNotes columns with coreference", _lazy(_COLUMNS, "render_conll2012")),
        Format("conllu", ".conllu", "CoNLL-U: NER= and Entity= in the last column", _lazy(_COLUMNS, "render_conllu")),
        Format("brat", "", "brat standoff: .txt and .ann per sample", _BRAT),
        Format("webanno-tsv", "", "WebAnno TSV 3.3 (INCEpTION): a file per sample", _lazy("inception.write_webanno")),
        Format("uima-cas", "", "UIMA CAS JSON (INCEpTION): a file per sample", _lazy("inception.write_cas")),
        Format("parquet", ".parquet", "typed columns of the flat JSONL", _lazy("parquet.write_parquet")),
        Format("kiji", "", "one task per file, as kiji's training reads it", _KIJI, _check_kiji),
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
