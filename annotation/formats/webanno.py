"""WebAnno TSV 3, as INCEpTION exports it. Offsets count UTF-16 code units.

#FORMAT=WebAnno TSV 3.3
#T_SP=webanno.custom.NamedEntity|identifier|value
#Text=Ann met Bo.
1-1<TAB>0-3<TAB>Ann<TAB>_<TAB>FIRSTNAME
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawRelation, RawRow, RawSpan
from goldspan.annotation.formats.source import SourceRow
from goldspan.annotation.tasks.store import OnError

_NO_ENTITIES = ("POS", "Lemma", "MorphologicalFeatures", "Stem", "SurfaceForm")
_NUMBERED = re.compile(r"(.*?)(?:\[(\d+)\])?\Z", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}


def read_webanno(path: Path, content: str, on_error: OnError) -> Iterator[SourceRow]:
    """The one document of a file; a file that cannot be read goes to `on_error`."""
    try:
        yield SourceRow(str(path), 1, _read_document(content))
    except _LineError as error:
        on_error(RecordError(str(error), file=str(path), line=error.line))


class _LineError(ValueError):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _read_document(content: str) -> RawRow:
    columns: list[tuple[str, str]] = []
    sentences: list[tuple[int, str]] = []
    pending: list[str] = []
    parts: defaultdict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    chains: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    for number, line in enumerate(content.split("\n"), start=1):
        line = line.removesuffix("\r")
        if line.startswith(("#T_SP=", "#T_CH=", "#T_RL=")):
            layer, *features = line[6:].split("|")
            columns += [(f"{line[3:5]}:{layer}", feature) for feature in features]
        elif line.startswith("#Text="):
            pending.append(_unescape(line[6:]))
        elif line and not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) < 3 or not re.fullmatch(r"\d+-\d+", cells[1]):
                raise _LineError("expected a token with its offsets", number)
            start, end = (int(part) for part in cells[1].split("-"))
            if pending:
                sentences.append((start, "\n".join(pending)))
                pending = []
            _read_cells(cells, columns, (start, end), parts, chains)
    text = _join_sentences(sentences)
    spans = [
        RawSpan((max(found, key=lambda part: bool(part[2]))[2],), found[0][0], found[-1][1])
        for found in parts.values()
        if any(label for *_, label in found)
    ]
    for chain, places in chains.items():
        spans += [RawSpan(("MENTION",), start, end, id=f"{chain}:{start}") for start, end in places]
    relations = tuple(
        RawRelation(f"{chain}:{places[0][0]}", f"{chain}:{start}", "coreference")
        for chain, places in chains.items()
        for start, _ in places[1:]
    )
    return RawRow(text, (RawAnnotation(tuple(spans), relations=relations, utf16=True),))


def _read_cells(
    cells: list[str],
    columns: list[tuple[str, str]],
    place: tuple[int, int],
    parts: defaultdict[tuple[str, str], list[tuple[int, int, str]]],
    chains: defaultdict[str, list[tuple[int, int]]],
) -> None:
    for (layer, feature), cell in zip(columns, cells[3:], strict=False):
        kind, _, name = layer.partition(":")
        if cell in {"_", ""} or name.rpartition(".")[2] in _NO_ENTITIES or kind == "RL":
            continue
        for stacked in cell.split("|"):
            match = _NUMBERED.match(stacked)
            value, mark = (_unescape(match[1]), match[2]) if match else (stacked, None)
            if kind == "CH":
                if "Relation" not in feature and (chain := re.search(r"->(\d+)-", stacked)):
                    chains[chain[1]].append(place)
                continue
            key = (layer, mark or f"at{place[0]}")
            known = [] if value in {"*", "_"} or feature == "identifier" else [value]
            parts[key].append((*place, known[0] if known else ""))


def _join_sentences(sentences: list[tuple[int, str]]) -> str:
    """The text of a document: sentences at their offsets, the gaps between them filled with line breaks."""
    pieces: list[str] = []
    length = 0
    for start, sentence in sentences:
        if start > length:
            pieces.append("\n" * (start - length))
            length = start
        pieces.append(sentence)
        length += sum(1 + (character > "\uffff") for character in sentence)
    return "".join(pieces)


def _unescape(value: str) -> str:
    return _ESCAPED.sub(lambda match: _CONTROLS.get(match[1], match[1]), value)
