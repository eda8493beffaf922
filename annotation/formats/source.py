"""Files as rows in the common form: one reader per kind of file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple, cast

from goldspan.annotation.errors import RecordError, UnknownNameError
from goldspan.annotation.formats.annotators import claim_annotator
from goldspan.annotation.formats.brat import read_brat
from goldspan.annotation.formats.class_labels import decode_row, find_tag_names, read_features_beside
from goldspan.annotation.formats.columns import read_columns
from goldspan.annotation.formats.detection import TABLES, detect_rows, holds_tasks
from goldspan.annotation.formats.inline import read_inline
from goldspan.annotation.formats.reading import (
    PROBE,
    ReadOptions,
    SourceRow,
    make_record_error,
    read_head,
    read_rows,
    read_whole,
)
from goldspan.annotation.formats.rows import SHAPES, RowShape, get_shape
from goldspan.annotation.formats.rows.options import show_text
from goldspan.annotation.formats.rows.raw import RawRow, RowError
from goldspan.annotation.formats.rows.studio import ADDRESS, holds_unread
from goldspan.annotation.formats.rows.tokens import TAG_LISTS
from goldspan.annotation.formats.span_tables import group_spans
from goldspan.annotation.formats.standoff import read_azure, read_comprehend, read_pubtator
from goldspan.annotation.formats.tables import read_table
from goldspan.annotation.formats.token_tables import find_token_columns, read_token_table
from goldspan.annotation.formats.webanno import read_webanno
from goldspan.annotation.formats.xml.documents import XML_FORMATS, read_xml
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.plugins import PluginTable
from goldspan.annotation.tasks.codec import ENTITY_CONTROL, MENTION_CONTROL, read_task
from goldspan.annotation.tasks.jsonl import JsonRecord, OnError
from goldspan.annotation.types import Sample

_MARGIN = 0.15
"""By how much another shape has to be surer for one row of a file."""
_PLAIN = {"goldspan", "spans"}
"""Shapes in which a row may be one span of its text."""
_PLUGINS = PluginTable("format", "goldspan.formats", {})
"""Formats of other packages: each an object with `description` and `read`, as `FileFormat` has them."""
_OWN_CONTROLS = {ENTITY_CONTROL, MENTION_CONTROL}


Read = Callable[[Path, ReadOptions, OnError], Iterator[SourceRow]]


class FileFormat(NamedTuple):
    """A format of whole files."""

    name: str
    description: str
    read: Read


def list_formats() -> dict[str, str]:
    """Name and description of every format that is read."""
    shapes = {shape.name: shape.description for shape in SHAPES}
    files = {name: entry.description for name, entry in _FILES.items()}
    return shapes | files | {name: _load_plugin(name).description for name in _PLUGINS.list_names()}


def _load_plugin(name: str) -> FileFormat:
    return cast("FileFormat", _PLUGINS.load(name))


def read_source(path: Path, name: str, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The rows of a file in a format; rows that cannot be read go to `on_error`.

    Raises:
        UnknownNameError: there is no such format.
        ConfigurationError: a plug-in cannot be loaded.
        InputError: the file cannot be read at all.
    """
    reader = _FILES.get(name) if path.is_dir() or name != "kiji" or holds_tasks(path) else None
    if reader or name in _PLUGINS.list_names():
        reader = reader or _load_plugin(name)
        yield from reader.read(path, options, on_error)
        return
    if name not in {shape.name for shape in SHAPES}:
        raise UnknownNameError("format", name, list_formats())
    for file in _list_files(path):
        read_file = read_table if file.suffix.lower() in TABLES else read_rows
        records, reading = _name_numbers(file, read_file(file, options, on_error), options)
        if name in _PLAIN:
            records = group_spans(records, options.text_key)
        yield from _read_shape(records, get_shape(name), reading, on_error)


def _list_files(path: Path) -> list[Path]:
    """The file, or those of a folder: all of one that Label Studio wrote to a storage, where names have no endings."""
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    return [file for file in files if file.suffix.lower() == ".json"] or files


def _name_numbers(
    path: Path, records: Iterator[JsonRecord], options: ReadOptions
) -> tuple[Iterator[JsonRecord], ReadOptions]:
    """Records with the names of ClassLabel numbers that a description beside the file gives, and options with those
    of numbers in strings.
    """
    if options.tag_names or not (features := read_features_beside(path)):
        return records, options
    named = (record._replace(value=decode_row(record.value, features)) for record in records)
    return named, replace(options, tag_names=find_tag_names(features, TAG_LISTS))


