"""Decode the regions and relations of a task into entities, mentions and clusters.

Tolerant: Label Studio stores regions without labels, offsets as strings, relations to missing regions. Each of them
becomes an issue; the rest is read. `value.text` is never trusted: the text is sliced.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from goldspan.annotation.checks import Issue, make_issue
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, Mention, Origin, sort_spans

_ORIGINS = {origin.value: origin for origin in Origin}
_FARTHEST = 2**31
"""An offset that no text reaches; columns and sums of offsets stay whole below it."""


class Regions(NamedTuple):
    """The content of one `result`."""

    entities: tuple[Entity, ...]
    mentions: tuple[Mention, ...]
    issues: list[Issue]


def read_result(text: str, result: Sequence[Any], labels: LabelSchema, index: int = -1) -> Regions:
    """Read one annotation's `result`; `index` goes into the issues.

    Mentions whose relations connect them share a cluster, named `1`, `2` … in text order. An entity's region that
    takes part in a relation becomes a mention of kind MENTION with the same id.
    """
    reader = _Reader(text, labels, index)
    for item in result:
        if not isinstance(item, dict):
            reader.report("broken_region")
        elif item.get("type") == "relation":
            reader.read_relation(item)
        else:
            reader.read_region(item)
    return reader.finish()


def read_text(value: object) -> str:
    """Any value as text; empty for None, and for values nested too deeply to print."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else str(value)
    except (RecursionError, ValueError):
        return ""


def read_number(value: object) -> float | None:
    """A finite number; None for everything else, truth values included."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


class _Reader:
    """Collects the regions of one result."""

    def __init__(self, text: str, labels: LabelSchema, index: int) -> None:
        self._text, self._index = text, index
        self._mention_codes, self._relation = labels.mention_codes, labels.relation
        self._entities: list[Entity] = []
        self._loose: list[tuple[int, int, str, str, Origin | None]] = []
        self._links: list[tuple[str, str]] = []
        self._ids: set[str] = set()
        self._issues: list[Issue] = []

    def report(self, code: str, start: int = -1, end: int = -1, detail: str = "") -> None:
        self._issues.append(make_issue(code, start, end, detail, self._index))

    def read_region(self, item: dict[str, Any]) -> None:
        try:
            value = item["value"]
            start, end = int(value["start"]), int(value["end"])
            (label,) = value["labels"]
            is_mention = label in self._mention_codes
            stated = value.get("text", "")
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            return self.report("broken_region", detail="two offsets and one label are needed")
        if not (-_FARTHEST < start < _FARTHEST and -_FARTHEST < end < _FARTHEST):
            return self.report("out_of_range", detail="no text is that long")
        region_id = item.get("id") or ""
        if not isinstance(region_id, str):
            region_id = read_text(region_id)
        if region_id in self._ids and region_id:
            return self.report("duplicate_id", start, end)
        self._ids.add(region_id)
        text = self._text
        if stated != text[start:end] and "text" in value and 0 <= start < end <= len(text):
            self._compare(stated, start, end)
        origin = _ORIGINS.get(item["origin"]) if isinstance(item.get("origin"), str) else None
        if is_mention:
            self._loose.append((start, end, label, region_id, origin))
        else:
            score = read_number(item["score"]) if "score" in item else None
            self._entities.append(Entity(start, end, str(label), region_id, origin, score))
        return None

    def _compare(self, stated: object, start: int, end: int) -> None:
        """Label Studio writes line breaks of a selection as a backslash and an n; that is no mismatch."""
        seen = read_text(stated).replace("\\n", "\n").replace("\r\n", "\n")
        if seen != self._text[start:end].replace("\r\n", "\n"):
            self.report("text_mismatch", start, end)

    def read_relation(self, item: dict[str, Any]) -> None:
        source, target = read_text(item.get("from_id") or ""), read_text(item.get("to_id") or "")
        if not source or not target:
            self.report("dangling_relation")
        elif source == target:
            self.report("self_relation")
        elif (item.get("labels") or [self._relation]) != [self._relation]:
            self.report("unknown_relation")
        else:
            self._links.append((source, target))

    def finish(self) -> Regions:
        components = self._connect()
        if components:
            own = {mention[3] for mention in self._loose}
            self._loose += [
                (entity.start, entity.end, "MENTION", entity.id, None)
                for entity in self._entities
                if entity.id in components and entity.id not in own
            ]
        self._loose.sort(key=lambda mention: (mention[0], -mention[1], mention[2]))
        names: dict[str, str] = {}
        mentions = []
        for start, end, label, region_id, origin in self._loose:
            component = components.get(region_id)
            cluster = names.setdefault(component, str(len(names) + 1)) if component else ""
            mentions.append(Mention(start, end, label, cluster, region_id, origin))
        return Regions(sort_spans(self._entities), tuple(mentions), self._issues)

    def _connect(self) -> dict[str, str]:
        """Union-find over region ids: the name of its component for every region that has a relation."""
        parents: dict[str, str] = {}

        def find(node: str) -> str:
            while parents.setdefault(node, node) != node:
                parents[node] = parents[parents[node]]
                node = parents[node]
            return node

        for source, target in self._links:
            if source in self._ids and target in self._ids:
                parents[find(source)] = find(target)
            else:
                self.report("dangling_relation")
        return {node: find(node) for node in list(parents)}
