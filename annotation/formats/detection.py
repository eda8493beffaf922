"""Tell the format of a file by its name, its first lines and the keys of its first rows."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from goldspan.annotation.errors import InputError
from goldspan.annotation.formats.inline import is_inline
from goldspan.annotation.formats.reading import (
    PROBE,
    ReadOptions,
    holds_mark,
    ignore_error,
    list_documents,
    read_head,
    read_rows,
)
from goldspan.annotation.formats.rows import score_shapes
from goldspan.annotation.formats.rows.options import show_text
from goldspan.annotation.formats.standoff import AZURE_MARK, find_azure, find_comprehend, is_comprehend
from goldspan.annotation.formats.tables import TEXT_COLUMNS, find_separator
from goldspan.annotation.formats.tags import is_plain_column
from goldspan.annotation.formats.token_tables import find_token_columns
from goldspan.annotation.formats.xml.documents import SUFFIXES, TYPE_SYSTEM, find_xml_format
from goldspan.annotation.tasks.jsonl import read_records

TABLES = {".csv": ",", ".tsv": "\t", ".psv": "|"}
SURE, _ROWS = 0.3, 0.5
"""From when on rows are of a shape, and a text file holds rows."""
_JSON = frozenset({".json", ".jsonl", ".ndjson", ".manifest"})
_BINARY = {".ann": "brat", ".spacy": "spacy", ".parquet": "parquet", ".arrow": "parquet"}
_ADVICE = {
    (".xlsx", ".xls", ".ods"): "Save the sheet as CSV (UTF-8).",
    (".gz", ".zip", ".bz2", ".xz", ".zst", ".tar", ".tgz", ".7z"): "Unpack it first.",
    (".xml", ".xmi", ".tei"): "Read are i2b2, GATE, UIMA XMI, TEI and BioC; tags that are labels: --format inline.",
    (".docx", ".pdf", ".rtf", ".odt", ".html", ".htm", ".doc"): "Save its text as .txt.",
    (".yml", ".yaml", ".py", ".pkl"): "Write its rows as JSONL.",
    (".ttl", ".nt", ".nq", ".rdf", ".jsonld"): "Write the texts of NIF as JSONL: text, and spans of start, end, label.",
}  # fmt: skip
_ANYTHING = (
    "Give .txt, .md, .csv, .tsv, .jsonl, .json, .conll, .conllu, .ann, .spacy, .parquet or a folder, or name the "
    "format with --format."
)
_COLUMNS = {
    ".conll", ".conllu", ".conllx", ".bio", ".bioes", ".iob", ".iob2", ".col", ".ner",
    ".v4_gold_conll", ".v4_auto_conll", ".gold_conll", ".auto_conll",
}  # fmt: skip
_PUBTATOR = re.compile(r"\s*(\S+)\|t\|.*\n\1\|a\|")
_READ = {".txt", ".md", *TABLES, *_JSON, ".spacy", ".parquet", ".arrow", *_COLUMNS, *SUFFIXES}
"""Endings of the files that are read of a folder."""
_UNREAD = {".a1", ".a2", ".spans", ".objects", ".coref"}
"""Endings of annotations beside their texts (BioNLP, FactRuEval)."""
_DESCRIPTIONS = {"dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
"""What `datasets` writes beside its files."""
_TOKEN_LINE = re.compile(r"\S+(?:[ \t]+\S+)*[ \t]+(?:O|[BIESLU][-_]\S+|_|[-*()\w|]+)\s*\Z")

_TAG_FIRST = re.compile(r"(?:O|[BIESLU]-\S+)[ \t]+\S+\s*\Z")


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
        if whole := _detect_folder(path):
            return whole
        raise InputError(f"{path} is a folder of files that stand alone; each has a format of its own.")
    suffix = path.suffix.lower()
    if suffix in _BINARY:
        return Detected(_BINARY[suffix], 0.95)
    if suffix in _JSON:
        return Detected("azure", 0.95) if holds_mark(path, AZURE_MARK) else _detect_rows(path, options)
    head = read_head(path, options.encoding)
    if _looks_like_json(head) and (found := _detect_rows(path, options)).sureness >= _ROWS:
        return found
    return _detect_lines(path, head, options)


def _detect_lines(path: Path, head: str, options: ReadOptions) -> Detected:
    suffix = path.suffix.lower()
    if found := find_xml_format(head):
        return Detected(found, 0.95)
    if head.startswith("#FORMAT=WebAnno"):
        return Detected("webanno-tsv", 0.99)
    if suffix in {*TABLES, ".txt"} and not options.text_key and find_token_columns(head):
        return Detected("table", 0.9)
    if suffix in _COLUMNS or (suffix in {".tsv", ".txt", ""} and _looks_like_columns(head)):
        return Detected("conll", 0.95 if suffix in _COLUMNS else 0.8)
    if suffix in TABLES or (suffix == ".txt" and _looks_like_table(head)):
        return Detected("comprehend", 0.95) if is_comprehend(path) else Detected("table", 0.9)
    if _PUBTATOR.match(head):
        return Detected("pubtator", 0.95)
    if suffix in {".txt", ".md"}:
        return Detected("inline", 0.9) if is_inline(head, options.labels, options.outside) else Detected("text", 0.9)
    if not (cure := _advise(suffix)) and head.lstrip().startswith(("{", "[")):
        return _detect_rows(path, options)
    raise InputError(f"{path}: files ending in {suffix or 'nothing'} are not read. {cure or _ANYTHING}")


def _advise(suffix: str) -> str:
    return next((advice for endings, advice in _ADVICE.items() if suffix in endings), "")


def _detect_rows(path: Path, options: ReadOptions) -> Detected:
    records = islice(read_rows(path, options, ignore_error), PROBE)
    return detect_rows([record.value for record in records], options.text_key)


def list_sources(path: Path) -> list[Path]:
    """What to read of a path: itself, or each file of a folder that is no whole in one of the formats of folders.

    Raises:
        InputError: a folder holds nothing that is read, or annotations beside its texts that are not.
    """
    if not path.is_dir() or _detect_folder(path):
        return [path]
    if unread := next((file for file in sorted(path.rglob("*")) if file.suffix.lower() in _UNREAD), None):
        raise InputError(f"{unread} holds annotations of a text beside it and is not read. Convert it to brat (.ann).")
    files = [file for file in list_documents(path, _READ) if not _describes_others(file)]
    if not files:
        raise InputError(f"{path} holds no file that is read: {', '.join(sorted(_READ))}.")
    return files


def _detect_folder(folder: Path) -> Detected | None:
    """The format of a folder that is a whole; None for a folder of files that stand alone."""
    if any(file.suffix.lower() == ".ann" for file in folder.rglob("*")):
        return Detected("brat", 0.9)
    if _holds(folder, "*.tsv", b"#FORMAT=WebAnno"):
        return Detected("webanno-tsv", 0.95)
    if find_azure(folder):
        return Detected("azure", 0.95)
    if find_comprehend(folder):
        return Detected("comprehend", 0.95)
    if _holds(folder, "*.json", b'"%FEATURE_STRUCTURES"'):
        return Detected("uima-cas", 0.95)
    if _holds(folder, "*", b'"task"', b'"result"', b'"completed_by"'):
        return Detected("label-studio", 0.9)
    files = [file for file in list_documents(folder, _READ) if not _describes_others(file)]
    suffixes = {file.suffix.lower() for file in files}
    if files and suffixes <= SUFFIXES and (name := find_xml_format(read_head(files[0]))):
        return Detected(name, 0.95)
    return Detected("kiji", 0.7) if suffixes == {".json"} and holds_tasks(files[0]) else None


def holds_tasks(file: Path) -> bool:
    """True for a file of tasks, as kiji's training reads them; its data set has rows instead."""
    record = next(read_records(file, ignore_error), None)
    return record is not None and isinstance(record.value.get("data"), Mapping)


