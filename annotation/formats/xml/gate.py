"""GATE XML: a text with nodes between its characters, and annotation sets that refer to the nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import accumulate
from xml.etree.ElementTree import Element

from goldspan.annotation.formats.reading import ReadOptions
from goldspan.annotation.formats.rows.raw import Code, RawAnnotation, RawRow, RawSpan, RowError

_ORIGINAL = "Original markups"
"""The set that holds the elements of the document as it was before GATE."""
_STRUCTURE = frozenset({"Token", "SpaceToken", "Sentence", "Split", "Lookup", "paragraph", "DEFAULT_TOKEN"})


def read_gate(root: Element, options: ReadOptions) -> Iterator[RawRow]:
    """The document: an annotation for each set that has spans.

    Of several sets, each named one is the work of a person, and the default set that of a model. Tokens, sentences and
    the original markup are counted, not read.

    Raises:
        RowError: there is no text, or an annotation refers to no node.
    """
    body = root.find("TextWithNodes")
    if body is None:
        raise RowError(Code.NO_TEXT, "expected TextWithNodes")
    pieces = [body.text or "", *(node.tail or "" for node in body)]
    places = accumulate(map(len, pieces))
    nodes = {node.get("id", ""): place for node, place in zip(body, places, strict=False)}
    left_out: Counter[str] = Counter()
    sets: dict[str, tuple[RawSpan, ...]] = {}
    for given in root.iter("AnnotationSet"):
        name = given.get("Name", "")
        entries = [entry for entry in given.iter("Annotation") if _is_read(name, entry)]
        left_out.update(_name_layer(name, entry) for entry in given.iter("Annotation") if not _is_read(name, entry))
        if entries:
            sets[name] = (*sets.get(name, ()), *(_read_span(entry, nodes) for entry in entries))
    alone = len(sets) < 2
    annotations = tuple(
        RawAnnotation(spans, person="" if alone else name, model="" if alone or name else "gate", nests=True)
        for name, spans in sets.items()
    )
    yield RawRow("".join(pieces), annotations or (RawAnnotation(),), left_out=left_out)


def _is_read(name: str, entry: Element) -> bool:
    return name != _ORIGINAL and entry.get("Type") not in _STRUCTURE


def _name_layer(name: str, entry: Element) -> str:
    return name if name == _ORIGINAL else entry.get("Type", "")


def _read_span(entry: Element, nodes: Mapping[str, int]) -> RawSpan:
    label, start, end = (entry.get(name, "") for name in ("Type", "StartNode", "EndNode"))
    if not label or start not in nodes or end not in nodes:
        raise RowError(Code.UNREADABLE_SPANS, f"an annotation {label!r} refers to no node of the text")
    features = tuple(
        (feature.findtext("Name") or "", feature.findtext("Value") or "") for feature in entry.iter("Feature")
    )
    return RawSpan((label,), nodes[start], nodes[end], id=entry.get("Id", ""), features=features)
