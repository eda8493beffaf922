"""WebAnno TSV 3, as INCEpTION exports it. Offsets count UTF-16 code units.

#FORMAT=WebAnno TSV 3.3
#T_SP=webanno.custom.NamedEntity|identifier|value
#Text=Ann met Bo.
1-1<TAB>0-3<TAB>Ann<TAB>_<TAB>FIRSTNAME
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.formats.reading import LineError, ReadOptions, SourceRow, read_documents, read_whole
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawCluster, RawRelation, RawRow, RawSpan
from goldspan.annotation.tasks.jsonl import OnError

_OTHER_LAYERS = ("POS", "Lemma", "MorphologicalFeatures", "Stem", "SurfaceForm")
_NUMBERED = re.compile(r"(.*?)(?:\[(\d+)\])?\Z", re.DOTALL)
_LINK = re.compile(r"->(\d+)-(\d+)")
_REFERENCE = re.compile(r"(\d+-\d+(?:\.\d+)?)(?:\[(\d+)_(\d+)\])?\Z")
_STACKED = re.compile(r"(?<!\\)\|")
_ESCAPED = re.compile(r"\\(.)")
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t"}
_OLD = re.compile(r"#FORMAT=WebAnno TSV [12]\b|# webanno\.")
_HEADERS = ("#T_SP=", "#T_CH=", "#T_RL=")


def read_webanno(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The document of a file, or those of a folder; a file that cannot be read goes to `on_error`.

    Raises:
        InputError: a folder has no `.tsv` file.
    """
    return read_documents(path, {".tsv"}, on_error, lambda file: [_read_document(read_whole(file, options), file.stem)])


class _Column(NamedTuple):
    """A column of annotations: `kind` is SP (spans), CH (chains) or RL (relations)."""

    kind: str
    layer: str
    feature: str


class _Arrow(NamedTuple):
    """A relation: its source as the file refers to it, the place that it points at, and its label."""

    layer: str
    source: str
    start: int
    label: str


