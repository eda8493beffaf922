"""Relations between spans: coreference becomes clusters, every other relation is kept by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from goldspan.annotation.formats.rows.raw import RawAnnotation, RawSpan
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.pronouns import guess_mention_kind
from goldspan.annotation.text.words import trim_span
from goldspan.annotation.types import Entity, Mention

_COREFERENCE = ("coref", "refersto", "identity", "ident", "same", "anaphor", "alias", "equiv", "antecedent")


def is_coreference(label: str, labels: LabelSchema) -> bool:
    """True if a relation of this name says that two spans have one referent."""
    name = "".join(character for character in label.casefold() if character.isalnum())
    return label == labels.relation or any(name.startswith(word) for word in _COREFERENCE)


def link_spans(
    text: str,
    raw: RawAnnotation,
    spans: Sequence[RawSpan],
    entities: Sequence[Entity],
    context: tuple[str, LabelSchema],
) -> tuple[list[Mention], list[dict[str, Any]]]:
    """Mentions of the clusters that coreference relations make, and the other relations as offsets and label.

    `context` is the language and the label schema. Spans whose label is a kind of mention become mentions, linked or
    not. A relation to a span that was left out is kept with the others.
    """
    language, labels = context
    places = {span.id: _locate(text, span) for span in spans if span.id and span.start is not None}
    parents: dict[str, str] = {}

    def find(node: str) -> str:
        while parents.setdefault(node, node) != node:
            node = parents[node]
        return node

    others: list[dict[str, Any]] = []
    for source, target, label in raw.relations:
        if is_coreference(label, labels) and source in places and target in places:
            parents[find(target)] = find(source)
        else:
            others.append({"from": places.get(source, source), "to": places.get(target, target), "label": label})
    names: dict[str, str] = {}
    kinds = {span.id: span.labels[0] for span in spans if span.labels[0] in labels.mention_codes}
    mentions: list[Mention] = []
    for span in sorted((s for s in spans if s.start is not None), key=lambda span: (span.start, span.end)):
        if span.id not in parents and span.labels[0] not in labels.mention_codes:
            continue
        start, end = _locate(text, span)
        cluster = names.setdefault(find(span.id), f"r{len(names) + 1}") if span.id in parents else ""
        has_entity = any(start <= entity.start and entity.end <= end for entity in entities)
        kind = kinds.get(span.id) if span.id else span.labels[0]
        mentions.append(Mention(start, end, kind or guess_mention_kind(text[start:end], has_entity, language), cluster))
    return mentions, others


def _locate(text: str, span: RawSpan) -> tuple[int, int]:
    return trim_span(text, span.start or 0, span.end or 0)
