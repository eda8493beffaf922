"""A text with its entities and clusters as HTML. Every character of it is escaped."""

from __future__ import annotations

from html import escape
from itertools import pairwise

from annotation.labels import LabelSchema
from annotation.types import Annotation, Entity, Mention

STYLE = """<style>
.gs-text { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 2.1; font-size: 0.98rem; }
.gs-text mark { color: #ffffff; padding: 0.1em 0.25em; border-radius: 0.25em; }
.gs-text mark small { opacity: 0.85; font-size: 0.68em; margin-inline-start: 0.4em; unicode-bidi: isolate; }
.gs-text .gs-mention { border-bottom: 2px dotted currentColor; }
.gs-text sup { font-weight: 600; font-size: 0.68em; }
</style>"""
_HIDDEN = "•"


def render_html(text: str, annotation: Annotation | None, labels: LabelSchema, *, show_surfaces: bool) -> str:
    """HTML of one reading: entities in their colours, mentions underlined with the number of their cluster.

    Without `show_surfaces` the letters and digits of entities are hidden behind dots.
    """
    if annotation is None:
        return f'{STYLE}<div class="gs-text" dir="auto">{escape(text)}</div>'
    entities = [entity for entity in annotation.entities if 0 <= entity.start < entity.end <= len(text)]
    mentions = [mention for mention in annotation.mentions if 0 <= mention.start < mention.end <= len(text)]
    spans: list[Entity | Mention] = [*entities, *mentions]
    borders = sorted({0, len(text)} | {edge for span in spans for edge in (span.start, span.end)})
    pieces = []
    for start, end in pairwise(borders):
        entity = next((entity for entity in entities if entity.start <= start < entity.end), None)
        around = [mention for mention in mentions if mention.start <= start < mention.end]
        piece = text[start:end]
        if entity is not None and not show_surfaces:
            piece = "".join(_HIDDEN if character.isalnum() else character for character in piece)
        html = escape(piece)
        if entity is not None:
            color = labels[entity.label].color if entity.label in labels else "#b00020"
            name = f"<small>{escape(entity.label)}</small>" if entity.end == end else ""
            html = f'<mark style="background:{color}">{html}{name}</mark>'
        if around:
            html = f'<span class="gs-mention">{html}</span>'
            html += "".join(f"<sup>{escape(m.cluster or '–')}</sup>" for m in around if m.end == end)
        pieces.append(html)
    return f'{STYLE}<div class="gs-text" dir="auto">{"".join(pieces)}</div>'
