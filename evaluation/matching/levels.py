"""Granularity of labels at which two annotations are compared.

LABEL  the label as it is
GROUP  the label's coarse group; neighbours of one group separated only by whitespace become one span if they belong
       to one referent (the same mention or cluster) or to one address, and stay apart otherwise
PII    personal or not: stretches that overlap or touch become one
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Mention, Span
from goldspan.evaluation.matching.match import LabelledSpan, measure_iou

PII_LABEL = "PII"
_ADDRESS_GROUP = "LOCATION"


class Level(StrEnum):
    """Granularity of labels."""

    LABEL = "label"
    GROUP = "group"
    PII = "pii"


def find_group(label: str, labels: LabelSchema) -> str:
    """The coarse group of a label; OTHER for one that the schema does not know."""
    return labels[label].group if label in labels else "OTHER"


def find_identifier_kind(label: str, labels: LabelSchema) -> str:
    """`direct`, `quasi` or `none`; a label that the schema does not know counts as `direct`."""
    return labels[label].kind if label in labels else "direct"


def project_spans(
    spans: Iterable[LabelledSpan], text: str, labels: LabelSchema, level: Level, mentions: Iterable[Mention] = ()
) -> tuple[Span, ...]:
    """The spans of one annotation at a level, in text order.

    Args:
        spans: entities of the annotation.
        text: what the offsets count in.
        labels: where groups and identifier kinds stand.
        level: granularity of labels.
        mentions: who is meant where. Give gold's mentions for both sides, so that both are merged by one rule.
    """
    ordered = sorted(Span(span.start, span.end, span.label) for span in spans)
    if level is Level.LABEL:
        return tuple(ordered)
    if level is Level.PII:
        personal = (span for span in ordered if find_identifier_kind(span.label, labels) != "none")
        return tuple(Span(start, end, PII_LABEL) for start, end in unite(personal))
    grouped = [span._replace(label=find_group(span.label, labels)) for span in ordered]
    return _merge_neighbours(grouped, text, tuple(mentions))


def unite(spans: Iterable[LabelledSpan]) -> tuple[tuple[int, int], ...]:
    """The characters covered by any of the spans, as ordered stretches with a gap between each two."""
    united: list[tuple[int, int]] = []
    for start, end in sorted((span.start, span.end) for span in spans if span.end > span.start):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return tuple(united)


def find_referent(span: LabelledSpan, mentions: Iterable[Mention]) -> str | tuple[int, int] | None:
    """Who or what a span names: the cluster of the name (mention of kind MENTION) that fits it best, or that name."""
    fitting = [
        (measure_iou(span, mention), -mention.start, mention) for mention in mentions if mention.label == "MENTION"
    ]
    overlap, _, mention = max(fitting, key=lambda fit: fit[:2], default=(0.0, 0, None))
    if mention is None or overlap == 0:
        return None
    return mention.cluster or (mention.start, mention.end)


def _merge_neighbours(spans: list[Span], text: str, mentions: tuple[Mention, ...]) -> tuple[Span, ...]:
    merged: list[Span] = []
    previous: Span | None = None
    for span in sorted(spans, key=lambda span: (span.label, span.start, span.end)):
        if previous is not None and _belong_together(previous, span, text, mentions):
            merged[-1] = merged[-1]._replace(end=span.end)
        else:
            merged.append(span)
        previous = span
    return tuple(sorted(merged))


def _belong_together(one: Span, other: Span, text: str, mentions: tuple[Mention, ...]) -> bool:
    if one.label != other.label or one.end > other.start or text[one.end : other.start].strip():
        return False
    if one.label == _ADDRESS_GROUP:
        return True
    referent = find_referent(one, mentions)
    return referent is not None and referent == find_referent(other, mentions)
