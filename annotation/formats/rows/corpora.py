"""Rows of libraries and corpora: spaCy, Hugging Face tokens, GLiNER, Presidio, TAB, and any text with spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from goldspan.annotation.formats.rows.options import TEXT_KEYS, RowOptions, find_text, make_row
from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawCluster, RawRow, RawSpan, RowError, read_offset
from goldspan.annotation.formats.rows.spans import TOKEN_KEYS, holds_values, looks_like_spans, read_spans
from goldspan.annotation.formats.tags import Place, decode_tags, join_tokens, place_tokens

_SPAN_KEYS = ("spans", "entities", "label", "labels", "annotations")
_LABEL_KEYS = ("label", "labels", "pii", "pii_entities")
_TOKEN_KEYS = ("tokens", "words", "tokenized_text")
_TAG_KEYS = ("ner_tags", "tags", "ner", "bio_labels", "bio_tags", "labels", "iob_tags", "label")


def score_tokens(row: Mapping[str, Any]) -> float:
    """Sureness that a row has tokens with one tag each."""
    found = _find_tags(row)
    return 0.96 if found else 0.0


def read_tokens(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`tokens` and `ner_tags` (names, or ClassLabel numbers with their names given), in any scheme.

    Raises:
        RowError: there are no tags, their number differs, or numbers have no names.

    """
    found = _find_tags(row)
    if found is None:
        raise RowError(Code.UNREADABLE_SPANS, "there is no list of tags as long as the list of tokens")
    tokens_key, tags_key = found
    tokens, tags = row[tokens_key], row[tags_key]
    text = row.get("text")
    placed = place_tokens(text, tokens) if isinstance(text, str) else None
    used = {tokens_key, tags_key, "id", "pos_tags", "chunk_tags", "langs", "spans"}
    if placed is None:
        text, placed = join_tokens(tokens)
    else:
        used.add("text")
    names = [_name_tag(tag, options) for tag in tags]
    try:
        spans = tuple(RawSpan((label,), start, end) for start, end, label in decode_tags(names, placed))
    except ValueError as error:
        raise RowError(Code.UNREADABLE_SPANS, f"{tags_key}: {error}") from None
    left = {key: value for key, value in row.items() if key not in used}
    return make_row(row, str(text), (RawAnnotation(spans),), left)


def _find_tags(row: Mapping[str, Any]) -> tuple[str, str] | None:
    for tokens_key in _TOKEN_KEYS:
        tokens = row.get(tokens_key)
        if not isinstance(tokens, list) or not tokens or not all(isinstance(token, str) for token in tokens):
            continue
        for tags_key in _TAG_KEYS:
            tags = row.get(tags_key)
            if isinstance(tags, list) and len(tags) == len(tokens) and all(isinstance(t, str | int) for t in tags):
                return tokens_key, tags_key
    return None


def _name_tag(tag: str | int, options: RowOptions) -> str:
    if isinstance(tag, str) and not tag.isdecimal():
        return tag
    number = int(tag)
    if number < len(options.tag_names):
        return options.tag_names[number]
    raise RowError(
        Code.UNKNOWN_LABEL,
        f"the tag {number} is a ClassLabel number without a name; give --tag-names O,B-PER,I-PER,… in their order",
    )


def score_gliner(row: Mapping[str, Any]) -> float:
    """Sureness that a row is GLiNER's."""
    return 0.98 if "tokenized_text" in row and "ner" in row else 0.0


def read_gliner(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`tokenized_text` and `ner`: `[first token, last token, label]`, both included.

    Raises:
        RowError: tokens or spans cannot be read.

    """
    tokens = row.get("tokenized_text")
    if not isinstance(tokens, list) or not all(isinstance(token, str) for token in tokens):
        raise RowError(Code.NO_TEXT, "tokenized_text holds no list of strings")
    text, places = join_tokens(tokens)
    spans = []
    for entry in row.get("ner") or ():
        if not isinstance(entry, list) or len(entry) < 3:
            raise RowError(Code.UNREADABLE_SPANS, "ner has an entry that is not [first, last, label]")
        spans.append(RawSpan((str(entry[2]),), *_cover(places, entry[0], entry[1], "ner")))
    left = {key: value for key, value in row.items() if key not in {"tokenized_text", "ner", "id"}}
    return make_row(row, text, (RawAnnotation(tuple(spans)),), left)


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


def _cover(places: list[Place], first: Any, last: Any, key: str) -> Place:
    low, high = read_offset(first), read_offset(last)
    if low is None or high is None or not 0 <= low <= high < len(places):
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry outside the tokens")
    return places[low][0], places[high][1]


def score_spacy(row: Mapping[str, Any]) -> float:
    """Sureness that a row is spaCy's: `entities` tuples, `Doc.to_json`, or the training JSON of version 2."""
    if "paragraphs" in row:
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
    if "paragraphs" in row:
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
        kept = _outermost(spans)
        nested = Counter(span.labels[0] for span in spans) - Counter(span.labels[0] for span in kept)
        annotations.append(RawAnnotation(kept, linked, person=str(person), nested=tuple(nested.elements())))
    left = {k: v for k, v in row.items() if k in {"dataset_type", "quality_checked", "task", "meta"}}
    return make_row(row, text, tuple(annotations), left)


def _outermost(spans: tuple[RawSpan, ...]) -> tuple[RawSpan, ...]:
    kept: list[RawSpan] = []
    for span in sorted(spans, key=lambda span: (span.start or 0, -(span.end or 0))):
        if not kept or (span.start or 0) >= (kept[-1].end or 0):
            kept.append(span)
    return tuple(kept)


def score_spans(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a text with spans under some key."""
    text = next((row[key] for key in TEXT_KEYS if isinstance(row.get(key), str)), None)
    if text is None:
        return 0.0
    found = (name not in TOKEN_KEYS and _holds_spans(name, value, text) for name, value in row.items())
    if any(found):
        return 0.6
    return 0.5 if any(row.get(name) == [] for name in _SPAN_KEYS) else 0.0


def _holds_spans(name: str, value: Any, text: str) -> bool:
    """True for spans; under a key that speaks of labels also for values of the text by label."""
    if name in _LABEL_KEYS and holds_values(value):
        surfaces = [surface for values in value.values() for surface in values]
        return any(surfaces) and all(surface in text for surface in surfaces)
    return looks_like_spans(value, len(text))


def read_any_spans(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """A text, and the one key that holds spans.

    Raises:
        RowError: several keys hold spans, or one does in a form that is not read.

    """
    key, text = find_text(row, options)
    others = {name: value for name, value in row.items() if name != key and name not in TOKEN_KEYS}
    found = [name for name, value in others.items() if _holds_spans(name, value, text)]
    if len(found) > 1:
        raise RowError(Code.UNREAD_SPANS, f"several keys hold annotations: {', '.join(found[:5])}; keep one of them")
    empty = [name for name in _SPAN_KEYS if row.get(name) == [] and name not in found]
    annotations = tuple(RawAnnotation(tuple(_drop_ids(read_spans(row[name], name)))) for name in found)
    if not found and empty:
        annotations = (RawAnnotation(),)
    left = {k: v for k, v in row.items() if k not in {key, *found, *empty, "id"}}
    return make_row(row, text, annotations, left)
