"""Render a text with its entities and clusters as HTML: every character is escaped, controls become symbols."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from html import escape
from itertools import pairwise
from typing import NamedTuple

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.redaction import show_controls
from goldspan.annotation.types import Annotation, Entity, Mention

STYLE = """<style>
.gs-text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2.1; font-size: 0.98rem; }
.gs-text mark { color: inherit; padding: 0.12em 0.25em 0.02em; border-radius: 0.2em; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; }
.gs-text mark small { font-size: 0.66em; font-weight: 650; margin-inline-start: 0.4em; unicode-bidi: isolate; }
.gs-text .gs-mention { border-bottom: 2px dotted currentColor; }
.gs-text sup { font-weight: 600; font-size: 0.68em; }
</style>"""
_HIDDEN = "•"
_NAMELESS = frozenset({"PRONOUN", "REFERENCE"})
"""Mention kinds that reveal no name; all other kinds are hidden like entities."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}\Z")
_UNKNOWN = "#b00020"


def render_html(
    text: str,
    annotation: Annotation | None,
    labels: LabelSchema,
    *,
    show_surfaces: bool,
    hidden: Sequence[tuple[int, int]] = (),
) -> str:
    """Render one annotation: entities in their label colours, mentions underlined with their cluster number.

    Without `show_surfaces`, the non-space characters of entities, names and `hidden` spans are shown as dots.
    """
    entities = [entity for entity in annotation.entities if _lies_in(entity, text)] if annotation else []
    mentions = [mention for mention in annotation.mentions if _lies_in(mention, text)] if annotation else []
    shown = text if show_surfaces else mask_spans(text, [*hidden, *list_personal_spans(annotation)])
    pieces = [
        _render_piece(escape(show_controls(shown[piece.start : piece.end])), piece, labels)
        for piece in _cut_pieces(len(text), entities, mentions)
    ]
    return f'{STYLE}<div class="gs-text" dir="auto">{"".join(pieces)}</div>'


def list_personal_spans(annotation: Annotation | None) -> list[tuple[int, int]]:
    """List the spans of an annotation that may identify a person: entities, and mentions that are names."""
    if annotation is None:
        return []
    spans: list[Entity | Mention] = [*annotation.entities]
    spans += [mention for mention in annotation.mentions if mention.label not in _NAMELESS]
    return [(span.start, span.end) for span in spans]


def mask_spans(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Replace every non-space character in these spans with a dot; the length stays the same."""
    characters = list(text)
    reach = 0
    for start, end in sorted(spans):
        for at in range(max(start, reach), min(end, len(text))):
            if not characters[at].isspace():
                characters[at] = _HIDDEN
        reach = max(reach, end)
    return "".join(characters)


class _Piece(NamedTuple):
    """A segment of text without a span boundary inside; `closing` are the mentions that end with it."""

    start: int
    end: int
    entity: Entity | None
    mentioned: bool
    closing: list[Mention]


def _cut_pieces(length: int, entities: list[Entity], mentions: list[Mention]) -> Iterator[_Piece]:
    """Split the text at span boundaries; where entities overlap, the first one wins."""
    opening: dict[int, list[int]] = defaultdict(list)
    for number, entity in enumerate(entities):
        opening[entity.start].append(number)
    closing: dict[int, list[Mention]] = defaultdict(list)
    depths: dict[int, int] = defaultdict(int)
    for mention in mentions:
        closing[mention.end].append(mention)
        depths[mention.start] += 1
        depths[mention.end] -= 1
    borders = {0, length, *opening, *depths, *(entity.end for entity in entities)}
    open_entities: list[int] = []
    depth = 0
    for start, end in pairwise(sorted(borders)):
        for number in opening.get(start, ()):
            heappush(open_entities, number)
        while open_entities and entities[open_entities[0]].end <= start:
            heappop(open_entities)
        depth += depths.get(start, 0)
        marked = entities[open_entities[0]] if open_entities else None
        yield _Piece(start, end, marked, depth > 0, closing.get(end, []))


def _render_piece(html: str, piece: _Piece, labels: LabelSchema) -> str:
    if piece.entity is not None:
        label = piece.entity.label
        name = f"<small>{_escape_name(label)}</small>" if piece.entity.end == piece.end else ""
        color = _find_color(label, labels)
        html = f'<mark style="background:{color}38;border-bottom:3px solid {color}">{html}{name}</mark>'
    if piece.mentioned:
        html = f'<span class="gs-mention">{html}</span>'
        html += "".join(f"<sup>{_escape_name(mention.cluster or '–')}</sup>" for mention in piece.closing)
    return html


def _escape_name(name: str) -> str:
    return escape(show_controls(name))


def _lies_in(span: Entity | Mention, text: str) -> bool:
    return 0 <= span.start < span.end <= len(text)


def _find_color(label: str, labels: LabelSchema) -> str:
    color = labels[label].color if label in labels else _UNKNOWN
    return color if _COLOR.match(color) else _UNKNOWN
