"""Add labels and relations to a config that is not ours, leaving every other byte as it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import quoteattr

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.project.tags import walk_xml
from goldspan.annotation.tasks.codec import ENTITY_CONTROL, MENTION_CONTROL, TEXT_NAME

_CONTROLS = {"label": ENTITY_CONTROL, "mention": MENTION_CONTROL}


@dataclass(slots=True)
class _Element:
    """Byte positions of an element: its start tag, its end tag (the same for an empty-element tag), its children."""

    tag: str
    name: str
    start: int
    end_tag: int = -1
    children: list[_Element] = field(default_factory=list)


def insert_entries(xml: str, entries: tuple[str, ...], labels: LabelSchema) -> str:
    """The config with these entries (`label CITY`, `mention PRONOUN`, `relation refers-to`) added.

    Args:
        xml: a project's labelling config.
        entries: what the config lacks, as `ConfigDrift.added` names it.
        labels: the label schema, for the colours.

    Raises:
        ConfigurationError: the config has no place for an entry, or is not readable.
    """
    source = xml.encode()
    root = _read_elements(xml)
    by_kind: dict[str, list[str]] = {}
    for entry in entries:
        kind, _, name = entry.partition(" ")
        by_kind.setdefault(kind, []).append(name)
    edits: list[tuple[int, int, str]] = []
    if strange := by_kind.keys() - {"label", "mention", "relation", "control"}:
        raise ConfigurationError(f"The labelling config lacks {', '.join(sorted(strange))}; it cannot be added to it.")
    for kind, control in _CONTROLS.items():
        lines = [
            f"<Label value={quoteattr(code)} background={quoteattr(labels[code].color)}/>"
            for code in by_kind.get(kind, ())
        ]
        if not lines:
            continue
        found = _find(root, "Labels", control)
        if found is not None:
            edits.append(_append_to(source, found, lines))
        elif kind == "mention" and (anchor := _find(root, "Labels", ENTITY_CONTROL)) is not None:
            block = [f'<Labels name="{control}" toName="{TEXT_NAME}">', *(f"  {line}" for line in lines), "</Labels>"]
            edits.append(_append_after(source, anchor, block))
        else:
            raise ConfigurationError(f"The labelling config has no <Labels name={control!r}> to add labels to.")
    if relations := by_kind.get("relation"):
        lines = [f"<Relation value={quoteattr(name)}/>" for name in relations]
        holder = _find(root, "Relations")
        block = ["<Relations>", *(f"  {line}" for line in lines), "</Relations>"]
        edits.append(_append_to(source, holder, lines) if holder else _append_to(source, root, block))
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text.encode() + source[end:]
    return source.decode()


def _read_elements(xml: str) -> _Element:
    parsers: list[Any] = []
    stack: list[_Element] = []
    roots: list[_Element] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        element = _Element(tag, attributes.get("name", ""), parsers[0].CurrentByteIndex)
        (stack[-1].children if stack else roots).append(element)
        stack.append(element)

    def end(tag: str) -> None:
        stack.pop().end_tag = parsers[0].CurrentByteIndex

    walk_xml(xml, start, end, parsers)
    return roots[0]


def _find(element: _Element, tag: str, name: str = "") -> _Element | None:
    if element.tag == tag and (not name or element.name == name):
        return element
    return next((found for child in element.children if (found := _find(child, tag, name))), None)


def _append_to(source: bytes, element: _Element, lines: list[str]) -> tuple[int, int, str]:
    """An edit that adds lines as the last children of an element."""
    opened = _find_tag_end(source, element.start)
    last = element.children[-1] if element.children else None
    indent = _read_indent(source, last.start) if last else _read_indent(source, element.start) + "  "
    inner = "".join(f"\n{indent}{line}" for line in lines)
    if _is_empty(source, element):
        return opened - 2, opened, f">{inner}\n{_read_indent(source, element.start)}</{element.tag}>"
    place = _end_of(source, last) if last else opened
    return place, place, inner


def _append_after(source: bytes, element: _Element, lines: list[str]) -> tuple[int, int, str]:
    """An edit that adds lines behind an element."""
    place, indent = _end_of(source, element), _read_indent(source, element.start)
    return place, place, "".join(f"\n{indent}{line}" for line in lines)


def _is_empty(source: bytes, element: _Element) -> bool:
    """True for `<Tag/>`."""
    end = _find_tag_end(source, element.start)
    return source[end - 2 : end] == b"/>"


def _end_of(source: bytes, element: _Element) -> int:
    return element.end_tag if _is_empty(source, element) else source.index(b">", element.end_tag) + 1


def _find_tag_end(source: bytes, start: int) -> int:
    """The position behind the `>` of a start tag; attributes may hold one."""
    quote = 0
    for place in range(start, len(source)):
        byte = source[place]
        if quote:
            quote = 0 if byte == quote else quote
        elif byte in b"\"'":
            quote = byte
        elif byte == ord(">"):
            return place + 1
    raise AssertionError("unreachable: the parser has read this tag")


def _read_indent(source: bytes, start: int) -> str:
    """The white space before an element, if it begins a line."""
    line = source[source.rfind(b"\n", 0, start) + 1 : start].decode(errors="ignore")
    return line if not line.strip() else ""
