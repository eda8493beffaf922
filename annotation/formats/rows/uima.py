"""UIMA CAS JSON, as INCEpTION exports it: one document, its text and feature structures. Offsets count UTF-16 units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from goldspan.annotation.formats.rows.options import RowOptions, make_row
from goldspan.annotation.formats.rows.raw import (
    Code,
    RawAnnotation,
    RawCluster,
    RawRelation,
    RawRow,
    RawSpan,
    RowError,
    read_offset,
)

_STRUCTURE = {"Token", "Sentence", "DocumentMetaData", "DocumentAnnotation", "TagsetDescription", "TagDescription"}
_OTHER_LAYERS = {
    *("POS", "Lemma", "Stem", "MorphologicalFeatures", "SurfaceForm"),
    *("Paragraph", "Heading", "Div", "Chunk", "Constituent", "SemArg", "SemPred"),
}
_PLACE = {"begin", "end"}
_LABELS = ("value", "label", "category", "entityType", "identifier")


def score_cas(row: Mapping[str, Any]) -> float:
    """Sureness that a row is a CAS in JSON."""
    return 0.99 if "%FEATURE_STRUCTURES" in row else 0.0


def read_cas(row: Mapping[str, Any], options: RowOptions) -> RawRow:
    """The text and its span annotations; coreference chains and relations between them. Other layers are counted.

    Raises:
        RowError: there is no text, or an annotation cannot be read.
    """
    structures = row["%FEATURE_STRUCTURES"]
    if isinstance(structures, Mapping):
        structures = [{**value, "%ID": key} for key, value in structures.items() if isinstance(value, Mapping)]
    if not isinstance(structures, list):
        raise RowError(Code.UNREADABLE_SPANS, "%FEATURE_STRUCTURES holds no list")
    items = [item for item in structures if isinstance(item, Mapping)]
    text = next((item["sofaString"] for item in items if isinstance(item.get("sofaString"), str)), None)
    if text is None:
        raise RowError(Code.NO_TEXT, "no Sofa has a sofaString")
    label_features = _find_label_features(items)
    spans: list[RawSpan] = []
    relations: list[RawRelation] = []
    links: dict[str, Mapping[str, Any]] = {}
    left_out: Counter[str] = Counter()
    for item in items:
        kind = _name_layer(item)
        source, target = item.get("@Governor", item.get("@source")), item.get("@Dependent", item.get("@target"))
        if source is not None and target is not None:
            relations.append(RawRelation(str(source), str(target), _read_label(item) or kind))
        elif kind == "CoreferenceLink":
            links[str(item.get("%ID", ""))] = item
            left_out["CoreferenceLink.referenceRelation"] += bool(item.get("referenceRelation"))
        elif kind in _OTHER_LAYERS:
            left_out[kind] += 1
        elif "begin" in item and "end" in item and kind not in _STRUCTURE:
            spans.append(_read_span(item, _read_label(item) or str(item.get(label_features.get(kind, "")) or kind)))
    metadata = next((item for item in items if "documentId" in item or "documentTitle" in item), {})
    annotation = RawAnnotation(tuple(spans), _read_chains(links), tuple(relations), utf16=True)
    fields = {"id": metadata.get("documentId") or metadata.get("documentTitle") or ""}
    return replace(make_row(fields, text, (annotation,), {}), left_out=+left_out)


def _read_chains(links: Mapping[str, Mapping[str, Any]]) -> tuple[RawCluster, ...]:
    """A cluster for each chain of links, from the one that no other leads to."""
    followers = {str(link["@next"]) for link in links.values() if link.get("@next") is not None}
    clusters = []
    for name, link in links.items():
        places: dict[tuple[int, int, str], None] = {}
        current: Mapping[str, Any] | None = link if name not in followers else None
        while current is not None and len(places) < len(links):
            kind = str(current.get("referenceType") or "")
            span = _read_span(current, kind)
            places[span.start or 0, span.end or 0, kind] = None
            current = links.get(str(current.get("@next")))
        if places:
            clusters.append(RawCluster((), tuple(places)))
    return tuple(clusters)


def _read_label(item: Mapping[str, Any]) -> str:
    return next((item[name] for name in _LABELS if isinstance(item.get(name), str) and item[name]), "")


def _find_label_features(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """The feature that says the label, by layer: the only one that all annotations of a team's own layer have."""
    common: dict[str, set[str]] = {}
    for item in items:
        names = {name for name, value in _list_features(item).items() if isinstance(value, str)}
        kind = _name_layer(item)
        common[kind] = common.get(kind, names) & names
    return {kind: names.pop() for kind, names in common.items() if len(names) == 1}


def _name_layer(item: Mapping[str, Any]) -> str:
    return str(item.get("%TYPE", "")).rpartition(".")[2]


def _list_features(item: Mapping[str, Any]) -> dict[str, Any]:
    """The features of an annotation that have a value and are no references."""
    return {k: v for k, v in item.items() if k not in _PLACE and k[:1] not in "%@^#" and v not in (None, "", [], {})}


def _read_span(item: Mapping[str, Any], label: str) -> RawSpan:
    start, end = read_offset(item.get("begin", 0)), read_offset(item.get("end"))
    if start is None or end is None:
        raise RowError(Code.UNREADABLE_SPANS, "an annotation has no offsets")
    features = {name: value if isinstance(value, str) else str(value) for name, value in _list_features(item).items()}
    if named := next((name for name in (*_LABELS, *features) if features.get(name) == label), ""):
        del features[named]
    return RawSpan((label,), start, end, id=str(item.get("%ID", "")), features=tuple(features.items()))
