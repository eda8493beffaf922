"""Tagged text: how people and language models read and write annotations.

    <m c="1"><FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME></m> said <m c="1" k="PRONOUN">she</m> moved

An entity stands between tags named by its label. A mention stands between `<m>` tags: `c` names its cluster
(left out: it stands alone), `k` its kind (left out: MENTION). Everything else is the verbatim text, in which only
what could be read as a tag or an escape is escaped: `&lt;`, `&gt;` and `&amp;` are read back as `<`, `>` and `&`.
Strip the tags and the text comes out: offsets are exact by construction.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from goldspan.annotation.errors import TaggedTextError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, Mention, sort_spans

_TAG = re.compile(r"""<(/?)([A-Za-z][A-Za-z0-9_]*)((?:\s+[a-z]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*)\s*>""")
_ATTRIBUTE = re.compile(r"""([a-z]+)\s*=\s*["']([^"']*)["']""")
_ESCAPE = re.compile(r"&(lt|gt|amp);")
_NEEDS_ESCAPE = re.compile(r"<(?=[A-Za-z/])|&(?=(?:lt|gt|amp);)")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&"}
_CLUSTER = re.compile(r"[\w.:-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Tagged:
    """What tagged text says: the verbatim text, its entities and its mentions, both in text order."""

    text: str
    entities: tuple[Entity, ...] = ()
    mentions: tuple[Mention, ...] = ()


class _Open(NamedTuple):
    name: str
    start: int
    offset: int
    cluster: str
    kind: str


def parse_tagged(tagged: str, labels: LabelSchema) -> Tagged:
    """Read tagged text.

    A `<` that begins neither a label's tag nor `<m>` is text, so `a < b` and `<script>` need no escaping
    from whoever writes it; a name in capitals must be a label.

    Raises:
        TaggedTextError: an unknown label, a tag that is not closed or closes another, an empty span.
    """
    pieces: list[str] = []
    opened: list[_Open] = []
    entities: list[Entity] = []
    mentions: list[Mention] = []
    length = cursor = 0
    for match in _TAG.finditer(tagged):
        closing, name, attributes = match.groups()
        if not _is_tag(name, attributes, labels, match.start()):
            continue
        piece = unescape_text(tagged[cursor : match.start()])
        cursor = match.end()
        pieces.append(piece)
        length += len(piece)
        if not closing:
            opened.append(_open_tag(name, attributes, length, match.start(), labels))
            continue
        if not opened or opened[-1].name != name:
            expected = f"</{opened[-1].name}> must come first" if opened else "no tag is open"
            raise TaggedTextError(f"</{name}> closes nothing: {expected}", match.start())
        tag = opened.pop()
        if tag.start == length:
            raise TaggedTextError(f"<{name}></{name}> has no text between its tags", tag.offset)
        if name == "m":
            mentions.append(Mention(tag.start, length, tag.kind, tag.cluster))
        else:
            entities.append(Entity(tag.start, length, name))
    if opened:
        raise TaggedTextError(f"<{opened[-1].name}> is never closed", opened[-1].offset)
    pieces.append(unescape_text(tagged[cursor:]))
    return Tagged("".join(pieces), sort_spans(entities), sort_spans(mentions))


def _is_tag(name: str, attributes: str, labels: LabelSchema, offset: int) -> bool:
    if name == "m":
        return True
    if attributes:
        return False
    if name in labels.entity_codes:
        return True
    if name.upper() in labels.entity_codes:
        raise TaggedTextError(f"<{name}> must be written <{name.upper()}>; if it is text, write &lt;{name}>", offset)
    if name.isupper() and len(name) > 1:
        hint = f"If it is text, write &lt;{name}>."
        raise TaggedTextError(str(UnknownNameError("label", name, labels.entity_codes, hint)), offset)
    return False


def _open_tag(name: str, attributes: str, start: int, offset: int, labels: LabelSchema) -> _Open:
    values = dict(_ATTRIBUTE.findall(attributes))
    kind, cluster = values.pop("k", "MENTION"), values.pop("c", "")
    if values:
        raise TaggedTextError(f"<m> has no attribute {', '.join(values)}; it has c and k", offset)
    if name == "m" and kind not in labels.mention_codes:
        raise TaggedTextError(str(UnknownNameError("kind of mention", kind, labels.mention_codes)), offset)
    _require_cluster_name(cluster, offset)
    return _Open(name, start, offset, cluster, kind)


def _require_cluster_name(cluster: str, offset: int) -> None:
    if cluster and not _CLUSTER.match(cluster):
        raise TaggedTextError("c must be letters, digits, '.', ':', '_' or '-', at most 64", offset)


def unescape_text(piece: str) -> str:
    """Verbatim text of a piece of tagged text without tags; the inverse of `escape_text`."""
    return _ESCAPE.sub(lambda match: _CHARACTERS[match[1]], piece) if "&" in piece else piece


def _escape(piece: str) -> str:
    return "&lt;" if piece == "<" else "&amp;"


def escape_text(text: str) -> str:
    """Verbatim text as it stands in tagged text when nothing is tagged."""
    return _NEEDS_ESCAPE.sub(lambda match: _escape(match[0]), text)


def render_tagged(text: str, entities: Iterable[Entity] = (), mentions: Sequence[Mention] = ()) -> str:
    """Write tagged text; `parse_tagged` gives back exactly what went in.

    Raises:
        TaggedTextError: a span is empty or outside the text, two spans cross, or a cluster's name cannot be written.
    """
    spans = [(mention.start, -mention.end, 0, _mention_tag(mention), "</m>") for mention in mentions]
    spans += [(entity.start, -entity.end, 1, f"<{entity.label}>", f"</{entity.label}>") for entity in entities]
    spans.sort()
    escapes = [(match.start(), _escape(match[0])) for match in _NEEDS_ESCAPE.finditer(text)]
    marks: list[tuple[int, str]] = []
    opened: list[tuple[int, str]] = []
    for start, negative_end, _, opening, closing in spans:
        end = -negative_end
        if not 0 <= start < end <= len(text):
            raise TaggedTextError(
                f"The span {start}–{end} is empty or outside the text of {len(text)} characters", start
            )
        while opened and opened[-1][0] <= start:
            marks.append(opened.pop())
        if opened and opened[-1][0] < end:
            raise TaggedTextError(f"The span {start}–{end} crosses another; tagged text can only nest", start)
        marks.append((start, opening))
        opened.append((end, closing))
    marks.extend(reversed(opened))
    return _join(text, marks, escapes)


def show_tagged_value(labels: LabelSchema) -> str:
    """An example of a tagged value in the labels of a schema, for prompts: `<CITY>Lyon</CITY>` where it has CITY."""
    if "CITY" in labels.entity_codes:
        return "<CITY>Lyon</CITY>"
    described = sorted(labels.entities, key=lambda label: not (label.examples or label.terms))
    value = next(iter((*described[0].examples, *described[0].terms)), "the value")
    return f"<{described[0].code}>{escape_text(value)}</{described[0].code}>"


def _mention_tag(mention: Mention) -> str:
    _require_cluster_name(mention.cluster, mention.start)
    cluster = f' c="{mention.cluster}"' if mention.cluster else ""
    kind = f' k="{mention.label}"' if mention.label != "MENTION" else ""
    return f"<m{cluster}{kind}>"


def _join(text: str, marks: list[tuple[int, str]], escapes: list[tuple[int, str]]) -> str:
    edits = [(offset, 0, mark) for offset, mark in marks] + [(offset, 1, escape) for offset, escape in escapes]
    edits.sort(key=lambda edit: edit[:2])
    pieces: list[str] = []
    cursor = 0
    for offset, consumed, piece in edits:
        pieces += (text[cursor:offset], piece)
        cursor = offset + consumed
    pieces.append(text[cursor:])
    return "".join(pieces)
