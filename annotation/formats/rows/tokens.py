"""Rows of tokens: a tag for each (Hugging Face), or spans that count tokens (GLiNER, SpERT, OneIE, DyGIE, DocRED)."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from goldspan.annotation.formats.rows.options import TEXT_KEYS, RowOptions, make_row
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawCluster,
    RawRelation,
    RawRow,
    RawSpan,
    RowError,
    read_offset,
)
from goldspan.annotation.formats.rows.span_keys import END, LABEL, START, find_key
from goldspan.annotation.formats.tags import Place, decode_tags, is_tag, join_tokens, place_tokens

TOKEN_LISTS = ("tokens", "words", "tokenized_text")
TAG_LISTS = ("ner_tags", "tags", "ner", "bio_labels", "bio_tags", "labels", "iob_tags", "label")
_ITEM = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|-?\d+""")
_BETWEEN_TOKENS, _BETWEEN_TAGS = re.compile(r"\s+"), re.compile(r"[\s,;|]+")
_AROUND = re.compile(r"(?:array|dtype=object|[\[\](),\s])*\Z")


def score_tokens(row: Mapping[str, Any]) -> float:
    """Sureness that a row has tokens with one tag each."""
    found = _find_tags(row)
    return 0.0 if found is None else 0.96 if len(found[2]) == len(found[3]) else 0.5