def _describes_others(file: Path) -> bool:
    """True for a file that says something of the files beside it: types, a data set, an intent and its phrases."""
    if file.suffix.lower() == ".xml":
        return holds_mark(file, TYPE_SYSTEM)
    if file.suffix.lower() == ".json" and any(file.parent.glob(f"{escape(file.stem)}_usersays_*.json")):
        return True
    return file.name in _DESCRIPTIONS and _is_data_set(file.parent)


def _is_data_set(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("state.json", "dataset_dict.json")) or any(folder.glob("*.arrow"))


def _holds(folder: Path, pattern: str, *marks: bytes) -> bool:
    """True if the first file of a folder whose name fits has the marks near its beginning."""
    files = (file for file in folder.rglob(pattern) if file.is_file() and not file.name.startswith("."))
    first = min(files, default=None)
    return first is not None and all(holds_mark(first, mark) for mark in marks)


def detect_rows(rows: Sequence[Mapping[str, Any]], text_key: str = "") -> Detected:
    """The shape of some rows; `text_key` is that of their text if it has another than the usual ones."""
    if not rows:
        return Detected("goldspan", 0.0)
    sureness, shape = score_shapes([show_text(row, text_key) for row in rows])[0]
    return Detected(shape.name, sureness) if sureness >= SURE else Detected("goldspan", sureness)


def _looks_like_json(head: str) -> bool:
    """True for a text file that holds JSON objects or lists, whatever its name."""
    first = head.lstrip("\ufeff \t\r\n")[:200]
    return bool(re.match(r'\{\s*"|\[\s*(?:\{\s*["}]|\[\s*["\[])', first))


def _looks_like_table(head: str) -> bool:
    """True if the first line names columns, one of them that of the texts, and the others have as many cells."""
    with suppress(csv.Error):
        header, *rows = islice(csv.reader(io.StringIO(head, newline=""), delimiter=find_separator(head)), PROBE)
        plain = len(header) > 1 and all(re.fullmatch(r"[\w #.-]{1,30}", name.strip()) for name in header)
        whole = plain and bool(rows) and all(len(cells) == len(header) for cells in rows if cells)
        return whole and any(name.strip().casefold() in TEXT_COLUMNS for name in header)
    return False


def _looks_like_columns(head: str) -> bool:
    lines = [line for line in head.split("\n")[:200] if line.strip() and not line.startswith("#")]
    if is_plain_column([line.removesuffix("\r").rpartition("\t")[2] for line in lines]):
        return len({line.count("\t") for line in lines}) == 1 and "\t" in lines[0]
    tagged = max(sum(map(bool, map(form.match, lines))) for form in (_TOKEN_LINE, _TAG_FIRST))
    names_entity = any(re.search(r"(?:^|[ \t])(?:[BIESLU]-\S|-DOCSTART-)", line) for line in lines)
    return len(lines) > 1 and names_entity and tagged >= 0.9 * len(lines)
