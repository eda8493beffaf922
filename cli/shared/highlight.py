"""Samples in the terminal: entities in the colours of their labels."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from goldspan.annotation.errors import TaggedTextError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.redaction import show_controls
from goldspan.annotation.text.tagged import render_tagged
from goldspan.annotation.types import Annotation, Sample


def render_sample(sample: Sample, labels: LabelSchema, *, tagged: bool = False) -> Group:
    """A heading, the best reading of the sample, and its clusters. Control characters are made visible."""
    best = sample.best
    author = f"{best.author.kind} {best.author.name}" if best else "not annotated"
    place = " ".join(part for part in (sample.language, sample.country, sample.document_type) if part)
    heading = Text(show_controls(f"{sample.sample_id}  {place}  {author}"), style="bold")
    if best is None:
        return Group(heading, Text(show_controls(sample.text)), Text())
    if tagged:
        try:
            body = Text(show_controls(render_tagged(sample.text, best.entities, best.mentions)))
        except TaggedTextError as error:
            body = Text(f"Cannot be written as tagged text: {error}", style="red")
        return Group(heading, body, Text())
    return Group(heading, _colour(sample.text, best, labels), *_list_clusters(sample.text, best), Text())


def _colour(text: str, annotation: Annotation, labels: LabelSchema) -> Text:
    shown = Text()
    cursor = 0
    for entity in annotation.entities:
        if not cursor <= entity.start < entity.end <= len(text):
            continue
        color = labels[entity.label].color if entity.label in labels else "#b00020"
        shown.append(show_controls(text[cursor : entity.start]))
        shown.append(show_controls(text[entity.start : entity.end]), style=f"bold white on {color}")
        shown.append(f" {entity.label}", style=f"{color}")
        cursor = entity.end
    shown.append(show_controls(text[cursor:]))
    return shown


def _list_clusters(text: str, annotation: Annotation) -> list[Text]:
    return [
        Text(f"  {name}: " + " ← ".join(show_controls(text[m.start : m.end]) for m in mentions), style="dim")
        for name, mentions in annotation.clusters.items()
    ]
