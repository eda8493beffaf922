"""Import plain text, CSV and JSONL.

`.txt` and `.md`: the whole file is one text (`by_line`: every line that is not blank). `.csv` and `.tsv`: a column
`text`, with commas, semicolons or tabs between the columns; `language`, `country` and `document_type` are taken where
they stand, other columns become fields. `.jsonl` and `.json`: objects with `text`; tagged text in `tagged_text`;
values to be aligned in `entities` or `privacy_mask` (`{"value", "label"}`, or with `start` and `end`); or whole tasks
with `data`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from goldspan.annotation.checks import check_annotation, check_text, has_errors
from goldspan.annotation.errors import InputError, RecordError, TaggedTextError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import read_task
from goldspan.annotation.tasks.store import MAX_LINE, JsonRecord, OnError, prepare_task, raise_error, read_records
from goldspan.annotation.text.alignment import align_values
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Entity, Sample, sort_spans

_KNOWN = {"text", "language", "country", "document_type", "tagged_text", "entities", "privacy_mask", "sample_id"}
_IMPORT = Author.model("import")


@dataclass(frozen=True, slots=True)
class ImportDefaults:
    """Metadata for records that do not give their own."""

    language: str
    country: str = ""
    document_type: str = ""


def import_texts(
    path: Path, labels: LabelSchema, defaults: ImportDefaults, on_error: OnError = raise_error, *, by_line: bool = False
) -> Iterator[Sample]:
    """Samples of one file, in its order; a text that stands twice is refused the second time.

    Raises:
        InputError: the file's ending is not known, or it cannot be read.

    """
    seen: set[str] = set()
    for record in _read(path, on_error, by_line):
        try:
            sample = _make_sample(record.value, labels, defaults)
            prepare_task(sample, labels)
        except (RecordError, TaggedTextError) as error:
            pointer = error.pointer if isinstance(error, RecordError) else "/tagged_text"
            reason = error.reason if isinstance(error, RecordError) else str(error)
            on_error(RecordError(reason, file=record.file, line=record.line, pointer=pointer))
            continue
        if sample.sample_id in seen:
            on_error(
                RecordError("duplicate text: an earlier record of this file has it", file=record.file, line=record.line)
            )
            continue
        seen.add(sample.sample_id)
        yield sample


def _read(path: Path, on_error: OnError, by_line: bool) -> Iterator[JsonRecord]:
    suffix = path.suffix.lower()
    if suffix in {".jsonl", ".json"}:
        return read_records(path, on_error)
    if suffix in {".csv", ".tsv"}:
        return _read_csv(path, on_error)
    if suffix in {".txt", ".md"}:
        return _read_text(path, by_line)
    raise InputError(
        f"{path}: files ending in {suffix or 'nothing'} are not read. Give .txt, .md, .csv, .tsv, .jsonl or .json."
    )


def _read_bytes(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 (byte {error.start}). Convert it first, for example with iconv."
        ) from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None


def _read_text(path: Path, by_line: bool) -> Iterator[JsonRecord]:
    text = _read_bytes(path)
    if not by_line:
        yield JsonRecord(str(path), 1, {"text": text})
        return
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield JsonRecord(str(path), number, {"text": line.removesuffix("\r")})


def _read_csv(path: Path, on_error: OnError) -> Iterator[JsonRecord]:
    content = _read_bytes(path)
    csv.field_size_limit(MAX_LINE)
    rows = csv.DictReader(io.StringIO(content, newline=""), delimiter=_find_delimiter(content), strict=True)
    try:
        columns = list(rows.fieldnames or ())
        if "text" not in columns:
            raise InputError(
                f"{path} has no column 'text'. Its first line must name the columns; call the one with the texts text."
            )
        if len(columns) > len(set(columns)):
            raise InputError(f"{path} names a column twice: {', '.join(columns)[:200]}.")
        for row in rows:
            fields = {name: value for name, value in row.items() if name is not None and value is not None}
            if None in row or "text" not in fields:
                on_error(
                    RecordError("the row has more or fewer columns than the header", file=str(path), line=rows.line_num)
                )
            else:
                yield JsonRecord(str(path), rows.line_num, fields)
    except csv.Error as error:
        on_error(
            RecordError(f"broken CSV: {error}; nothing after this line was read", file=str(path), line=rows.line_num)
        )


def _find_delimiter(content: str) -> str:
    """The one of comma, semicolon and tab that sets a column `text` apart in the first line."""
    header = content.splitlines()[:1]
    return next((mark for mark in ",;\t" if "text" in next(csv.reader(header, delimiter=mark), ())), ",")


def _make_sample(fields: Mapping[str, Any], labels: LabelSchema, defaults: ImportDefaults) -> Sample:
    if "data" in fields:
        sample, issues = read_task(fields, labels)
        if issues:
            raise RecordError(f"{issues[0].code}: {issues[0].message}")
        return _fill(sample, defaults)
    text, annotation = _read_annotation(fields, labels)
    for issue in check_text(text):
        raise RecordError(f"{issue.code}: {issue.message}", pointer="/text")
    kept = {name: value for name, value in fields.items() if name not in _KNOWN}
    sample = Sample(
        text,
        str(fields.get("language") or ""),
        str(fields.get("country") or ""),
        str(fields.get("document_type") or ""),
        (annotation,) if annotation else (),
        {"source": "import", **({"fields": kept} if kept else {})},
        str(fields.get("sample_id") or ""),
    )
    return _fill(sample, defaults)


def _fill(sample: Sample, defaults: ImportDefaults) -> Sample:
    language = sample.language or defaults.language
    return replace(
        sample,
        language=language,
        country=sample.country or defaults.country,
        document_type=sample.document_type or defaults.document_type,
        sample_id=sample.sample_id or make_sample_id(sample.text, language),
    )


def _read_annotation(fields: Mapping[str, Any], labels: LabelSchema) -> tuple[str, Annotation | None]:
    tagged, text = fields.get("tagged_text"), fields.get("text")
    if isinstance(tagged, str):
        parsed = parse_tagged(tagged, labels)
        if isinstance(text, str) and text != parsed.text:
            raise RecordError("text and tagged_text differ once the tags are stripped", pointer="/tagged_text")
        annotation = Annotation(_IMPORT, parsed.entities, parsed.mentions)
        return parsed.text, _check(parsed.text, annotation, labels, "/tagged_text")
    if not isinstance(text, str):
        raise RecordError("expected 'text' as a string", pointer="/text")
    for name in ("entities", "privacy_mask"):
        values = fields.get(name)
        if values not in (None, ""):
            if not isinstance(values, list):
                raise RecordError("expected a list of objects with value and label", pointer=f"/{name}")
            entities = _read_values(text, values, labels, f"/{name}")
            return text, _check(text, Annotation(_IMPORT, entities), labels, f"/{name}")
    return text, None


def _check(text: str, annotation: Annotation, labels: LabelSchema, pointer: str) -> Annotation:
    issues = check_annotation(text, annotation, labels)
    if has_errors(issues):
        worst = next(issue for issue in issues if issue.severity == "error")
        raise RecordError(f"{worst.code}: {worst.message}", pointer=pointer)
    return annotation


def _read_values(text: str, values: list[Any], labels: LabelSchema, pointer: str) -> tuple[Entity, ...]:
    placed: list[Entity] = []
    loose: list[tuple[str, str]] = []
    for number, value in enumerate(values):
        label = value.get("label") if isinstance(value, Mapping) else None
        if not isinstance(label, str) or label not in labels.entity_codes:
            raise RecordError("expected an object with a known label", pointer=f"{pointer}/{number}/label")
        start, end, surface = value.get("start"), value.get("end"), value.get("value")
        if isinstance(start, int) and isinstance(end, int):
            if surface is not None and text[start:end] != surface:
                raise RecordError("start and end do not slice to value", pointer=f"{pointer}/{number}")
            placed.append(Entity(start, end, label))
        elif isinstance(surface, str):
            loose.append((surface, label))
        else:
            raise RecordError("expected 'value', or 'start' and 'end'", pointer=f"{pointer}/{number}")
    alignment = align_values(text, loose)
    if alignment.unaligned:
        missing = alignment.unaligned[0]
        raise RecordError(f"a value of {missing.label} {missing.hint}", pointer=pointer)
    if alignment.ambiguous:
        doubt = alignment.ambiguous[0]
        reason = f"a value of {' or '.join(doubt.labels)} is ambiguous ({doubt.doubt.value}); give start and end"
        raise RecordError(reason, pointer=pointer)
    return sort_spans([*placed, *alignment.entities])
