"""Rows that annotation tools export: Label Studio JSON-MIN, Prodigy, Doccano, Argilla."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions, find_text, make_row
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawRelation,
    RawRow,
    RawSpan,
    RowError,
    read_string,
)
from goldspan.annotation.formats.rows.recognition import looks_like_spans
from goldspan.annotation.formats.rows.spans import read_relations, read_spans
from goldspan.annotation.types import Status

_MIN_KEYS = frozenset({"annotator", "annotation_id", "lead_time", "created_at", "updated_at"})
_OTHER_QUESTIONS = frozenset({"label", "options"})
"""Keys of Prodigy's tasks about the whole text: the class to confirm, and the choices."""
_STATES = {"accept": Status.SUBMITTED, "reject": Status.CANCELLED, "ignore": Status.CANCELLED}


def score_json_min(row: Mapping[str, Any]) -> float:
    """Sureness (0 to 1) that a row is one of Label Studio's JSON-MIN, CSV or TSV exports."""
    return 0.97 if "annotation_id" in row or {"annotator", "lead_time"} <= row.keys() else 0.0


def read_json_min(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """One task with one annotation; every control that holds spans is read, offsets are code points.

    Raises:
        RowError: text or spans cannot be read.
    """
    key, text = find_text(row, options)
    controls = {
        name: value
        for name, value in row.items()
        if name not in _MIN_KEYS and name != key and looks_like_spans(value, len(text))
    }
    spans = tuple(span for name, value in controls.items() for span in read_spans(value, name))
    person = read_string(row, "annotator")
    answered = bool(spans) or any(row.get(name) is not None for name in ("annotation_id", "annotator"))
    annotation = RawAnnotation(spans, person=person)
    left = {k: v for k, v in row.items() if k not in {key, "id", *controls, *_MIN_KEYS}}
    return make_row(row, text, (annotation,) if answered else (), left)


def score_prodigy(row: Mapping[str, Any]) -> float:
    """Sureness that a row is Prodigy's."""
    if "_input_hash" in row or "_task_hash" in row:
        return 0.98
    return 0.9 if str(row.get("answer")) in _STATES and "text" in row else 0.0


def read_prodigy(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A Prodigy task: `spans`, `relations` by token, and the `answer`; rejected and ignored ones are not gold.

    A task of another question, such as a class of the whole text, says nothing of its spans. What `prodigy review`
    shows to decide on is the work of the people whose sessions it names.

    Raises:
        RowError: text or spans cannot be read.
    """
    key, text = find_text(row, options)
    answer = read_string(row, "answer") or "accept"
    person = read_string(row, "_annotator_id", "_session_id")
    spans = list(read_spans(row.get("spans"), "spans"))
    relations = []
    for entry in row.get("relations") or ():
        names = [_name_end(row, entry, name) for name in ("head", "child")]
        relations.append(RawRelation(names[0], names[1], str(entry.get("label") or "")))
    named = tuple(_name_span(span) for span in spans) if relations else tuple(spans)
    status = _STATES.get(answer, Status.SUBMITTED)
    if status is Status.CANCELLED:
        person = person or "unknown"
    annotation = RawAnnotation(
        named,
        relations=tuple(relations),
        person=person,
        status=status,
        answer="" if answer == "accept" else answer,
    )
    annotated = "spans" in row or ("answer" in row and not row.keys() & _OTHER_QUESTIONS)
    skipped = {key, "spans", "relations", "answer", "tokens", "versions", "sessions"}
    left = {k: v for k, v in row.items() if k not in skipped and not k.startswith("_")}
    versions = tuple(
        RawAnnotation(read_spans(version.get("spans"), "versions"), person=str(session))
        for version in row.get("versions") or ()
        for session in version["sessions"]
    )
    return make_row(row, text, ((annotation,) if annotated else ()) + versions, left)


def _name_end(row: Mapping[str, Any], relation: Mapping[str, Any], end: str) -> str:
    """The place of a relation's head or child, which is a span or a token: `start-end`."""
    place = relation.get(f"{end}_span")
    if place is None:
        holders = [*(row.get("spans") or ()), *(row.get("tokens") or ())]
        place = next((item for item in holders if _covers(item, relation.get(end))), None)
    if not isinstance(place, Mapping) or "start" not in place or "end" not in place:
        raise RowError(Code.UNREADABLE_SPANS, f"relations has an entry whose {end} is neither a span nor a token")
    return f"{place['start']}-{place['end']}"


def _covers(item: Mapping[str, Any], token: Any) -> bool:
    """True if a span covers a token, or is that token."""
    first, last = item.get("token_start", item.get("id")), item.get("token_end", item.get("id"))
    return isinstance(first, int) and isinstance(last, int) and isinstance(token, int) and first <= token <= last


def _name_span(span: RawSpan) -> RawSpan:
    return replace(span, id=f"{span.start}-{span.end}")


def _holds_classes(value: Any) -> bool:
    """True for the classes of a whole text: a list of names."""
    return isinstance(value, list) and bool(value) and all(isinstance(name, str) for name in value)


def score_doccano(row: Mapping[str, Any]) -> float:
    """Sureness that a row is Doccano's."""
    if isinstance(row.get("entities"), list) and "relations" in row:
        return 0.95
    if "Comments" in row or "comments" in row:
        return 0.9 if "label" in row or "labels" in row else 0.0
    lists = [row[name] for name in ("label", "labels") if isinstance(row.get(name), list)]
    if lists and not any(lists) and isinstance(row.get("text"), str):
        return 0.5
    return 0.8 if any(isinstance(entry, list) for entries in lists for entry in entries[:1]) else 0.0


def read_doccano(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`label` (or `labels`): `[start, end, label]`; the relation export's `entities` and `relations`.

    Raises:
        RowError: text or spans cannot be read.
    """
    key, text = find_text(row, options)
    classes = [name for name in ("label", "labels") if _holds_classes(row.get(name))]
    found = [name for name in ("label", "labels", "entities") if row.get(name) is not None and name not in classes]
    spans = tuple(span for name in found for span in read_spans(row[name], name))
    annotation = RawAnnotation(spans, relations=read_relations(row.get("relations"), "relations"))
    used = {key, "id", *found, "relations", "Comments", "comments"}
    left = {k: v for k, v in row.items() if k not in used}
    return make_row(row, text, (annotation,) if found else (), left)


def score_argilla(row: Mapping[str, Any]) -> float:
    """Sureness that a row is Argilla's (version 1 or 2)."""
    if isinstance(row.get("fields"), Mapping) and ("responses" in row or "suggestions" in row):
        return 0.97
    if any(name.endswith((".responses", ".suggestion")) for name in row):
        return 0.97
    return 0.93 if "annotation" in row and ("status" in row or "prediction" in row) else 0.0


def read_argilla(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """Version 1: `annotation` and `prediction`; version 2: every user's responses and the suggestions.

    Raises:
        RowError: text or spans cannot be read.
    """
    source = row["fields"] if isinstance(row.get("fields"), Mapping) else row
    key, text = find_text(source, options)
    annotations: list[RawAnnotation] = []
    if row.get("prediction") is not None:
        model = read_string(row, "prediction_agent") or "prediction"
        annotations.append(RawAnnotation(read_spans(row["prediction"], "prediction"), model=model))
    if row.get("annotation") is not None:
        person = read_string(row, "annotation_agent")
        discarded = read_string(row, "status").casefold() in {"discarded", "default"}
        status = Status.CANCELLED if discarded else Status.SUBMITTED
        spans = read_spans(row["annotation"], "annotation")
        annotations.append(RawAnnotation(spans, person=person or ("unknown" if discarded else ""), status=status))
    annotations += _read_suggestions(row, len(text)) + _read_responses(row, len(text))
    used = {key, "fields", "annotation", "prediction", "responses", "suggestions", "tokens", "id", "status", "vectors"}
    used |= {"annotation_agent", "prediction_agent", "metrics", "event_timestamp", "inserted_at", "updated_at"}
    left = {k: v for k, v in row.items() if k not in used and "." not in k}
    if other := _list_other_answers(row, len(text)):
        left["responses"] = other
    return make_row(row, text, tuple(annotations), left)


def _list_other_answers(row: Mapping[str, Any], length: int) -> dict[str, Any]:
    """Answers to questions that are not about spans: ratings, labels, texts."""
    responses = row["responses"] if isinstance(row.get("responses"), Mapping) else {}
    nested = {name: [entry.get("value") for entry in given or () if isinstance(entry, Mapping)]
              for name, given in responses.items()}  # fmt: skip
    flat = {k.removesuffix(".responses"): v for k, v in row.items() if k.endswith(".responses") and v}
    return {
        name: values
        for name, values in (nested | flat).items()
        if any(value not in (None, []) for value in values) and not looks_like_spans(values, length)
    }


def _read_responses(row: Mapping[str, Any], length: int) -> list[RawAnnotation]:
    found: list[RawAnnotation] = []
    responses = row.get("responses")
    if isinstance(responses, Mapping):
        entries = [(name, entry) for name, given in responses.items() for entry in given or ()]
    else:
        entries = [(k.removesuffix(".responses"), v) for k, v in row.items() if k.endswith(".responses")]
        entries = [
            (name, {"value": value, "user_id": user, "status": state})
            for name, values in entries
            for value, user, state in zip(
                values or (),
                row.get(f"{name}.responses.users") or ["unknown"] * len(values or ()),
                row.get(f"{name}.responses.status") or ["submitted"] * len(values or ()),
                strict=False,
            )
        ]
    for name, entry in entries:
        value = entry.get("value") if isinstance(entry, Mapping) else None
        if value in ([], None) or looks_like_spans(value, length):
            state = str(entry.get("status") or "submitted")
            status = {"draft": Status.DRAFT, "discarded": Status.CANCELLED}.get(state, Status.SUBMITTED)
            person = str(entry.get("user_id") or "unknown")
            found.append(RawAnnotation(read_spans(value, name), person=person, status=status))
    return found


def _read_suggestions(row: Mapping[str, Any], length: int) -> list[RawAnnotation]:
    found = []
    suggestions = row.get("suggestions")
    entries = list(suggestions.items()) if isinstance(suggestions, Mapping) else []
    entries += [(k, {"value": v, "agent": row.get(f"{k}.agent")}) for k, v in row.items() if k.endswith(".suggestion")]
    for name, entry in entries:
        value = entry.get("value") if isinstance(entry, Mapping) else entry
        if looks_like_spans(value, length):
            agent = entry.get("agent") if isinstance(entry, Mapping) else None
            found.append(RawAnnotation(read_spans(value, name), model=str(agent or "suggestion")))
    return found