@dataclass(slots=True)
class _Document:
    """What the lines of a file say; spans by layer and number, or place where they have none.

    `tokens` are lines, offsets and forms; `left_out` counts values that are not read, by layer and feature.
    """

    columns: list[_Column] = field(default_factory=list)
    sentences: list[tuple[int, str]] = field(default_factory=list)
    starts: dict[str, int] = field(default_factory=dict)
    tokens: list[tuple[int, int, int, str]] = field(default_factory=list)
    parts: defaultdict[tuple[str, str], list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    features: defaultdict[tuple[str, str], dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)
    chains: defaultdict[str, dict[int, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))
    kinds: dict[tuple[str, int], str] = field(default_factory=dict)
    arrows: list[_Arrow] = field(default_factory=list)


def _read_document(content: str, name: str) -> RawRow:
    if _OLD.match(content):
        raise LineError("WebAnno TSV 1 and 2 have no offsets; export WebAnno TSV 3", 1)
    document = _Document()
    pending: list[str] = []
    for number, line in enumerate(content.split("\n"), start=1):
        line = line.removesuffix("\r")
        if line.startswith(_HEADERS):
            layer, *features = line[6:].split("|")
            document.columns += [_Column(line[3:5], layer, feature) for feature in features]
        elif line.startswith("#Text="):
            pending.append(_unescape(line[6:]))
        elif line and not line.startswith("#"):
            cells = line.split("\t")
            if len(cells) < 3 or not re.fullmatch(r"\d+-\d+", cells[1]):
                raise LineError("expected a token with its offsets", number)
            start, end = (int(part) for part in cells[1].split("-"))
            document.starts[cells[0]] = start
            document.tokens.append((number, start, end, cells[2]))
            if pending:
                sentence = "\n".join(pending)
                document.sentences.append((start - _count_blanks(sentence, cells[2]), sentence))
                pending = []
            try:
                _read_cells(document, cells[3:], (start, end))
            except ValueError as error:
                raise LineError(str(error), number) from None
    spans = [_make_span(key, found, document.features[key]) for key, found in document.parts.items()]
    relations = tuple(_resolve(document, arrow) for arrow in document.arrows)
    clusters = tuple(
        RawCluster((), tuple((start, end, document.kinds.get((chain, start), "")) for start, end in links.values()))
        for chain, links in document.chains.items()
    )
    annotation = RawAnnotation(tuple(spans), clusters, relations, utf16=True)
    left_out: dict[str, int] = {}
    for (layer, _), count in document.left_out.items():
        left_out[layer] = max(count, left_out.get(layer, 0))
    text = _join_sentences(document.sentences)
    _check_tokens(text, document.tokens)
    return RawRow(text, (annotation,), uid=name, left_out=left_out)


def _count_blanks(sentence: str, token: str) -> int:
    """How many characters of white space stand before the first token of a sentence."""
    before = min((sentence.partition(form)[0] for form in (token, _unescape(token))), key=len)
    return 0 if before.strip() else len(before)


def _check_tokens(text: str, tokens: Iterable[tuple[int, int, int, str]]) -> None:
    """Check that the offsets of every token cut it out of the text; a backslash in it may be escaped."""
    units = text.encode("utf-16-le", "surrogatepass")
    for number, start, end, token in tokens:
        seen = units[2 * start : 2 * end].decode("utf-16-le", "replace")
        if seen not in {token, _unescape(token)}:
            raise LineError(f"the offsets {start}-{end} do not cut out the token", number)


def _make_span(key: tuple[str, str], found: Sequence[tuple[int, int]], features: dict[str, str]) -> RawSpan:
    """The label is the first feature with a value that is no identifier; a layer without one is its own label."""
    name = next((name for name in features if name != "identifier"), "")
    label = features[name] if name else key[0].rpartition(".")[2]
    others = tuple((other, value) for other, value in features.items() if other != name)
    return RawSpan((label,), found[0][0], found[-1][1], id=":".join(key), features=others)


def _read_cells(document: _Document, cells: Sequence[str], place: tuple[int, int]) -> None:
    labels: list[str] = []
    for column, cell in zip(document.columns, cells, strict=False):
        stacked = [] if cell in {"_", ""} else _STACKED.split(cell)
        if (layer := column.layer.rpartition(".")[2]) in _OTHER_LAYERS:
            document.left_out[layer, column.feature] += len(stacked)
            continue
        if column.feature.startswith("ROLE_") and stacked:
            raise ValueError(f"slots of the layer {column.layer} are not read")
        if column.kind == "CH":
            for value in stacked:
                _read_link(document, column.layer, value, place)
        elif column.kind == "RL" and not column.feature.startswith("BT_"):
            if labels and stacked:
                document.left_out[f"{layer}.{column.feature}", ""] += len(stacked)
            labels = labels or stacked
        elif column.kind == "RL":
            base = column.feature.removeprefix("BT_")
            names = [_NUMBERED.sub(r"\1", label) for label in labels]
            for index, source in enumerate(stacked):
                label = _unescape(names[index]) if index < len(names) else ""
                document.arrows.append(_Arrow(base, source, place[0], "" if label == "*" else label))
            labels = []
        else:
            for value in stacked:
                _read_part(document, column, value, place)


def _read_link(document: _Document, layer: str, value: str, place: tuple[int, int]) -> None:
    """A cell of a chain: `coref->2-1` is its first link, `pro[2]` the type of the mention."""
    if match := _LINK.search(value):
        links, number = document.chains[f"{layer} {match[1]}"], int(match[2])
        if number not in links and value[: match.start()] not in {"*", "_", ""}:
            document.left_out["CoreferenceLink.referenceRelation", ""] += 1
        links[number] = (links.get(number, place)[0], place[1])
    elif (match := _NUMBERED.match(value)) and match[2]:
        document.kinds.setdefault((f"{layer} {match[2]}", place[0]), _unescape(match[1]))


def _read_part(document: _Document, column: _Column, value: str, place: tuple[int, int]) -> None:
    match = _NUMBERED.match(value)
    label, mark = (_unescape(match[1]), match[2]) if match else (value, None)
    key = column.layer, mark or f"at{place[0]}"
    if place not in document.parts[key]:
        document.parts[key].append(place)
    if label not in {"*", "_"}:
        document.features[key].setdefault(column.feature, label)


def _resolve(document: _Document, arrow: _Arrow) -> RawRelation:
    """A relation between two spans of its base layer; what it cannot find keeps its name in the file."""
    match = _REFERENCE.match(arrow.source)
    if match is None or match[1] not in document.starts:
        return RawRelation(arrow.source, f"{arrow.layer}:at{arrow.start}", arrow.label)
    marks = [mark if mark != "0" else None for mark in (match[2], match[3])]
    source = marks[0] or f"at{document.starts[match[1]]}"
    return RawRelation(f"{arrow.layer}:{source}", f"{arrow.layer}:{marks[1] or f'at{arrow.start}'}", arrow.label)


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