def _read_records(records: Iterator[JsonRecord], options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """Rows of the shape that the first of them have."""
    probe = list(islice(records, PROBE))
    shape = get_shape(detect_rows([record.value for record in probe], options.text_key).format)
    return _read_shape(chain(probe, records), shape, options, on_error)


def _read_shape(
    records: Iterator[JsonRecord], shape: RowShape, options: ReadOptions, on_error: OnError
) -> Iterator[SourceRow]:
    for record in records:
        try:
            row = read_shaped(record.value, shape, options)
        except RowError as error:
            on_error(make_record_error(error, record.file, record.line))
        else:
            yield SourceRow(record.file, record.line, row)


def read_shaped(row: Mapping[str, Any], shape: RowShape, options: ReadOptions) -> RawRow | Sample:
    """One row of a file whose rows have a shape; a task of ours is read whole.

    Raises:
        RowError: text or spans cannot be read.
    """
    sample = _read_own_task(row, options.labels)
    if sample:
        return sample
    return claim_annotator(_find_better(shape, show_text(row, options.text_key)).read_row(row, options.rows))


def _find_better(shape: RowShape, row: Mapping[str, Any]) -> RowShape:
    """The shape of a file, or another that is clearly surer of one of its rows."""
    own = shape.score(row)
    if own + _MARGIN >= 1:
        return shape
    surest = max(SHAPES, key=lambda one: own if one is shape else one.score(row))
    return surest if surest is not shape and surest.score(row) > own + _MARGIN else shape


def _read_own_task(record: Mapping[str, Any], labels: LabelSchema) -> Sample | None:
    """The sample of a task that Goldspan wrote or Label Studio holds with Goldspan's own controls; else None."""
    data = record.get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("text"), str) or "completions" in record:
        return None
    if ADDRESS.match(data["text"]) or holds_unread(record):
        return None
    try:
        sample, issues = read_task(record, labels)
    except RecordError:
        return None
    entries = [entry for name in ("annotations", "predictions", "drafts") for entry in _list_entries(record, name)]
    results = [entry.get("result") or [] for entry in entries if isinstance(entry, Mapping)]
    if issues or not all(isinstance(result, list) and all(map(_is_own_result, result)) for result in results):
        return None
    return sample if all(e.label in labels for a in sample.annotations for e in a.entities) else None


def _list_entries(record: Mapping[str, Any], name: str) -> list[Any]:
    entries = record.get(name)
    return entries if isinstance(entries, list) else []


def _is_own_result(item: Any) -> bool:
    return isinstance(item, Mapping) and (item.get("type") == "relation" or str(item.get("from_name")) in _OWN_CONTROLS)


def _read_text(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    text = read_whole(path, options)
    if not options.by_line:
        yield SourceRow(str(path), 1, RawRow(text))
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield SourceRow(str(path), number, RawRow(line.removesuffix("\r")))


def _read_tables(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    if not options.text_key and (columns := find_token_columns(read_head(path, options.encoding))):
        return read_token_table(path, columns, options, on_error)
    records, options = _name_numbers(path, read_table(path, options, on_error), options)
    return _read_records(group_spans(records, options.text_key), options, on_error)


def _read_conll(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    return read_columns(path, read_whole(path, options), options, on_error)


def _read_spacy(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    from goldspan.annotation.formats.spacy_docbin import read_docbin_rows

    return (SourceRow(str(path), n, row) for n, row in enumerate(read_docbin_rows(path, options.labels), start=1))


def _read_kiji(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    from goldspan.annotation.formats.kiji import read_kiji

    return (SourceRow(str(path), n, s) for n, s in enumerate(read_kiji([path], options.labels, on_error), start=1))


def _read_parquet(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    from goldspan.annotation.formats.parquet import read_parquet_rows

    rows = (JsonRecord(str(path), n, dict(row)) for n, row in enumerate(read_parquet_rows(path), start=1))
    return _read_records(*_name_numbers(path, rows, options), on_error)


_FILES = {
    entry.name: entry
    for entry in (
        FileFormat("text", "one text per file (.txt, .md), or per line", _read_text),
        FileFormat("inline", "texts with <LABEL>…</LABEL>, <ENAMEX TYPE=…>, [value](LABEL) or token/TAG", read_inline),
        FileFormat("table", "CSV, TSV and other tables with a column of texts", _read_tables),
        FileFormat("conll", "CoNLL-2003, -2012, -U and other columns of tokens and tags", _read_conll),
        FileFormat("brat", "brat standoff: .ann beside .txt", read_brat),
        FileFormat("webanno-tsv", "WebAnno TSV 3 (INCEpTION)", read_webanno),
        FileFormat("pubtator", "PubTator: title, abstract and lines of annotations", read_pubtator),
        FileFormat("azure", "a project of Azure's custom entity recognition", read_azure),
        FileFormat("comprehend", "annotation table and texts of Amazon Comprehend", read_comprehend),
        FileFormat("spacy", "spaCy's DocBin", _read_spacy),
        FileFormat("parquet", "Parquet or Arrow with the columns of any row shape", _read_parquet),
        FileFormat("kiji", "a folder of kiji's training files", _read_kiji),
        *(
            FileFormat(name, entry.description, partial(read_xml, read=entry.read))
            for name, entry in XML_FORMATS.items()
        ),
    )
}
