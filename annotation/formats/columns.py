"""Columns of tokens and tags: CoNLL-2003 and its relatives, CoNLL-2012, CoNLL-U, nested layers, Goldspan's own.

A sample is a block between blank lines; in CoNLL-2012, and in CoNLL-U with `Entity=`, a document, because clusters
reach over sentences. Columns are recognised by what stands in them. A line that begins with `#` is a comment unless
it has as many columns as other lines, and a tag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.errors import RecordError
from goldspan.annotation.formats.brackets import count_opened, holds_brackets, read_clusters, read_starred
from goldspan.annotation.formats.column_text import Sentence, make_text
from goldspan.annotation.formats.reading import LineError, ReadOptions, SourceRow
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawRow, RawSpan
from goldspan.annotation.formats.tags import Place, decode_tags, is_plain_column, is_tag
from goldspan.annotation.tasks.jsonl import OnError

_COMMENT = re.compile(r"#\s?(\w+)\s*=\s?(.*)\Z", re.DOTALL)
_CHUNKS = frozenset({"NP", "VP", "PP", "ADVP", "SBAR", "ADJP", "PRT", "CONJP", "INTJ", "LST", "UCP"})
_CONLL_U = 10
"""Columns of CoNLL-U."""
_ATTRIBUTE = re.compile(r"(?:O|[BIESLU]-\S+)\Z")
_PARSEME = re.compile(r"\d+:\w")
_UNKNOWN = "-X-"
"""What stands for an unknown part of speech."""
_HIDDEN = "[WORD]"
"""What CoNLL-2012 has for every word before its own script puts them in."""
_HEADER = frozenset({"word", "words", "token", "tokens", "text", "form"})
_DOCUMENT_START = ("-DOCSTART-", "#begin document")


@dataclass(slots=True)
class _Block:
    """Lines of one sample: token rows by sentence, and the comments before them."""

    lines: list[tuple[int, str]] = field(default_factory=list)

    @property
    def first(self) -> int:
        return self.lines[0][0]


class _Layout(NamedTuple):
    """Numbers of columns and values of the last one in all lines of a file that do not begin with `#`.

    With `counted`, the first column has numbers alone; with `plain`, the last one has labels without a prefix.
    """

    widths: frozenset[int]
    last: frozenset[str]
    counted: bool
    plain: bool

    def holds(self, columns: Sequence[str], tags: Sequence[str]) -> bool:
        """True if a line that begins with `#` is a token: it has as many columns as others, if any, and a tag."""
        fits = len(columns) in self.widths or not self.widths
        return fits and bool(tags) and (columns[-1] in self.last or any(map(is_tag, tags)))


def read_columns(path: Path, content: str, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The samples of a file of columns; a block that cannot be read goes to `on_error`."""
    whole = "#begin document" in content or re.search(r"(?:^|[\t|])Entity=\(", content, re.MULTILINE) is not None
    blocks = list(_split_blocks(content, whole=whole))
    lines = [line for block in blocks for _, line in block.lines if line.strip() and line[0] != "#"]
    last = [line.split()[-1] for line in lines]
    counted = all(_is_index(line.split()[0]) for line in lines)
    layout = _Layout(frozenset(map(_count_cells, lines)), frozenset(last), counted, is_plain_column(last))
    for block in blocks:
        try:
            row = _read_block(block, options, layout)
        except LineError as error:
            on_error(RecordError(str(error), file=str(path), line=error.line))
        else:
            if row:
                yield SourceRow(str(path), block.first, row)


def _split_blocks(content: str, *, whole: bool) -> Iterator[_Block]:
    block = _Block()
    for number, line in enumerate([*content.split("\n"), ""], start=1):
        line = line.removesuffix("\r")
        if number == 1 and _is_header(line.split("\t")):
            continue
        starts = line.startswith(_DOCUMENT_START) or (whole and line.startswith("# newdoc"))
        if starts or (not line.strip() and not whole):
            if block.lines:
                yield block
            block = _Block()
        if line.startswith(("-DOCSTART-", "#begin document", "#end document")):
            continue
        if line.strip() or whole:
            block.lines.append((number, line))
    if any(line.strip() for _, line in block.lines):
        yield block


def _is_header(cells: Sequence[str]) -> bool:
    """True for a first line that names the columns."""
    return bool(_HEADER & {name.casefold() for name in cells[:-1]}) and not is_tag(cells[-1])


def _read_block(block: _Block, options: ReadOptions, layout: _Layout) -> RawRow | None:
    comments, sentences = _read_sentences(block, layout)
    rows = [row for sentence in sentences for row in sentence.rows]
    if not rows:
        return None
    if all(len(columns) == 2 and is_tag(columns[0]) for _, columns in rows) and _names_tags(rows):
        for _, columns in rows:
            columns.reverse()
    if empty := next((n for n, columns in rows if not columns[0].strip(" ")), None):
        raise LineError("the token is empty", empty)
    width, narrowest = min((len(columns), number) for number, columns in rows)
    token_column = 0 if width < 2 else 3 if _is_conll_2012(rows) else 1 if layout.counted and _has_index(rows) else 0
    if width < token_column + 2:
        raise LineError("expected a token and a tag", narrowest)
    if token_column == 3 and all(columns[3] == _HIDDEN for _, columns in rows):
        raise LineError(f"every word is {_HIDDEN}: put the words in with CoNLL-2012's skeleton2conll", block.first)
    text, places = make_text(sentences, token_column, block.first)
    if token_column == 3:
        spans = read_starred(rows, places)
    else:
        spans = _read_tag_columns(rows, places, width, token_column, plain=layout.plain)
    clusters, left_out = read_clusters(rows, places, width, token_column)
    if hidden := sum(sentence.hidden for sentence in sentences):
        left_out["mention of an empty node"] += hidden
    return RawRow(
        text,
        (RawAnnotation(tuple(spans), clusters, nests=True),),
        comments.get("language") or options.language,
        uid=comments.get("sent_id") or comments.get("newdoc") or "",
        sample_id=comments.get("sample_id", ""),
        left_out=left_out,
    )


