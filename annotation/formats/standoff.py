"""Annotations beside their texts: Azure's custom entity projects, Comprehend's annotation tables, PubTator files."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.formats.reading import ReadOptions, SourceRow, holds_mark, read_whole
from goldspan.annotation.formats.rows.raw import RawAnnotation, RawRow, RawSpan, read_offset
from goldspan.annotation.tasks.jsonl import OnError
from goldspan.annotation.tasks.record import parse_json

AZURE_MARK = b"CustomEntityRecognition"
_LOOKED_AT = 100
"""Files of a folder that are looked at for a description of the others."""
_COMPREHEND = ["file", "line", "begin offset", "end offset", "type"]
_TITLE = re.compile(r"(\S+)\|t\|(.*)\Z")
_ABSTRACT = re.compile(r"(\S+)\|a\|(.*)\Z")


def find_azure(folder: Path) -> Path | None:
    """The file of a folder that describes an Azure project with its labels, if it has one."""
    return next((file for file in islice(folder.glob("*.json"), _LOOKED_AT) if holds_mark(file, AZURE_MARK)), None)


def find_comprehend(folder: Path) -> Path | None:
    """The annotation table of Comprehend in a folder, if it has one."""
    return next((file for file in islice(folder.glob("*.csv"), _LOOKED_AT) if is_comprehend(file)), None)


def is_comprehend(file: Path) -> bool:
    """True for a table with the columns of Comprehend's annotations."""
    with file.open("rb") as stream:
        header = stream.readline(1000).decode("utf-8-sig", "replace")
    names = [name.strip().strip('"').casefold() for name in header.split(",")]
    return names in (_COMPREHEND, [name for name in _COMPREHEND if name != "line"])


def read_azure(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The documents of an Azure project (`labels.json` beside its texts); a document without labels has none.

    Raises:
        InputError: no project lies there.
    """
    file = find_azure(path) if path.is_dir() else path
    if file is None:
        raise InputError(f"{path} holds no project of Azure's custom entity recognition.")
    project = parse_json(read_whole(file, options).encode())
    try:
        documents = project["assets"]["documents"]
        utf16 = "utf16" in str(project.get("stringIndexType", "Utf16CodeUnit")).casefold()
        places = [(document, _find_beside(file, str(document["location"]))) for document in documents]
    except (KeyError, TypeError) as error:
        raise InputError(f"{file}: not a project with assets and documents ({type(error).__name__}).") from None
    for number, (document, source) in enumerate(places, start=1):
        try:
            if source is None:
                raise RecordError("the text of the document is not beside it", file=str(file), line=number)
            text = read_whole(source, options)
            spans = tuple(_read_azure_spans(document, file, number))
        except RecordError as error:
            on_error(error)
            continue
        language = str(document.get("language") or "").partition("-")[0]
        yield SourceRow(
            str(file), number, RawRow(text, (RawAnnotation(spans, utf16=utf16),), language, uid=source.stem)
        )


def _read_azure_spans(document: Mapping[str, Any], file: Path, line: int) -> Iterator[RawSpan]:
    for region in document.get("entities") or ():
        for entry in region.get("labels") or ():
            start, length = read_offset(entry.get("offset")), read_offset(entry.get("length"))
            if start is None or length is None or not isinstance(entry.get("category"), str):
                raise RecordError("a label without category, offset or length", file=str(file), line=line)
            yield RawSpan((entry["category"],), start, start + length)


def read_comprehend(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The texts that an annotation table of Comprehend names: files, or lines of files where it has a column Line.

    Raises:
        InputError: no table lies there.
    """
    file = find_comprehend(path) if path.is_dir() else path
    if file is None:
        raise InputError(f"{path} holds no annotation table of Comprehend.")
    spans: defaultdict[tuple[str, int], list[RawSpan]] = defaultdict(list)
    by_line: dict[str, bool] = {}
    for number, row in enumerate(csv.DictReader(io.StringIO(read_whole(file, options), newline="")), start=2):
        cells = {(name or "").strip().casefold(): (cell or "").strip() for name, cell in row.items() if name}
        start, end, line = (read_offset(cells.get(name, "")) for name in ("begin offset", "end offset", "line"))
        if start is None or end is None or (line is None and "line" in cells) or not cells.get("type"):
            on_error(RecordError("a row without offsets, line or type", file=str(file), line=number))
            continue
        by_line[cells["file"]] = line is not None
        spans[cells["file"], line or 0].append(RawSpan((cells["type"],), start, end))
    for name, lines in by_line.items():
        source = _find_beside(file, name)
        if source is None:
            on_error(RecordError("a text that the table names is not beside it", file=str(file), line=1))
            continue
        content = read_whole(source, options)
        for number, text in enumerate(content.split("\n") if lines else [content]):
            if text.strip():
                annotation = RawAnnotation(tuple(spans[name, number]))
                yield SourceRow(str(source), number + 1, RawRow(text.removesuffix("\r"), (annotation,)))


def _find_beside(file: Path, name: str) -> Path | None:
    """A text beside its annotations, by the path that they give or by its name alone; never outside the folder."""
    folder = file.parent.resolve()
    wanted = (folder / name).resolve()
    places = (wanted, folder / Path(name).name)
    return next((place for place in places if place.is_relative_to(folder) and place.is_file()), None)


def read_pubtator(path: Path, options: ReadOptions, on_error: OnError) -> Iterator[SourceRow]:
    """The documents of a PubTator file: title and abstract with a space between, as its offsets count them.

    Relations between concepts are counted.
    """
    text, uid, first = "", "", 1
    spans: list[RawSpan] = []
    left_out: Counter[str] = Counter()
    for number, line in enumerate([*read_whole(path, options).split("\n"), ""], start=1):
        line = line.removesuffix("\r")
        cells = line.split("\t")
        numbers = [read_offset(cell) for cell in cells[1:3]]
        if title := _TITLE.match(line):
            text, uid, first, spans, left_out = title[2], title[1], number, [], Counter()
        elif abstract := _ABSTRACT.match(line):
            text += f" {abstract[2]}" if abstract[2] else ""
        elif len(cells) >= 5 and cells[0] == uid and None not in numbers:
            spans.append(RawSpan((cells[4],), numbers[0], numbers[1], cells[3]))
        elif len(cells) >= 4 and cells[0] == uid and numbers[0] is None:
            left_out["relations"] += 1
        elif line.strip():
            on_error(RecordError("the line is no title, abstract or annotation", file=str(path), line=number))
        elif text:
            annotation = RawAnnotation(tuple(spans))
            yield SourceRow(str(path), first, RawRow(text, (annotation,), uid=uid, left_out=left_out))
            text, spans = "", []