def read_tokens(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`tokens` and `ner_tags` (names, or ClassLabel numbers with their names given), in any scheme.

    Both may be lists, or strings that print them as Python or NumPy does or that separate them by spaces.

    Raises:
        RowError: there are no tags, their number differs, or numbers have no names.
    """
    found = _find_tags(row)
    if found is None:
        raise RowError(Code.UNREADABLE_SPANS, "there is no list of tags as long as the list of tokens")
    tokens_key, tags_key, tokens, tags = found
    if len(tokens) != len(tags):
        raise RowError(Code.UNREADABLE_SPANS, f"{tokens_key} has {len(tokens)} entries, {tags_key} has {len(tags)}")
    keys = (tokens_key,) if tokens_key in TEXT_KEYS else TEXT_KEYS
    text_key, text, placed = _place_in_text(row, tokens, keys)
    used = {tokens_key, tags_key, text_key, "id", "pos_tags", "chunk_tags", "langs", "spans"}
    names = [_name_tag(tag, options) for tag in tags]
    try:
        spans = tuple(RawSpan((label,), start, end) for start, end, label in decode_tags(names, placed))
    except ValueError as error:
        raise RowError(Code.UNREADABLE_SPANS, f"{tags_key}: {error}") from None
    left = {key: value for key, value in row.items() if key not in used}
    return make_row(row, text, (RawAnnotation(spans),), left)


def _place_in_text(row: Mapping[str, Any], tokens: Sequence[str], keys: Iterable[str]) -> tuple[str, str, list[Place]]:
    """The first key whose text has the tokens, that text, and their places in it; without one the tokens joined."""
    for key in keys:
        if isinstance(text := row.get(key), str) and (placed := place_tokens(text, tokens)) is not None:
            return key, text, placed
    return ("", *join_tokens(tokens))


def _find_tags(row: Mapping[str, Any]) -> tuple[str, str, Sequence[str], Sequence[str | int]] | None:
    """The keys of tokens and tags and what they hold; those of the same length, if there are any."""
    unequal = None
    for tokens_key in (*TOKEN_LISTS, *TEXT_KEYS):
        tokens = _list_items(row.get(tokens_key))
        if not tokens or not all(isinstance(token, str) for token in tokens):
            continue
        for tags_key in TAG_LISTS:
            tags = _list_items(row.get(tags_key), _BETWEEN_TAGS) if tags_key != tokens_key else ()
            if not tags or not all(isinstance(tag, str | int) for tag in tags):
                continue
            listed = isinstance(row[tokens_key], list) or tokens_key in TOKEN_LISTS
            if not listed and not all(isinstance(tag, str) and is_tag(tag) for tag in tags):
                continue
            if len(tags) == len(tokens):
                return tokens_key, tags_key, tokens, tags
            unequal = unequal or (listed and (tokens_key, tags_key, tokens, tags)) or None
    return unequal


def _list_items(value: Any, between: re.Pattern[str] = _BETWEEN_TOKENS) -> Sequence[Any]:
    """The items of a list, or of a string that prints one or separates them."""
    if not isinstance(value, str):
        return value if isinstance(value, list) else ()
    if not value.lstrip().startswith(("[", "array(")):
        return between.split(value.strip()) if value.strip() else ()
    if not _AROUND.match(_ITEM.sub("", value)):
        return ()
    return [ast.literal_eval(item) for item in _ITEM.findall(value)]


def _name_tag(tag: str | int, options: RowOptions) -> str:
    if isinstance(tag, str) and not tag.removeprefix("-").isdecimal():
        return tag
    number = int(tag)
    if 0 <= number < len(options.tag_names):
        return options.tag_names[number]
    if number < 0:
        reason = f"the tag {number} marks a position without one; import the data set as it was before tokenisation"
        raise RowError(Code.UNREADABLE_SPANS, reason)
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
    spans = _read_triples(row.get("ner") or (), places, "ner")
    left = {key: value for key, value in row.items() if key not in {"tokenized_text", "ner", "id"}}
    return make_row(row, text, (RawAnnotation(spans),), left)


def score_sentences(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a document of tokenised sentences with `ner` or `clusters`."""
    sentences = row.get("sentences")
    tokenised = isinstance(sentences, list) and bool(sentences) and all(map(_is_tokens, sentences))
    return 0.97 if tokenised and row.keys() & {"ner", "clusters"} else 0.0


def read_sentences(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`sentences`, `ner` by sentence and `clusters` (DyGIE++, e2e-coref): tokens of the document, ends included.

    Raises:
        RowError: spans or clusters cannot be read.
    """
    text, sentences = _join_sentences(row["sentences"])
    places = [place for sentence in sentences for place in sentence]
    spans = _read_triples([entry for entries in row.get("ner") or () for entry in entries], places, "ner")
    clusters = tuple(
        RawCluster((), tuple((*_cover(places, first, last, "clusters"), "") for first, last in cluster))
        for cluster in row.get("clusters") or ()
    )
    used = {"sentences", "ner", "clusters", "doc_key", "speakers", "subtoken_map", "sentence_map", "relations"}
    left = {key: value for key, value in row.items() if key not in used}
    if any(row.get("relations") or ()):
        left["relations"] = row["relations"]
    made_of = {"id": row.get("doc_key"), **row}
    return make_row(made_of, text, (RawAnnotation(spans, clusters),), left)


def _join_sentences(sentences: Sequence[Sequence[str]]) -> tuple[str, list[list[Place]]]:
    """The text, a sentence a line, and the places of the tokens of each sentence."""
    joined = [join_tokens(sentence) for sentence in sentences]
    offsets = accumulate((len(text) + 1 for text, _ in joined), initial=0)
    places = [[(at + a, at + b) for a, b in found] for at, (_, found) in zip(offsets, joined, strict=False)]
    return "\n".join(text for text, _ in joined), places


def score_vertices(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a document of DocRED."""
    return 0.97 if isinstance(row.get("vertexSet"), list) and isinstance(row.get("sents"), list) else 0.0


def read_vertices(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`sents` and `vertexSet` (DocRED): the mentions of each referent by sentence and tokens; `labels` link referents.

    Raises:
        RowError: sentences or mentions cannot be read.
    """
    text, sentences = _join_sentences(row["sents"])
    spans: list[RawSpan] = []
    clusters: list[RawCluster] = []
    for number, vertex in enumerate(row["vertexSet"]):
        mentions: list[RawSpan] = []
        for entry in vertex:
            start, end = _cover(sentences[entry["sent_id"]], entry["pos"][0], entry["pos"][1] - 1, "vertexSet")
            mentions.append(RawSpan((entry["type"],), start, end, id=f"{number}-{len(mentions)}"))
        spans += mentions
        if len(mentions) > 1:
            clusters.append(RawCluster((), tuple((span.start or 0, span.end or 0, "") for span in mentions)))
    relations = tuple(RawRelation(f"{r['h']}-0", f"{r['t']}-0", str(r["r"])) for r in row.get("labels") or ())
    left = {
        key: value for key, value in row.items() if key not in {"sents", "vertexSet", "labels", "title", "na_triple"}
    }
    annotation = RawAnnotation(tuple(spans), tuple(clusters), relations, nests=True)
    return make_row({"id": row.get("title"), **row}, text, (annotation,), left)


def score_token_spans(row: Mapping[str, Any]) -> float:
    """Sureness that a row has tokens, no text, and spans as objects that count tokens (SpERT, OneIE)."""
    plain = _is_tokens(row.get("tokens")) and bool(row["tokens"]) and not isinstance(row.get("text"), str)
    spans = row.get("entities", row.get("entity_mentions"))
    return 0.97 if plain and isinstance(spans, list) and all(isinstance(span, Mapping) for span in spans) else 0.0


def read_token_spans(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """`tokens` and `entities` (OneIE: `entity_mentions`) with start, end (the token after the last) and type.

    Raises:
        RowError: tokens or spans cannot be read.
    """
    key = "entities" if "entities" in row else "entity_mentions"
    _, text, places = _place_in_text(row, row["tokens"], ("sentence",))
    spans = []
    for entry in row[key]:
        start, end, label = (entry.get(find_key(entry, names)) for names in (START, END, LABEL))
        stop = read_offset(end)
        [span] = _read_triples([(start, stop - 1 if stop is not None else None, label)], places, key)
        value = entry.get("text")
        spans.append(replace(span, value=value if isinstance(value, str) else None, id=str(entry.get("id") or "")))
    relations = []
    for entry in row.get("relation_mentions") or ():
        source, target = (str(end["entity_id"]) for end in entry["arguments"])
        relations.append(RawRelation(source, target, str(entry["relation_type"])))
    used = {"tokens", key, "sentence", "orig_id", "id", "relation_mentions", "event_mentions", "pieces", "token_lens"}
    left = {name: value for name, value in row.items() if name not in used}
    raw = make_row(
        {"id": row.get("orig_id", row.get("sent_id")), **row},
        text,
        (RawAnnotation(tuple(spans), relations=tuple(relations)),),
        left,
    )
    return replace(raw, left_out=+Counter({"event_mentions": len(row.get("event_mentions") or ())}))


def _is_tokens(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(token, str) for token in value)


def _read_triples(entries: Iterable[Any], places: Sequence[Place], key: str) -> tuple[RawSpan, ...]:
    """Spans of `[first token, last token, label]`, both included."""
    spans = []
    for entry in entries:
        if not isinstance(entry, list | tuple) or len(entry) < 3 or not isinstance(entry[2], str):
            raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry that is not [first token, last token, label]")
        spans.append(RawSpan((entry[2],), *_cover(places, entry[0], entry[1], key)))
    return tuple(spans)


def _cover(places: Sequence[Place], first: Any, last: Any, key: str) -> Place:
    low, high = read_offset(first), read_offset(last)
    if low is None or high is None or not 0 <= low <= high < len(places):
        raise RowError(Code.UNREADABLE_SPANS, f"{key} has an entry outside the tokens")
    return places[low][0], places[high][1]
