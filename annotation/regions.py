"""From the regions and relations of a task to entities, mentions and clusters.

Tolerant: Label Studio keeps regions without labels, offsets as strings, relations to nowhere. What cannot be used
becomes an issue; the rest is read. `value.text` is never trusted: the text is sliced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from annotation.checks import Issue, make_issue
from annotation.labels import LabelSchema
from annotation.types import Entity, Mention, Origin, sort_spans


class Regions(NamedTuple):
    """What one `result` says."""

    entities: tuple[Entity, ...]
    mentions: tuple[Mention, ...]
    issues: list[Issue]


class _Relation(NamedTuple):
    source: str
    target: str


_ORIGINS = {origin.value: origin for origin in Origin}


def read_result(text: str, result: Sequence[Any], labels: LabelSchema, index: int = -1) -> Regions:
    """Read one annotation's `result`; `index` goes into the issues.

    Mentions whose relations connect them share a cluster, named `1`, `2` … in text order. An entity's region that
    takes part in a relation becomes a mention of kind MENTION with the same id.
    """
    issues: list[Issue] = []
    entities: list[Entity] = []
    mentions: list[Mention] = []
    relations: list[_Relation] = []
    ids: set[str] = set()
    for item in result:
        if not isinstance(item, Mapping):
            issues.append(make_issue("broken_region", index=index))
        elif item.get("type") == "relation":
            relations += _read_relation(item, labels, issues, index)
        else:
            _read_region(text, item, labels, entities, mentions, ids, issues, index)
    clusters = _connect(relations, ids, issues, index)
    if clusters:
        own = {mention.id for mention in mentions}
        mentions += [
            Mention(entity.start, entity.end, "MENTION", id=entity.id)
            for entity in entities
            if entity.id in clusters and entity.id not in own
        ]
    return Regions(sort_spans(entities), _name_clusters(sort_spans(mentions), clusters), issues)


def _read_region(
    text: str,
    item: Mapping[str, Any],
    labels: LabelSchema,
    entities: list[Entity],
    mentions: list[Mention],
    ids: set[str],
    issues: list[Issue],
    index: int,
) -> None:
    value = item.get("value")
    place = _read_place(value) if isinstance(value, Mapping) else None
    names = value.get("labels") if isinstance(value, Mapping) else None
    if place is None or not isinstance(names, list) or len(names) != 1 or not isinstance(names[0], str):
        issues.append(
            make_issue("broken_region", *(place or (-1, -1)), detail="one label and two offsets", index=index)
        )
        return
    start, end = place
    region_id = str(item.get("id") or "")
    if region_id and region_id in ids:
        issues.append(make_issue("duplicate_id", start, end, index=index))
        return
    ids.add(region_id)
    stated = value.get("text") if isinstance(value, Mapping) else None
    if isinstance(stated, str) and 0 <= start < end <= len(text) and stated != text[start:end]:
        if stated.replace("\\n", "\n").replace("\r\n", "\n") != text[start:end].replace("\r\n", "\n"):
            issues.append(make_issue("text_mismatch", start, end, index=index))
    origin = _ORIGINS.get(str(item.get("origin")))
    label = names[0]
    if label in labels.mention_codes:
        mentions.append(Mention(start, end, label, id=region_id, origin=origin))
    else:
        score = item.get("score")
        entities.append(Entity(start, end, label, region_id, origin, score if isinstance(score, float) else None))


def _read_place(value: Mapping[str, Any]) -> tuple[int, int] | None:
    try:
        return int(value["start"]), int(value["end"])
    except (KeyError, TypeError, ValueError):
        return None


def _read_relation(
    item: Mapping[str, Any], labels: LabelSchema, issues: list[Issue], index: int
) -> tuple[_Relation, ...]:
    source, target = item.get("from_id"), item.get("to_id")
    names = item.get("labels") or [labels.relation]
    if not isinstance(source, str) or not isinstance(target, str):
        issues.append(make_issue("dangling_relation", index=index))
    elif source == target:
        issues.append(make_issue("self_relation", index=index))
    elif names != [labels.relation]:
        issues.append(make_issue("unknown_relation", index=index))
    else:
        return (_Relation(source, target),)
    return ()


def _connect(relations: list[_Relation], ids: set[str], issues: list[Issue], index: int) -> dict[str, str]:
    """Union-find over region ids: a name of the component for every region that has a relation."""
    parents: dict[str, str] = {}

    def find(node: str) -> str:
        while parents.setdefault(node, node) != node:
            parents[node] = parents[parents[node]]
            node = parents[node]
        return node

    for relation in relations:
        if relation.source not in ids or relation.target not in ids:
            issues.append(make_issue("dangling_relation", index=index))
        else:
            parents[find(relation.source)] = find(relation.target)
    return {node: find(node) for node in list(parents)}


def _name_clusters(mentions: tuple[Mention, ...], clusters: dict[str, str]) -> tuple[Mention, ...]:
    names: dict[str, str] = {}
    named = []
    for mention in mentions:
        component = clusters.get(mention.id)
        name = names.setdefault(component, str(len(names) + 1)) if component else ""
        named.append(Mention(mention.start, mention.end, mention.label, name, mention.id, mention.origin))
    return tuple(named)
