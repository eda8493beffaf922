"""Label Studio's JSON export of any project: other control names, text keys and label names than Goldspan's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions, find_text, make_row
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawRelation,
    RawRow,
    RawSpan,
    RowError,
    read_offset,
    read_string,
)
from goldspan.annotation.formats.rows.recognition import holds_unread_spans
from goldspan.annotation.types import Status

ADDRESS = re.compile(r"(?:https?://|s3://|gs://|azure-blob://|/data/)\S+\Z")
"""A text of a task that only says where the text is."""
_LISTS = ("annotations", "completions", "predictions", "drafts")
_COPIES = {"annotations_results": "annotations", "predictions_results": "predictions"}
"""Keys of Label Studio's task list that repeat the results of others as text."""


def score_studio(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a task of Label Studio."""
    if not isinstance(row.get("data"), Mapping):
        return 0.0
    return 0.95 if any(isinstance(row.get(name), list) for name in _LISTS) else 0.85


def read_studio(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A task with every annotation, prediction and draft; offsets are code points, as Label Studio counts `<Text>`.

    Results that hold no span of the text (choices, ratings, notes) stand in `fields.other_results` by author.

    Raises:
        RowError: there is no text, or a region cannot be read.
    """
    data = row["data"]
    if any(item.get("type") in {"paragraphlabels", "hypertextlabels"} for item in _iter_results(row)):
        raise RowError(
            Code.UNREADABLE_SPANS, "a region counts in HTML or a dialogue; take it with `goldspan studio adopt`"
        )
    if not any(isinstance(value, str) for value in data.values()) and any(map(_is_dialogue, data.values())):
        raise RowError(Code.NO_TEXT, "it holds a dialogue; take the project with `goldspan studio adopt`")
    spans = (item for item in _iter_results(row) if _is_span(item) and item.get("type") != "relation")
    if len(names := sorted({str(item["to_name"]) for item in spans if item.get("to_name")})) > 1:
        raise RowError(Code.OFFSETS, f"its regions lie in several texts ({', '.join(names)}); export each alone")
    key, text = _find_labelled_text(row, data, options)
    if ADDRESS.match(text):
        raise RowError(
            Code.NO_TEXT, f"data.{key} is an address, not the text; take the project with `goldspan studio adopt`"
        )
    if beside := _find_beside(row, len(text)):
        raise RowError(
            Code.UNREAD_SPANS, f"the key {beside!r} beside data holds annotations; export the project as JSON"
        )
    others: list[dict[str, Any]] = []
    annotations: list[RawAnnotation] = []
    left_out: Counter[str] = Counter()
    for name in _LISTS:
        for entry in row[name] if isinstance(row.get(name), list) else ():
            if isinstance(entry, Mapping):
                annotations.append(_read_entry(name, entry, text, others))
            elif name in {"predictions", "drafts"}:
                left_out[f"{name} given as numbers"] += 1
            else:
                raise RowError(Code.UNREADABLE_SPANS, f"{name} holds numbers alone; export the project as JSON")
    left = {k: v for k, v in data.items() if k != key} | ({"other_results": others} if others else {})
    kept = {name: value for name, value in left.items() if name == "other_results"}
    made = make_row({**data, "id": row.get("id")}, text, tuple(annotations), {**left, "other_results": None})
    fields = {n: v for n, v in made.fields.items() if n not in {"other_results", "text_sha256"}} | kept
    return RawRow(
        made.text,
        made.annotations,
        made.language,
        made.country,
        made.document_type,
        made.uid,
        fields,
        made.sample_id,
        left_out,
    )


def holds_unread(task: Mapping[str, Any]) -> bool:
    """True for a task with annotations beside its data, or that gives only their numbers.

    Predictions are often numbers: Label Studio's own export gives them so.
    """
    listed = task["annotations"] if isinstance(task.get("annotations"), list) else []
    whole = all(isinstance(entry, Mapping) for entry in listed)
    return not whole or bool(_find_beside(task, len(task["data"]["text"])))


def _find_beside(task: Mapping[str, Any], length: int) -> str:
    """The key of a task that holds annotations and is none of Label Studio's; else empty."""
    others = {n: v for n, v in task.items() if n not in {"data", *_LISTS} and not task.get(_COPIES.get(n, ""))}
    return next((name for name, value in others.items() if holds_unread_spans(name, value, length)), "")


def _read_entry(kind: str, entry: Mapping[str, Any], text: str, others: list[dict[str, Any]]) -> RawAnnotation:
    result = entry.get("result")
    if not isinstance(result, list):
        raise RowError(Code.UNREADABLE_SPANS, f"{kind} has an entry without a list result")
    spans: list[RawSpan] = []
    relations: list[RawRelation] = []
    named = {item.get("id") for item in result if isinstance(item, Mapping) and _is_span(item)}
    for item in result:
        if not isinstance(item, Mapping):
            raise RowError(Code.UNREADABLE_SPANS, f"{kind} has a result that is not an object")
        value = item.get("value")
        if item.get("id") not in named and (paths := _list_paths(item)):
            item, value = {**item, "type": "labels"}, {**item["value"], "labels": paths}
        if item.get("type") == "relation":
            names = item.get("labels") or [""]
            relations.append(RawRelation(str(item.get("from_id")), str(item.get("to_id")), str(names[0])))
        elif isinstance(value, Mapping) and "start" in value and "end" in value and _is_span(item):
            spans.append(_read_region(item, value, text))
        else:
            others.append({"author": _name_author(entry), **item})
    if kind == "predictions":
        return RawAnnotation(
            tuple(spans), relations=tuple(relations), model=read_string(entry, "model_version") or "undefined"
        )
    cancelled = Status.CANCELLED if entry.get("was_cancelled") else Status.SUBMITTED
    return RawAnnotation(
        tuple(spans),
        relations=tuple(relations),
        person=_name_author(entry),
        status=Status.DRAFT if kind == "drafts" else cancelled,
    )


def _is_dialogue(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(turn, Mapping) for turn in value)


def _is_span(item: Mapping[str, Any]) -> bool:
    """False for what a person said about a region: choices, texts, ratings, classes of a taxonomy."""
    return str(item.get("type") or "labels").endswith("labels")


def _list_paths(item: Mapping[str, Any]) -> list[str]:
    """The labels of a region that a taxonomy labels: paths such as `Person/Name`."""
    value = item.get("value")
    if item.get("type") != "taxonomy" or not isinstance(value, Mapping) or "start" not in value:
        return []
    return ["/".join(map(str, path)) for path in value.get("taxonomy") or () if path]


def _find_labelled_text(row: Mapping[str, Any], data: Mapping[str, Any], options: RowOptions) -> tuple[str, str]:
    """The key and the text that the regions lie in: of several texts, the one that has the words of all of them."""
    texts = {key: value for key, value in data.items() if isinstance(value, str)}
    stated = list(_iter_stated(row))
    if not options.text_key and len(texts) > 1 and stated:
        fitting = [
            key
            for key, text in texts.items()
            if all(_same_text(words, text[start:end]) for start, end, words in stated)
        ]
        if len(fitting) == 1:
            return fitting[0], texts[fitting[0]]
    return find_text(data, options)


def _iter_results(row: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    entries = [entry for name in _LISTS if isinstance(row.get(name), list) for entry in row[name]]
    results = [entry.get("result") for entry in entries if isinstance(entry, Mapping)]
    return (item for result in results if isinstance(result, list) for item in result if isinstance(item, Mapping))


def _iter_stated(row: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Offsets and words of the regions that state both."""
    for item in _iter_results(row):
        value = item.get("value")
        if isinstance(value, Mapping) and isinstance(value.get("text"), str):
            start, end = read_offset(value.get("start")), read_offset(value.get("end"))
            if start is not None and end is not None:
                yield start, end, value["text"]


def _read_region(item: Mapping[str, Any], value: Mapping[str, Any], text: str) -> RawSpan:
    start, end = read_offset(value["start"]), read_offset(value["end"])
    labels = next((v for k, v in value.items() if k.endswith("labels") and isinstance(v, Sequence)), None)
    if start is None or end is None or "startOffset" in value:
        raise RowError(Code.UNREADABLE_SPANS, "a region has offsets of HTML or of a dialogue: goldspan studio adopt")
    if not labels or not isinstance(labels[0], str):
        raise RowError(Code.UNREADABLE_SPANS, f"the region {start}–{end} has no label")
    if len(labels) > 1:
        raise RowError(Code.UNREADABLE_SPANS, f"the region {start}–{end} has several labels: {', '.join(labels)}")
    stated = value.get("text")
    surface = text[start:end] if isinstance(stated, str) and _same_text(stated, text[start:end]) else stated
    surface = surface if isinstance(surface, str) else None
    return RawSpan((labels[0],), start, end, surface, str(item.get("id") or ""), tuple(_iter_notes(item)))


def _iter_notes(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a person wrote about a region: its meta information."""
    meta = item.get("meta")
    for name, said in meta.items() if isinstance(meta, Mapping) else ():
        yield name, "\n".join(map(str, said)) if isinstance(said, list) else str(said)


def _same_text(stated: str, seen: str) -> bool:
    """Label Studio writes line breaks of a selection as a backslash and an n."""
    return stated.replace("\\n", "\n").replace("\r\n", "\n") == seen.replace("\r\n", "\n")


def _name_author(entry: Mapping[str, Any]) -> str:
    person = entry.get("completed_by", entry.get("user"))
    if isinstance(person, Mapping):
        person = person.get("email") or person.get("id")
    return "unknown" if person is None else str(person)
