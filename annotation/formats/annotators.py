"""Texts that several people annotated, in rows or files of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Protocol, TypeVar

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.reading import SourceRow
from goldspan.annotation.formats.rows.raw import RawRow
from goldspan.annotation.formats.rows.span_keys import ANNOTATOR, find_key
from goldspan.annotation.types import Sample

Annotated = TypeVar("Annotated", RawRow, Sample)


class JoinReport(Protocol):
    """Counts rows, and those that were joined to an earlier one."""

    rows: int
    joined: int


def join_annotators(rows: Iterable[SourceRow | RecordError], report: JoinReport) -> list[SourceRow | RecordError]:
    """Rows in which one text has the work of several people.

    Prodigy and Label Studio's JSON-MIN and CSV write a row for each annotator. Rows are joined if every annotation
    names its author and nobody speaks twice.
    """
    kept: list[SourceRow | RecordError] = []
    first: dict[tuple[str, str], int] = {}
    for row in rows:
        if isinstance(row, SourceRow) and isinstance(row.value, RawRow) and (people := list_people(row.value)):
            place = first.setdefault((row.value.text, row.value.sample_id), len(kept))
            earlier = kept[place] if place < len(kept) else None
            said = earlier.value if isinstance(earlier, SourceRow) else None
            if isinstance(earlier, SourceRow) and isinstance(said, RawRow) and not people & list_people(said):
                kept[place] = earlier._replace(value=_join(said, row.value))
                report.rows += 1
                report.joined += 1
                continue
        kept.append(row)
    return kept


def join_files(found: Iterable[tuple[SourceRow, Sample]], report: JoinReport) -> Iterator[tuple[SourceRow, Sample]]:
    """One sample for each text, with the annotations of all files; what nobody else may have said stands apart."""
    joined: dict[str, tuple[SourceRow, Sample]] = {}
    apart: list[tuple[SourceRow, Sample]] = []
    for source, sample in found:
        first, earlier = joined.setdefault(sample.sample_id, (source, sample))
        people = {annotation.author for annotation in earlier.annotations if not annotation.author.is_model}
        if earlier is sample:
            continue
        if sample.text == earlier.text and not people & {annotation.author for annotation in sample.annotations}:
            joined[sample.sample_id] = (first, _join(earlier, sample))
            report.joined += 1
        else:
            apart.append((source, sample))
    yield from joined.values()
    yield from apart


def _join(first: Annotated, other: Annotated) -> Annotated:
    """The first with those annotations of the other that it does not have."""
    added = tuple(one for one in other.annotations if one not in first.annotations)
    return replace(first, annotations=first.annotations + added)


def name_annotator(row: SourceRow | RecordError, name: str) -> SourceRow | RecordError:
    """The row, in which this person made the annotations that name no author."""
    if not isinstance(row, SourceRow) or not isinstance(row.value, RawRow):
        return row
    named = tuple(one if one.person or one.model else replace(one, person=name) for one in row.value.annotations)
    return row._replace(value=replace(row.value, annotations=named))


def claim_annotator(row: RawRow) -> RawRow:
    """The row, in which the person whom a field names made the one annotation that names no author."""
    key = find_key(row.fields, ANNOTATOR)
    person = row.fields.get(key)
    if len(row.annotations) != 1 or row.annotations[0].person or row.annotations[0].model:
        return row
    if not isinstance(person, str | int) or person == "":
        return row
    fields = {name: value for name, value in row.fields.items() if name != key}
    return replace(row, annotations=(replace(row.annotations[0], person=str(person)),), fields=fields)


def list_people(row: RawRow) -> frozenset[str]:
    """The annotators of a row; nobody if an annotation does not name its author."""
    if not all(one.person or one.model for one in row.annotations):
        return frozenset()
    return frozenset(one.person for one in row.annotations if one.person)
