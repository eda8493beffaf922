"""Brackets in columns: coreference of CoNLL-2012 and CoNLL-U, named entities of CoNLL-2012."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from goldspan.annotation.formats.reading import LineError
from goldspan.annotation.formats.rows.raw import RawCluster, RawSpan
from goldspan.annotation.formats.tags import Place

_BRACKETS = re.compile(r"(?:[-*_]|[()|\d]*[()][()|\d]*)\Z")
_COREFERENCE = re.compile(r"\((\d+)\)|\((\d+)|(\d+)\)")
_CORPUS_BRACKET = re.compile(r"(\()([^()]*)(\))?|([^()]+)\)")
_ENTITY = re.compile(r"(?:^|\|)Entity=([^|]+)")
_PART = re.compile(r"\[(\d+)/\d+\]\Z")
"""Behind a name of CorefUD: which part of a mention in several parts."""


def holds_brackets(cell: str) -> bool:
    """True for a cell of a column of coreference, also where it holds nothing."""
    return _BRACKETS.match(cell) is not None


def read_starred(rows: Sequence[tuple[int, list[str]]], places: Sequence[Place]) -> list[RawSpan]:
    """The named entities of CoNLL-2012: `(PERSON*`, `*`, `*)` in the column before the arguments.

    Raises:
        LineError: a bracket has no partner.
    """
    spans: list[RawSpan] = []
    opened: list[tuple[str, int, int]] = []
    for (number, columns), (start, end) in zip(rows, places, strict=True):
        cell = columns[10]
        opened += [(label, start, number) for label in re.findall(r"\(([^()*\s]+)", cell)]
        for _ in range(cell.count(")")):
            if not opened:
                raise LineError("a bracket closes no named entity", number)
            label, begun, _ = opened.pop()
            spans.append(RawSpan((label,), begun, end))
    if opened:
        raise LineError(f"the named entity {opened[-1][0]} has no end", opened[-1][2])
    return sorted(spans, key=lambda span: (span.start or 0, -(span.end or 0)))


def read_clusters(
    rows: Sequence[tuple[int, list[str]]], places: Sequence[Place], width: int, token_column: int
) -> tuple[tuple[RawCluster, ...], Counter[str]]:
    """The clusters that the last column brackets: `Entity=(e1-person-1-)` of CoNLL-U, or `(1`, `1)`, `(1)`.

    Mentions of CoNLL-U in several parts, and those that end in an empty node, are counted and left out.

    Raises:
        LineError: a bracket of CoNLL-2012 has no partner.
    """
    found: defaultdict[str, list[tuple[int, int, str]]] = defaultdict(list)
    opened: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    left_out: Counter[str] = Counter()
    conllu = any("Entity=" in columns[-1] for _, columns in rows)
    for (number, columns), (start, end) in zip(rows, places, strict=True):
        cell = columns[-1]
        if conllu:
            for name, opens, closes in _iter_entities(cell):
                if part := _PART.search(name):
                    left_out["mention in several parts"] += opens and part[1] == "1"
                else:
                    _track(found, opened, name, (start, end, number), opens=opens, closes=closes)
        elif width > token_column + 2 and holds_brackets(cell):
            for single, opening, closing in _COREFERENCE.findall(cell):
                name = single or opening or closing
                if closing and not opened[name]:
                    raise LineError("a bracket closes no mention", number)
                _track(found, opened, name, (start, end, number), opens=not closing, closes=not opening)
    unclosed = [line for starts in opened.values() for _, line in starts]
    if unclosed and not conllu:
        raise LineError("a mention has no end", min(unclosed))
    left_out["mention of an empty node"] += len(unclosed)
    return tuple(RawCluster((), tuple(members)) for members in found.values()), +left_out


def count_opened(cell: str) -> int:
    """How many mentions begin in a cell of CoNLL-U's last column."""
    return sum(opens for _, opens, _ in _iter_entities(cell))


def _iter_entities(cell: str) -> Iterator[tuple[str, bool, bool]]:
    """Names of CorefUD's brackets with whether they open and close: `(e1-person-1-)`, `(e1-…`, `e1)`."""
    entities = _ENTITY.search(cell)
    for match in _CORPUS_BRACKET.finditer(entities[1] if entities else ""):
        opening, body, closing = match[1] or "", match[2] or match[4] or "", match[3] or match[4]
        if name := body.split("-")[0]:
            yield name, bool(opening), bool(closing)


def _track(
    found: defaultdict[str, list[tuple[int, int, str]]],
    opened: defaultdict[str, list[tuple[int, int]]],
    name: str,
    place: tuple[int, int, int],
    *,
    opens: bool,
    closes: bool,
) -> None:
    if opens and closes:
        found[name].append((place[0], place[1], ""))
    elif opens:
        opened[name].append((place[0], place[2]))
    elif opened[name]:
        found[name].append((opened[name].pop()[0], place[1], ""))
