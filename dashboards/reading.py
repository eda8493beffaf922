"""A text with its entities and clusters as HTML. Every character of it is escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from itertools import pairwise

from annotation.labels import LabelSchema
from annotation.types import Annotation, Entity, Mention

STYLE = """<style>
.gs-text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2.1; font-size: 0.98rem; }
.gs-text mark { color: inherit; padding: 0.12em 0.25em 0.02em; border-radius: 0.2em; box-decoration-break: clone;
  -webkit-box-decoration-break: clone; }
.gs-text mark small { font-size: 0.66em; font-weight: 650; margin-inline-start: 0.4em; unicode-bidi: isolate; }
.gs-text .gs-mention { border-bottom: 2px dotted currentColor; }
.gs-text sup { font-weight: 600; font-size: 0.68em; }
</style>"""
_HIDDEN = "•"
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
    """HTML of one reading: entities in their colours, mentions underlined with the number of their cluster.

    Without `show_surfaces` the letters and digits of entities, and of the places in `hidden`, are shown as dots.
    """
    entities = [entity for entity in annotation.entities if _lies_in(entity, text)] if annotation else []
    mentions = [mention for mention in annotation.mentions if _lies_in(mention, text)] if annotation else []
    masked = [] if show_surfaces else [*hidden, *((entity.start, entity.end) for entity in entities)]
    shown = mask_text(text, masked)
    spans: list[Entity | Mention] = [*entities, *mentions]
    borders = sorted({0, len(text)} | {edge for span in spans for edge in (span.start, span.end)})
    pieces = []
    for start, end in pairwise(borders):
        entity = next((entity for entity in entities if entity.start <= start < entity.end), None)
        around = [mention for mention in mentions if mention.start <= start < mention.end]
        html = escape(shown[start:end])
        if entity is not None:
            name = f"<small>{escape(entity.label)}</small>" if entity.end == end else ""
            color = _find_color(entity.label, labels)
            html = f'<mark style="background:{color}38;border-bottom:3px solid {color}">{html}{name}</mark>'
        if around:
            html = f'<span class="gs-mention">{html}</span>'
            html += "".join(f"<sup>{escape(m.cluster or '–')}</sup>" for m in around if m.end == end)
        pieces.append(html)
    return f'{STYLE}<div class="gs-text" dir="auto">{"".join(pieces)}</div>'


def mask_text(text: str, places: Sequence[tuple[int, int]]) -> str:
    """The text with a dot for every letter and digit in these places; its length stays."""
    characters = list(text)
    for start, end in places:
        for at in range(max(start, 0), min(end, len(text))):
            if not characters[at].isspace() and (characters[at].isalnum() or ord(characters[at]) > 127):
                characters[at] = _HIDDEN
    return "".join(characters)


def _lies_in(span: Entity | Mention, text: str) -> bool:
    return 0 <= span.start < span.end <= len(text)


def _find_color(label: str, labels: LabelSchema) -> str:
    color = labels[label].color if label in labels else _UNKNOWN
    return color if _COLOR.match(color) else _UNKNOWN
