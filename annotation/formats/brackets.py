"""Brackets in columns: coreference of CoNLL-2012 and CoNLL-U, named entities of CoNLL-2012."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from goldspan.annotation.formats.rows.raw import RawCluster, RawSpan
from goldspan.annotation.formats.tags import Place

_BRACKETS = re.compile(r"(?:[-*_]|[()|\d]*[()][()|\d]*)\Z")
_COREFERENCE = re.compile(r"\((\d+)\)|\((\d+)|(\d+)\)")
_CORPUS_BRACKET = re.compile(r"(\()([^()]*)(\))?|([^()]+)\)")


def holds_brackets(cell: str) -> bool:
    """True for a cell of a column of coreference, also where it holds nothing."""
    return _BRACKETS.match(cell) is not None


def read_starred(rows: Sequence[tuple[int, list[str]]], places: Sequence[Place]) -> list[RawSpan]:
    """The named entities of CoNLL-2012: `(PERSON*`, `*`, `*)` in the column before the arguments."""
    spans: list[RawSpan] = []
    opened: list[tuple[str, int]] = []
    for (_, columns), (start, end) in zip(rows, places, strict=True):
        cell = columns[10]
        for label in re.findall(r"\(([^()*\s]+)", cell):
            opened.append((label, start))
        for _ in range(cell.count(")")):
            if opened:
                label, begun = opened.pop()
                spans.append(RawSpan((label,), begun, end))
    return sorted(spans, key=lambda span: (span.start or 0, -(span.end or 0)))


def read_clusters(
    rows: Sequence[tuple[int, list[str]]], places: Sequence[Place], width: int, token_column: int
) -> tuple[RawCluster, ...]:
    """The clusters that the last column brackets: `Entity=(e1-person-1-)` of CoNLL-U, or `(1`, `1)`, `(1)`."""
    found: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    opened: defaultdict[str, list[int]] = defaultdict(list)
    conllu = any("Entity=" in columns[-1] for _, columns in rows)
    for (_, columns), (start, end) in zip(rows, places, strict=True):
        cell = columns[-1]
        if conllu:
            match = re.search(r"(?:^|\|)Entity=([^|]+)", cell)
            for name, opens, closes in _iter_entities(match[1] if match else ""):
                _track(found, opened, name, (start, end), opens=opens, closes=closes)
        elif width > token_column + 2 and holds_brackets(cell):
            for single, opening, closing in _COREFERENCE.findall(cell):
                name = single or opening or closing
                _track(found, opened, name, (start, end), opens=not closing, closes=not opening)
    return tuple(RawCluster((), tuple(members)) for members in found.values())


def _iter_entities(value: str) -> Iterator[tuple[str, bool, bool]]:
    """Names of CorefUD's brackets with whether they open and close: `(e1-person-1-)`, `(e1-…`, `e1)`."""
    for match in _CORPUS_BRACKET.finditer(value):
        opening, body, closing = match[1] or "", match[2] or match[4] or "", match[3] or match[4]
        name = re.sub(r"\[.*\]", "", body.split("-")[0])
        if name:
            yield name, bool(opening), bool(closing)


def _track(
    found: defaultdict[str, list[tuple[int, int, str]]],
    opened: defaultdict[str, list[int]],
    name: str,
    place: Place,
    *,
    opens: bool,
    closes: bool,
) -> None:
    if opens and closes:
        found[name].append((*place, ""))
    elif opens:
        opened[name].append(place[0])
    elif opened[name]:
        found[name].append((opened[name].pop(), place[1], ""))
