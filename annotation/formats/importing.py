"""Import files of any known format as samples: detect the format, map the labels, convert and check every row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.files import suggest_path
from goldspan.annotation.formats.annotators import join_annotators, join_files, list_people, name_annotator
from goldspan.annotation.formats.detection import Detected, detect_format, list_sources
from goldspan.annotation.formats.mapping import build_mapping
from goldspan.annotation.formats.reading import ReadOptions, SourceRow, make_record_error
from goldspan.annotation.formats.rows import SHAPES
from goldspan.annotation.formats.rows.convert import FileSource, RowDefaults, convert_row
from goldspan.annotation.formats.rows.raw import RawRow, RowError
from goldspan.annotation.formats.source import read_source
from goldspan.annotation.identity import IdentityCheck, make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import Taxonomy
from goldspan.annotation.tasks.jsonl import OnError, raise_error
from goldspan.annotation.tasks.store import prepare_task
from goldspan.annotation.text.parts import split_sample
from goldspan.annotation.types import Sample

_HELD = 10_000
"""Rows that are held; a file with more is read twice, so that memory does not grow with it."""
_VERBATIM = frozenset({"goldspan", "table", "text", "jsonl"})
"""Formats of our own, whose language and country are codes; names of languages are refused there."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import: see `goldspan samples import --help`. `labels_map` maps external labels to ours (empty: drop).

    Texts of more than `split_over` characters become several samples (0: none does, see `split_sample`). With
    `annotator_by_file`, each file is the work of the annotator whom its name names, and texts that stand in several
    files become one sample.
    """

    format: str = "auto"
    language: str = ""
    country: str = ""
    document_type: str = ""
    text_key: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    labels_map: Mapping[str, str] = field(default_factory=dict)
    taxonomy: str = ""
    tag_names: tuple[str, ...] = ()
    encoding: str = ""
    by_line: bool = False
    split_over: int = 0
    annotator_by_file: bool = False


@dataclass(slots=True)
class ImportReport:
    """What was read: rows = samples + joined + refused, where a text that was split counts once (see `split`).

    `joined` counts rows that give another annotator's work on the text of an earlier row. `split` counts texts.
    `unknown` counts the rows with each label that nothing maps; `unmapped` and `nested` count by label the spans that
    were left out because their label has no counterpart, or because they lie in other spans; `left_out` counts other
    annotations that are not read, such as lemmas, by layer.
    """

    detected: dict[str, Detected] = field(default_factory=dict)
    taxonomies: dict[str, str] = field(default_factory=dict)
    rows: int = 0
    samples: int = 0
    joined: int = 0
    split: int = 0
    spans: int = 0
    unknown: Counter[str] = field(default_factory=Counter)
    unmapped: Counter[str] = field(default_factory=Counter)
    nested: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def import_files(
    paths: Iterable[Path],
    labels: LabelSchema,
    options: ImportOptions | None = None,
    on_error: OnError = raise_error,
    report: ImportReport | None = None,
) -> Iterator[Sample]:
    """Samples of files and folders, in their order; each row is a sample or goes to `on_error`.

    Refused are rows with annotations that cannot be read or labels that nothing maps, a text that stands twice, and an
    id that stands with another text. `report` is filled while samples are read.

    Raises:
        InputError: there is no such file, it cannot be read at all, or no format fits.
        UnknownNameError: there is no such format or taxonomy.
    """
    options = options or ImportOptions()
    report = report if report is not None else ImportReport()
    identities = IdentityCheck()
    paths = list(paths)
    if missing := next((path for path in paths if not path.exists()), None):
        raise InputError(f"There is no file {missing}.{suggest_path(missing)}")
    sources = [one for path in paths for one in (list_sources(path) if options.format == "auto" else [path])]
    found = (pair for path in sources for pair in _import_file(path, labels, options, on_error, report))
    for source, sample in join_files(found, report) if options.annotator_by_file else found:
        parts = split_sample(sample, options.split_over) if options.split_over else (sample,)
        report.split += len(parts) > 1
        for part in parts:
            repeated = "duplicate text: an earlier record has it" if part.sample_id in identities else ""
            if problem := identities.add(part) or repeated:
                on_error(RecordError(problem, file=source.file, line=source.line))
                continue
            report.samples += 1
            report.spans += sum(len(annotation.entities) for annotation in part.annotations)
            yield part


def _import_file(
    path: Path, labels: LabelSchema, options: ImportOptions, on_error: OnError, report: ImportReport
) -> Iterator[tuple[SourceRow, Sample]]:
    reading = ReadOptions(
        labels,
        options.text_key,
        options.columns,
        options.tag_names,
        options.encoding,
        options.by_line,
        options.language,
        options.labels_map.keys(),
    )
    if path.is_file() and path.suffix.lower() != ".ann" and not path.stat().st_size:
        report.rows += 1
        on_error(RecordError("the file is empty", file=str(path), line=1))
        return
    detected = Detected(options.format, 1.0) if options.format != "auto" else detect_format(path, reading)
    report.detected[str(path)] = detected

    def refuse(error: RecordError) -> None:
        report.rows += 1
        on_error(error)

    def read() -> Iterator[SourceRow | RecordError]:
        return _read_in_order(path, detected.format, reading)

    rows = read()
    held = list(islice(rows, _HELD))
    survey = _survey(chain(held, rows))
    rows = iter(held) if len(held) < _HELD else read()
    if survey.joins:
        rows = iter(join_annotators(rows, report))
    if options.annotator_by_file:
        rows = (name_annotator(row, path.stem) for row in rows)
    taxonomy, unknown = _map_labels(survey.labels, labels, options, detected.format)
    report.taxonomies[str(path)] = taxonomy.name
    names = detected.format not in _VERBATIM
    defaults = RowDefaults(options.language, options.country, options.document_type, names)
    for number, row in enumerate(rows):
        if isinstance(row, RecordError):
            refuse(row)
            continue
        try:
            if isinstance(row.value, Sample):
                sample = _fill(row.value, options)
            else:
                named = dict.fromkeys(label for span in row.value.spans for label in span.labels)
                report.unknown.update(label for label in named if label in unknown)
                origin = FileSource(detected.format if detected.format not in {"table", "text"} else "")
                sample = convert_row(row.value, number, origin, taxonomy, labels, defaults)
                report.unmapped.update(sample.provenance.get("unmapped", {}))
                report.nested.update(sample.provenance.get("nested", {}))
                report.left_out.update(sample.provenance.get("left_out", {}))
            prepare_task(sample, labels)
        except RowError as error:
            refuse(make_record_error(error, row.file, row.line))
        except RecordError as error:
            refuse(RecordError(error.reason, file=row.file, line=row.line, pointer=error.pointer))
        else:
            report.rows += 1
            yield row, sample


def _read_in_order(path: Path, name: str, reading: ReadOptions) -> Iterator[SourceRow | RecordError]:
    """The rows of a file, with the refusals of others between them."""
    errors: list[RecordError] = []
    for row in read_source(path, name, reading, errors.append):
        yield from errors
        errors.clear()
        yield row
    yield from errors


class _Survey(NamedTuple):
    """What has to be known of all rows before the first is converted: labels, and if people share a text."""

    labels: tuple[str, ...]
    joins: bool


def _survey(rows: Iterable[SourceRow | RecordError]) -> _Survey:
    labels: dict[str, None] = {}
    seen: set[int] = set()
    joins = False
    for row in rows:
        if isinstance(row, SourceRow) and isinstance(row.value, RawRow):
            labels.update((label, None) for span in row.value.spans for label in span.labels)
            if not joins and list_people(row.value):
                key = hash((row.value.text, row.value.sample_id))
                joins = key in seen
                seen.add(key)
    return _Survey(tuple(labels), joins)


def _map_labels(
    found: Sequence[str], labels: LabelSchema, options: ImportOptions, name: str
) -> tuple[Taxonomy, tuple[str, ...]]:
    shape = next((shape for shape in SHAPES if shape.name == name), None)
    preferred = options.taxonomy or (shape.taxonomy if shape else "")
    return build_mapping(found, labels, options.labels_map, preferred)


def _fill(sample: Sample, options: ImportOptions) -> Sample:
    language = sample.language or options.language
    return replace(
        sample,
        language=language,
        country=sample.country or options.country,
        document_type=sample.document_type or options.document_type,
        sample_id=sample.sample_id or make_sample_id(sample.text, language),
    )
