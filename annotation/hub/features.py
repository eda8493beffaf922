"""The columns of a data set that Goldspan publishes.

kiji's five columns are unchanged: `text`, `privacy_mask` with value and label, `coreferences` with mentions,
entity type and cluster id, and language and country by their English names. Beside them stand what makes offsets
certain and splits honest: `start` and `end`, `mention_spans`, `id`, `document_type`, `source`, `split_group`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from goldspan.annotation.identity import identify_sample
from goldspan.annotation.names import name_country, name_language
from goldspan.annotation.tasks.record import LAYERS, TEXT_FIELDS
from goldspan.annotation.types import Annotation, Entity, Mention, Sample

if TYPE_CHECKING:
    from datasets import Features

COLUMNS = (
    ("id", "sample id: a UUID of text and language"),
    ("text", "the verbatim text"),
    ("privacy_mask", "entities: value, label, start, end; offsets are half-open Unicode code points"),
    ("coreferences", "clusters: mentions, entity_type, cluster_id, mention_spans (start, end, kind)"),
    ("language", "English name"),
    ("country", "English name, or empty"),
    ("document_type", "kind of document, or empty"),
    ("source", "where the text comes from"),
    ("split_group", "samples of one group resemble each other and are in one split"),
)
"""Name and meaning of each column."""


def make_features() -> Features:
    """The columns, typed, so that a shard without any entity has the same types as the others."""
    from datasets import Features, List, Value

    text, number = Value("string"), Value("int32")
    return Features(
        {
            "id": text,
            "text": text,
            "privacy_mask": List({"value": text, "label": text, "start": number, "end": number}),
            "coreferences": List(
                {
                    "mentions": List(text),
                    "entity_type": text,
                    "cluster_id": number,
                    "mention_spans": List({"start": number, "end": number, "kind": text}),
                }
            ),
            "language": text,
            "country": text,
            "document_type": text,
            "source": text,
            "split_group": text,
        }
    )


def make_task_features() -> Features:
    """The types of our own JSONL files, for the argument `features` of `datasets.load_dataset("json", …)`.

    The files load together without them; with them `predictions`, `annotations` and `drafts` come as lists, and
    `provenance` and `fields` as objects, instead of as JSON text.
    """
    from datasets import Features, Json, Value

    data = {name: Value("string") for name in TEXT_FIELDS} | {name: Json() for name in ("provenance", "fields")}
    return Features({"id": Value("int64"), "data": data, **{name: Json() for name in LAYERS}})


def make_row(sample: Sample, source: str, split_group: str) -> dict[str, Any]:
    """Make the row of a sample's best annotation."""
    best = sample.best
    entities = best.entities if best else ()
    return {
        "id": identify_sample(sample),
        "text": sample.text,
        "privacy_mask": [
            {"value": sample.text[e.start : e.end], "label": e.label, "start": e.start, "end": e.end} for e in entities
        ],
        "coreferences": _list_clusters(sample.text, best) if best else [],
        "language": name_language(sample.language),
        "country": name_country(sample.country),
        "document_type": sample.document_type,
        "source": source,
        "split_group": split_group,
    }


def _list_clusters(text: str, annotation: Annotation) -> list[dict[str, Any]]:
    return [
        {
            "mentions": [text[mention.start : mention.end] for mention in mentions],
            "entity_type": _find_type(mentions, annotation.entities),
            "cluster_id": number,
            "mention_spans": [{"start": m.start, "end": m.end, "kind": m.label} for m in mentions],
        }
        for number, mentions in enumerate(annotation.clusters.values())
    ]


def _find_type(mentions: tuple[Mention, ...], entities: tuple[Entity, ...]) -> str:
    """The label of the first entity inside a mention, in text order; else the kind of the first mention."""
    for mention in mentions:
        for entity in entities:
            if mention.start <= entity.start and entity.end <= mention.end:
                return entity.label
    return mentions[0].label
