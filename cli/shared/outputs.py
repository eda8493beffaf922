"""Names of output files: what a name ends in is what the file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from goldspan.annotation.errors import InputError

SAMPLES = (".jsonl", ".ndjson")
ForceOption = Annotated[bool, typer.Option("--force", help="Replace an output that exists")]
_KNOWN = frozenset(
    f".{name}"
    for names in (
        "jsonl ndjson json csv tsv xls xlsx ods parquet arrow feather db sqlite pkl conll conllu iob spacy ann",
        "xml yaml yml toml html htm md rst txt pdf doc docx odt rtf png svg gz zst bz2 xz zip tar",
    )
    for name in names.split()
)
"""Endings that name a format; any other one (`train.v2`) says nothing of what a file holds."""


def check_output(path: Path, *suffixes: str, hint: str = "") -> None:
    """Refuse a file whose ending names another format than the one that is written.

    Args:
        path: the file or folder to write.
        suffixes: endings of what is written, the usual one first; none: it is a folder.
        hint: what else the caller can do, as a sentence.

    Raises:
        InputError: the name promises another format.
    """
    suffix = path.suffix.lower()
    if suffix not in _KNOWN or suffix in suffixes or (not suffixes and path.is_dir()):
        return
    wanted = f"{suffixes[0][1:].upper()}" if suffixes else "a folder"
    better = path.with_suffix(suffixes[0] if suffixes else "").name
    if suffixes and path.stem.endswith(suffixes[0]):
        better = path.stem
    raise InputError(f"{path} ends in {suffix}, but {wanted} is written. Name it {better}.{' ' + hint if hint else ''}")


def refuse_existing(path: Path, *, force: bool) -> None:
    """Refuse to replace a file without --force.

    Raises:
        InputError: it exists.
    """
    if path.exists() and not force:
        raise InputError(f"{path} exists. Give another --output, or --force to replace it.")


def output_option(text: str, *suffixes: str) -> Any:
    """The option --output of a command that writes files with these endings; without any, it writes a folder."""

    def check(path: Path | None) -> Path | None:
        if path is not None:
            check_output(path, *suffixes)
        return path

    return typer.Option("--output", "-o", metavar=None if suffixes else "FOLDER", help=text, callback=check)