def _names_tags(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """True if the first of two columns is that of the tags: only it has nothing but tags."""
    return not all(is_tag(columns[1]) for _, columns in rows)


def _read_sentences(block: _Block, layout: _Layout) -> tuple[dict[str, str], list[Sentence]]:
    """Comments and sentences; empty nodes of CoNLL-U are left out, their mentions counted."""
    comments: dict[str, str] = {}
    sentences: list[Sentence] = [Sentence()]
    tabbed = any("\t" in line and not line.startswith("#") for _, line in block.lines)
    for number, line in block.lines:
        if not line.strip():
            if sentences[-1].rows:
                sentences.append(Sentence())
            continue
        columns = _split_cells(line, tabbed=tabbed)
        tags = columns[1:] if tabbed else columns[1:][-1:]
        match = _COMMENT.match(line)
        if line.startswith("#") and not (layout.holds(columns, tags) and (tabbed or not match)):
            if match:
                key = "newdoc" if match[1] in {"newdoc", "id"} else match[1]
                if key == "text":
                    sentences[-1].stated = match[2]
                comments[key] = match[2]
            continue
        if _is_index(columns[0]) and len(columns) >= 8:
            if "." in columns[0]:
                sentences[-1].hidden += count_opened(columns[-1])
                continue
            space = "SpaceAfter=No" not in columns[-1]
            if "-" in columns[0]:
                first, last = (int(part) for part in columns[0].split("-"))
                sentences[-1].contracted[first] = (last, columns[1], space)
                continue
            sentences[-1].spaces.append(space)
        sentences[-1].rows.append((number, columns))
    return comments, [sentence for sentence in sentences if sentence.rows]


def _split_cells(line: str, *, tabbed: bool) -> list[str]:
    return line.split("\t") if tabbed else re.split(r"[ \t]+", line.strip(" \t"))


def _count_cells(line: str) -> int:
    return len(_split_cells(line, tabbed="\t" in line))


def _is_index(value: str) -> bool:
    return re.fullmatch(r"\d+(?:[-.]\d+)?", value) is not None


def _has_index(rows: Sequence[tuple[int, list[str]]]) -> bool:
    """True if the first column, of numbers, counts the tokens; a text of numbers has its tags in the second one."""
    tagged = all(is_tag(columns[1]) or columns[1] == _UNKNOWN for _, columns in rows)
    return not tagged or len(rows[0][1]) >= _CONLL_U


def _is_conll_2012(rows: Sequence[tuple[int, list[str]]]) -> bool:
    return all(len(columns) >= 11 and columns[2].isdigit() and columns[1].isdigit() for _, columns in rows)


def _read_tag_columns(
    rows: Sequence[tuple[int, list[str]]], places: Sequence[Place], width: int, token_column: int, *, plain: bool
) -> list[RawSpan]:
    """The spans of all layers, those of the outermost first."""
    candidates = [
        column
        for column in range(token_column + 1, width)
        if all(is_tag(columns[column]) for _, columns in rows) or (plain and column == width - 1)
    ]
    layers = [column for column in candidates if not _is_chunk_column(rows, column) and not _is_empty(rows, column)]
    if not layers and not candidates:
        bad = next((n, c[width - 1]) for n, c in rows if not is_tag(c[width - 1]))
        if not any(holds_brackets(c[-1]) for _, c in rows):
            raise LineError(f"{bad[1]!r} is neither O nor a tag such as B-PER", bad[0])
    if strange := next((n for n, columns in rows if width > _CONLL_U and _PARSEME.match(columns[-1])), None):
        raise LineError("the last column holds annotations in a form that is not read", strange)
    tags = [*([columns[column] for _, columns in rows] for column in layers), *_find_attributes(rows, width)]
    return [RawSpan((label,), start, end) for layer in tags for start, end, label in decode_tags(layer, places)]


def _find_attributes(rows: Sequence[tuple[int, list[str]]], width: int) -> list[list[str]]:
    """The tags of each attribute of CoNLL-U's last column whose values are tags: `NER=B-PER|SpaceAfter=No`."""
    if width != _CONLL_U:
        return []
    cells = [dict(part.partition("=")[::2] for part in columns[-1].split("|")) for _, columns in rows]
    names = dict.fromkeys(name for cell in cells for name in cell)
    columns = ([cell.get(name, "O") for cell in cells] for name in names)
    return [tags for tags in columns if all(map(_ATTRIBUTE.match, tags)) and set(tags) != {"O"}]


def _is_chunk_column(rows: Sequence[tuple[int, list[str]]], column: int) -> bool:
    labels = {columns[column][2:] for _, columns in rows if columns[column] not in {"O", "_", "-"}}
    return bool(labels) and labels <= _CHUNKS


def _is_empty(rows: Sequence[tuple[int, list[str]]], column: int) -> bool:
    return all(columns[column] in {"_", "-"} for _, columns in rows)
