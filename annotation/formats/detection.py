"""Tell the format of a file by its name, its first lines and the keys of its first rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from goldspan.annotation.errors import InputError
from goldspan.annotation.formats.inline import is_inline
from goldspan.annotation.formats.reading import ReadOptions, holds_mark, ignore_error, read_head, read_rows
from goldspan.annotation.formats.rows import score_shapes
from goldspan.annotation.formats.standoff import AZURE_MARK, find_azure, find_comprehend, is_comprehend

PROBE = 20
"""Rows that are looked at."""

TABLES = {".csv": ",", ".tsv": "\t", ".psv": "|"}
_SURE = 0.3
_COLUMNS = {".conll", ".conllu", ".conllx", ".bio", ".bioes", ".iob", ".iob2", ".col", ".ner"}
_PUBTATOR = re.compile(r"\s*(\S+)\|t\|.*\n\1\|a\|")
_READ = {".txt", ".md", *TABLES, ".json", ".jsonl", ".ndjson", ".manifest", ".spacy", ".parquet", *_COLUMNS}
"""Endings of the files that are read of a folder."""
_TOKEN_LINE = re.compile(r"\S+(?:[ \t]+\S+)*[ \t]+(?:O|[BIESLU][-_]\S+|_|[-*()\w|]+)\s*\Z")


class Detected(NamedTuple):
    """The format of a file and how sure that is, 0 to 1."""

    format: str
    sureness: float


def detect_format(path: Path, options: ReadOptions) -> Detected:
    """The format of a file or folder, by its ending, its first lines, and the keys of its first rows.

    Raises:
        InputError: no format fits; the message names what is read.

    """
    if path.is_dir():
        if found := _detect_folder(path):
            return found
        raise InputError(f"{path} is a folder of files that stand alone; each has a format of its own.")
    suffix = path.suffix.lower()
    if suffix in {".ann", ".spacy", ".parquet"}:
        return Detected({".ann": "brat", ".spacy": "spacy", ".parquet": "parquet"}[suffix], 0.95)
    if suffix in {".json", ".jsonl", ".ndjson"}:
        if holds_mark(path, AZURE_MARK):
            return Detected("azure", 0.95)
        return detect_rows([record.value for record in islice(read_rows(path, options, ignore_error), PROBE)])
    head = read_head(path, options)
    if head.startswith("#FORMAT=WebAnno"):
        return Detected("webanno-tsv", 0.99)
    if suffix in _COLUMNS or (suffix in {".tsv", ".txt", ""} and _looks_like_columns(head)):
        return Detected("conll", 0.95 if suffix in _COLUMNS else 0.8)
    if suffix in TABLES:
        return Detected("comprehend", 0.95) if is_comprehend(path) else Detected("table", 0.9)
    if _PUBTATOR.match(head):
        return Detected("pubtator", 0.95)
    if suffix in {".txt", ".md"}:
        return Detected("inline", 0.9) if is_inline(head, options.labels) else Detected("text", 0.9)
    if head.lstrip().startswith(("{", "[")):
        return detect_rows([record.value for record in islice(read_rows(path, options, ignore_error), PROBE)])
    raise InputError(
        f"{path}: files ending in {suffix or 'nothing'} are not read. Give .txt, .md, .csv, .tsv, .jsonl, .json, "
        ".conll, .conllu, .ann, .spacy, .parquet or a folder, or name the format with --format."
    )


def list_sources(path: Path) -> list[Path]:
    """What to read of a path: itself, or each file of a folder that is no whole in one of the formats of folders.

    Raises:
        InputError: a folder holds nothing that is read.

    """
    if not path.is_dir() or _detect_folder(path):
        return [path]
    files = [file for file in sorted(path.rglob("*")) if file.suffix.lower() in _READ and file.is_file()]
    files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    if not files:
        raise InputError(f"{path} holds no file that is read: {', '.join(sorted(_READ))}.")
    return files


def _detect_folder(folder: Path) -> Detected | None:
    """The format of a folder that is a whole; None for a folder of files that stand alone."""
    if any(folder.rglob("*.ann")):
        return Detected("brat", 0.9)
    if _holds(folder, "*.tsv", b"#FORMAT=WebAnno"):
        return Detected("webanno-tsv", 0.95)
    if find_azure(folder):
        return Detected("azure", 0.95)
    if find_comprehend(folder):
        return Detected("comprehend", 0.95)
    if _holds(folder, "*.json", b'"%FEATURE_STRUCTURES"'):
        return Detected("uima-cas", 0.95)
    others = (file for file in folder.rglob("*") if file.suffix.lower() in _READ - {".json"})
    return None if any(others) or not any(folder.rglob("*.json")) else Detected("kiji", 0.7)


def _holds(folder: Path, pattern: str, mark: bytes) -> bool:
    """True if the first file of a folder whose name fits has a mark near its beginning."""
    first = min(folder.rglob(pattern), default=None)
    return first is not None and holds_mark(first, mark)


def detect_rows(rows: Sequence[Mapping[str, Any]]) -> Detected:
    """The shape of some rows."""
    if not rows:
        return Detected("goldspan", 0.0)
    sureness, shape = score_shapes(rows)[0]
    return Detected(shape.name, sureness) if sureness >= _SURE else Detected("goldspan", sureness)


def _looks_like_columns(head: str) -> bool:
    lines = [line for line in head.split("\n")[:200] if line.strip() and not line.startswith("#")]
    tagged = [line for line in lines if _TOKEN_LINE.match(line)]
    names_entity = any(re.search(r"[ \t](?:[BIESLU]-\S|-DOCSTART-)", line) for line in lines)
    return len(lines) > 1 and names_entity and len(tagged) >= 0.9 * len(lines)
