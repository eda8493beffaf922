"""Rows that annotation services export: SageMaker Ground Truth, Vertex AI, AutoML, Labelbox, Kili, and BioC documents.

Ends in Labelbox are offsets of the last character; all others lie after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions, find_text, make_row
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawRow,
    RawSpan,
    RowError,
    read_objects,
    read_offset,
    read_string,
)

_METADATA = "-metadata"
_SEGMENTS = "textSegmentAnnotations"
_WIDEST_GAP = 1000
"""Characters between two passages of BioC."""


def score_ground_truth(row: Mapping[str, Any]) -> float:
    """Sureness (0 to 1) that a row is a line of an output manifest of Ground Truth for spans."""
    return 0.97 if "source" in row and _find_job(row) else 0.0


def _find_job(row: Mapping[str, Any]) -> str:
    """The name of the labelling job: a key with annotations and metadata beside it."""
    jobs = (name.removesuffix(_METADATA) for name in row if name.endswith(_METADATA))
    return next((job for job in jobs if isinstance(row.get(job), Mapping) and "annotations" in row[job]), "")


def read_ground_truth(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A text with the spans of its labelling job.

    Raises:
        RowError: text or spans cannot be read.
    """
    job, text = _find_job(row), _require_text(row, "source")
    entities = row[job]["annotations"].get("entities")
    spans = [
        _make_span(entry, entry.get("label"), "startOffset", "endOffset")
        for entry in read_objects(entities, "entities")
    ]
    left = {name: value for name, value in row.items() if name not in {"source", job, f"{job}{_METADATA}"}}
    return make_row(row, text, (RawAnnotation(tuple(spans)),), left)


def score_vertex(row: Mapping[str, Any]) -> float:
    """Sureness that a row is one of Vertex AI, or of AutoML before it."""
    segments = any("text_extraction" in entry for entry in _list_objects(row.get("annotations")))
    return 0.97 if _SEGMENTS in row or ("text_snippet" in row and segments) else 0.0


