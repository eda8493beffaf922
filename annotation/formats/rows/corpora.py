"""Rows of libraries and corpora: spaCy, GLiNER2, Presidio, TAB, and any text with spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from goldspan.annotation.formats.rows.options import TEXT_KEYS, RowOptions, find_text, make_row
from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawCluster, RawRow, RawSpan, RowError
from goldspan.annotation.formats.rows.recognition import looks_like_spans
from goldspan.annotation.formats.rows.span_keys import TOKEN_KEYS
from goldspan.annotation.formats.rows.spans import holds_values, read_spans
from goldspan.annotation.formats.tags import decode_tags, join_tokens, place_tokens

_SPAN_KEYS = ("spans", "entities", "label", "labels", "annotations", "denotations")
_LABEL_KEYS = ("label", "labels", "pii", "pii_entities")


def score_gliner2(row: Mapping[str, Any]) -> float:
    """Sureness that a row is GLiNER2's: `input` and `output.entities`."""
    output = row.get("output")
    return 0.97 if isinstance(row.get("input"), str) and isinstance(output, Mapping) and "entities" in output else 0.0


def read_gliner2(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`input` and `output.entities`: the values of each label, which are aligned with the text.

    Raises:
        RowError: text or entities cannot be read.
    """
    output = {key: value for key, value in row["output"].items() if key != "entity_descriptions"}
    spans = read_spans(output.pop("entities"), "output/entities")
    left = {key: value for key, value in row.items() if key not in {"input", "output", "id"}}
    return make_row(row, row["input"], (RawAnnotation(spans),), left | ({"output": output} if output else {}))


def score_spacy(row: Mapping[str, Any]) -> float:
    """Sureness that a row is spaCy's: `entities` tuples, `Doc.to_json`, or the training JSON of version 2."""
    if _list_sentences(row):
        return 0.95
    if "ents" in row and "text" in row:
        return 0.95
    entities = row.get("entities")
    if isinstance(entities, Mapping):
        entities = entities.get("entities")
    triples = isinstance(entities, list) and bool(entities) and isinstance(entities[0], list)
    return 0.9 if triples and "text" in row else 0.0


def read_spacy(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`entities`: `[start, end, label]`; `ents` of `Doc.to_json`; a paragraph of the training JSON.

    Raises:
        RowError: text or spans cannot be read.
    """
    if _list_sentences(row):
        return _read_paragraphs(row)
    key, text = find_text(row, options)
    name = "ents" if "ents" in row else "entities"
    used = {key, name, "tokens", "sents", "id", "cats", "spans", "user_data"}
    groups = row["spans"] if isinstance(row.get("spans"), Mapping) else {}
    clusters = tuple(
        RawCluster((), tuple((span.start or 0, span.end or 0, "") for span in read_spans(group, group_name)))
        for group_name, group in groups.items()
        if group_name.startswith("coref_clusters")
    )
    if isinstance(row.get("spans"), list) and row["spans"] and row.get(name):
        raise RowError(Code.UNREAD_SPANS, f"several keys hold annotations: {name}, spans; keep one of them")
    if unread := [n for n, group in groups.items() if group and not n.startswith("coref_clusters")]:
        raise RowError(Code.UNREAD_SPANS, f"the span group {unread[0]!r} is not read; keep its spans as ents")
    spans = read_spans(row.get(name), name)
    left = {k: v for k, v in row.items() if k not in used}
    return make_row(row, text, (RawAnnotation(tuple(_drop_ids(spans)), clusters),), left)


def _list_sentences(row: Mapping[str, Any]) -> list[Any]:
    """The sentences of a document of the training JSON."""
    paragraphs = row.get("paragraphs")
    found = [entry for entry in paragraphs if isinstance(entry, Mapping)] if isinstance(paragraphs, list) else []
    return [sentence for entry in found for sentence in entry.get("sentences") or ()]


def _drop_ids(spans: tuple[RawSpan, ...]) -> list[RawSpan]:
    return [RawSpan(span.labels, span.start, span.end, span.value) for span in spans]


def _read_paragraphs(row: Mapping[str, Any]) -> RawRow:
    pieces: list[str] = []
    spans: list[RawSpan] = []
    offset = 0
    for paragraph in row["paragraphs"]:
        tokens = [token for sentence in paragraph.get("sentences", ()) for token in sentence.get("tokens", ())]
        words = [str(token.get("orth", "")) for token in tokens]
        raw = paragraph.get("raw")
        places = place_tokens(raw, words) if isinstance(raw, str) else None
        if places is None:
            raw, places = join_tokens(words)
        tags = [str(token.get("ner") or "O") for token in tokens]
        try:
            decoded = decode_tags(tags, places)
        except ValueError as error:
            raise RowError(Code.UNREADABLE_SPANS, f"paragraphs: {error}") from None
        spans += [RawSpan((label,), offset + start, offset + end) for start, end, label in decoded]
        pieces.append(str(raw))
        offset += len(str(raw)) + 1
    text = "\n".join(pieces)
    return make_row(row, text, (RawAnnotation(tuple(spans)),), {})


def score_presidio(row: Mapping[str, Any]) -> float:
    """Sureness that a row is one of presidio-research's samples."""
    return 0.97 if "full_text" in row and "spans" in row else 0.0


def read_presidio(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`full_text` and `spans` with entity_type, entity_value, start_position and end_position.

    Raises:
        RowError: text or spans cannot be read.
    """
    key, text = find_text(row, options)
    used = {key, "spans", "masked", "tokens", "tags", "create_tags_from_span", "id", "schema"}
    left = {k: v for k, v in row.items() if k not in used and v is not None}
    return make_row(row, text, (RawAnnotation(read_spans(row.get("spans"), "spans")),), left)


def score_tab(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a document of the Text Anonymization Benchmark."""
    annotations = row.get("annotations")
    if not isinstance(annotations, Mapping) or not annotations:
        return 0.0
    return 0.98 if all(isinstance(v, Mapping) and "entity_mentions" in v for v in annotations.values()) else 0.0


def read_tab(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """Every annotator's entity mentions; mentions of one `entity_id` are a cluster.

    Raises:
        RowError: text or spans cannot be read.
    """
    _, text = find_text(row, options)
    annotations = []
    for person, work in row["annotations"].items():
        entries = work["entity_mentions"]
        spans = read_spans(entries, f"annotations/{person}")
        clusters: dict[str, list[tuple[int, int, str]]] = {}
        for entry, span in zip(entries, spans, strict=True):
            clusters.setdefault(str(entry.get("entity_id") or ""), []).append((span.start or 0, span.end or 0, ""))
        linked = tuple(
            RawCluster((), tuple(dict.fromkeys(places)))
            for name, places in clusters.items()
            if name and len(set(places)) > 1
        )
        annotations.append(RawAnnotation(spans, linked, person=str(person), nests=True))
    left = {k: v for k, v in row.items() if k in {"dataset_type", "quality_checked", "task", "meta"}}
    return make_row(row, text, tuple(annotations), left)


def score_spans(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a text with spans under some key."""
    text = next((row[key] for key in TEXT_KEYS if isinstance(row.get(key), str)), None)
    if text is None:
        return 0.0
    found = (name not in TOKEN_KEYS and _holds_spans(name, value, text) for name, value in row.items())
    if any(found):
        return 0.6
    return 0.5 if any(row.get(name) == [] for name in _SPAN_KEYS) else 0.0


def split_authors(value: Any, key: str) -> tuple[RawAnnotation, ...]:
    """The spans of a list, an annotation for each person that its entries name (Doccano 1: `user`).

    Raises:
        RowError: a span cannot be read.
    """
    entries = value if isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value) else []
    if not entries or not all(isinstance(entry.get("user"), int | str) for entry in entries):
        return (RawAnnotation(tuple(_drop_ids(read_spans(value, key)))),)
    people: dict[str, list[Any]] = {}
    for entry in entries:
        people.setdefault(str(entry["user"]), []).append(entry)
    return tuple(RawAnnotation(tuple(_drop_ids(read_spans(one, key))), person=person) for person, one in people.items())


def _holds_spans(name: str, value: Any, text: str) -> bool:
    """True for spans; under a key that speaks of labels also for values of the text by label."""
    if name in _LABEL_KEYS and holds_values(value):
        surfaces = [surface for values in value.values() for surface in values]
        return any(surfaces) and all(surface in text for surface in surfaces)
    return looks_like_spans(value, len(text))


def _list_places(annotations: Iterable[RawAnnotation]) -> set[tuple[int | None, int | None, str | None, str]]:
    """The places and labels of spans; of one without offsets the value."""
    spans = (span for annotation in annotations for span in annotation.spans)
    return {(s.start, s.end, s.value if s.start is None else None, s.labels[0]) for s in spans}


def read_any_spans(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A text, and the key that holds its spans; others may hold the same spans in another form.

    Raises:
        RowError: several keys hold spans, or one does in a form that is not read.
    """
    key, text = find_text(row, options)
    others = {name: value for name, value in row.items() if name != key and name not in TOKEN_KEYS}
    found = [name for name, value in others.items() if _holds_spans(name, value, text)]
    annotations = split_authors(row[found[0]], found[0]) if found else ()
    if any(_list_places(split_authors(row[name], name)) != _list_places(annotations) for name in found[1:]):
        raise RowError(Code.UNREAD_SPANS, f"several keys hold annotations: {', '.join(found[:5])}; keep one of them")
    empty = [name for name in _SPAN_KEYS if row.get(name) == [] and name not in found]
    if not found and empty:
        annotations = (RawAnnotation(),)
    left = {k: v for k, v in row.items() if k not in {key, *found, *empty, "id"}}
    return make_row(row, text, annotations, left)