def read_vertex(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A text with its segments.

    Raises:
        RowError: text or spans cannot be read.
    """
    if _SEGMENTS in row:
        text = _require_text(row, "textContent")
        entries = read_objects(row[_SEGMENTS], _SEGMENTS)
        spans = [_make_span(entry, entry.get("displayName"), "startOffset", "endOffset", 0) for entry in entries]
        used = {"textContent", _SEGMENTS}
    else:
        text, used = _require_text(row["text_snippet"], "content"), {"text_snippet", "annotations"}
        spans = []
        for entry in read_objects(row["annotations"], "annotations"):
            segment = entry["text_extraction"]["text_segment"]
            spans.append(_make_span(segment, entry.get("display_name"), "start_offset", "end_offset", 0))
    left = {name: value for name, value in row.items() if name not in used}
    return make_row(row, text, (RawAnnotation(tuple(spans)),), left)


def score_labelbox(row: Mapping[str, Any]) -> float:
    """Sureness that a row is one of Labelbox's exports."""
    return 0.97 if isinstance(row.get("data_row"), Mapping) and isinstance(row.get("projects"), Mapping) else 0.0


def read_labelbox(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A text with an annotation for each label of each project.

    Raises:
        RowError: text or spans cannot be read; the text is only an address.
    """
    source = row["data_row"]
    text = _require_text(source, "row_data")
    if "\n" not in text and text.partition("://")[1] and " " not in text:
        raise RowError(Code.NO_TEXT, "data_row/row_data is an address; export the texts themselves")
    annotations = []
    for project in row["projects"].values():
        for label in _list_objects(project.get("labels")):
            entries = read_objects(label["annotations"].get("objects"), "objects")
            spans = [_make_span(entry["location"], entry.get("name"), "start", "end", last=True) for entry in entries]
            person = read_string(label.get("label_details") or {}, "created_by")
            annotations.append(RawAnnotation(tuple(spans), person=person))
    fields = {"id": read_string(source, "global_key", "external_id", "id")}
    return make_row(fields, text, tuple(annotations), {})


def score_kili(row: Mapping[str, Any]) -> float:
    """Sureness that a row is one of Kili's exports."""
    return 0.97 if any("jsonResponse" in entry for entry in _list_objects(row.get("labels"))) else 0.0


def read_kili(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A text with an annotation for each label.

    Raises:
        RowError: text or spans cannot be read.
    """
    key, text = find_text(row, options)
    annotations = []
    for label in _list_objects(row["labels"]):
        jobs = (job for job in label["jsonResponse"].values() if isinstance(job, Mapping))
        entries = [entry for job in jobs for entry in _list_objects(job.get("annotations")) if "beginOffset" in entry]
        person = read_string(label.get("author") or {}, "email", "id")
        annotations.append(RawAnnotation(tuple(map(_read_kili_span, entries)), person=person))
    left = {name: value for name, value in row.items() if name not in {key, "labels", "externalId"}}
    return make_row({"id": read_string(row, "externalId", "id")}, text, tuple(annotations), left)


def _read_kili_span(entry: Mapping[str, Any]) -> RawSpan:
    surface, categories = entry["content"], _list_objects(entry.get("categories"))
    return _make_span(
        {"start": entry["beginOffset"], "end": entry["beginOffset"] + len(surface)},
        next(iter(categories), {}).get("name"),
        "start",
        "end",
        surface=surface,
    )


def score_bioc(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a document of BioC JSON."""
    return 0.97 if any("offset" in entry for entry in _list_objects(row.get("passages"))) else 0.0


def read_bioc(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A document: its passages at their offsets, line breaks between them. Relations are counted and left out.

    Raises:
        RowError: text or spans cannot be read; passages overlap or lie far apart.
    """
    text = ""
    spans: list[RawSpan] = []
    passages = _list_objects(row["passages"])
    base = passages[0]["offset"]
    for passage in passages:
        start = passage["offset"] - base
        if not 0 <= start - len(text) <= _WIDEST_GAP:
            raise RowError(Code.OFFSETS, "two passages overlap, or lie far apart")
        text += "\n" * (start - len(text)) + _require_text(passage, "text")
        spans += _read_bioc_spans(passage, base)
    left = {"infons": row["infons"]} if row.get("infons") else {}
    relations = sum(len(part.get("relations") or ()) for part in (row, *passages))
    read = make_row(row, text, (RawAnnotation(tuple(spans)),), left)
    return replace(read, left_out={"relation": relations} if relations else {})


def _read_bioc_spans(passage: Mapping[str, Any], base: int) -> Iterator[RawSpan]:
    if any(sentence.get("annotations") for sentence in _list_objects(passage.get("sentences"))):
        raise RowError(Code.UNREAD_SPANS, "annotations of sentences are not read; export those of passages")
    for entry in read_objects(passage.get("annotations"), "annotations"):
        places = _list_objects(entry.get("locations"))
        if len(places) != 1:
            raise RowError(Code.UNREADABLE_SPANS, "annotations has an entry in several parts")
        start = places[0]["offset"] - base
        place = {"start": start, "end": start + places[0]["length"]}
        yield _make_span(place, entry["infons"].get("type"), "start", "end", surface=entry.get("text"))


def _make_span(
    place: Mapping[str, Any],
    label: Any,
    start_key: str,
    end_key: str,
    default: int | None = None,
    *,
    last: bool = False,
    surface: str | None = None,
) -> RawSpan:
    """A span of two keys; a start that is missing is `default`, since protocol buffers leave zeros out."""
    start, end = read_offset(place.get(start_key, default)), read_offset(place.get(end_key))
    if not isinstance(label, str) or not label or start is None or end is None:
        raise RowError(Code.UNREADABLE_SPANS, f"an entry without a label, {start_key} or {end_key}")
    return RawSpan((label,), start, end + last, surface)


def _require_text(row: Mapping[str, Any], key: str) -> str:
    text = row.get(key)
    if not isinstance(text, str) or not text.strip():
        raise RowError(Code.NO_TEXT, f"expected {key!r} as a string")
    return text


def _list_objects(value: Any) -> list[Mapping[str, Any]]:
    entries: Iterable[Any] = value if isinstance(value, list) else ()
    return [entry for entry in entries if isinstance(entry, Mapping)]
