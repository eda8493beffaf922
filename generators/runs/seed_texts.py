"""A project's own texts as seeds of briefs: passages of domain documents, from a file or a folder, with limits.

A brief may show one passage for its subject and vocabulary. Files are read as `goldspan samples import` reads them
(plain text, Markdown, CSV, JSONL …); links, hidden files and other types in a folder are left out.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from goldspan.annotation.errors import InputError
from goldspan.annotation.text.language import find_other_language
from goldspan.generators.specs.spec import Spec
from goldspan.generators.surrogates.chance import make_random, pick

if TYPE_CHECKING:
    from goldspan.annotation.labels.schema import LabelSchema

SUFFIXES = frozenset({".txt", ".md", ".text", ".csv", ".tsv", ".jsonl", ".json"})
SHARE = 0.7
"""How often a brief shows a passage where there are any in its language."""
SHORTEST, LONGEST = 80, 500
"""Characters of a passage."""
LARGEST_FILE, LARGEST_FOLDER = 20 << 20, 100 << 20
"""Bytes of one file, and of all together."""
MOST_FILES = 5_000
_ANY = "und"
"""ISO 639-2: language not determined."""

Passages = tuple[tuple[str, str], ...]
"""Language (`und` where no record names it) and text."""


def draw_passage(spec: Spec, passages: Passages) -> str:
    """The passage that the brief of a spec shows, the same for the same seed and index; empty if it shows none."""
    rng = make_random(spec.seed, spec.index, "passage")
    fitting = _choose_language(passages, spec.language) if rng.random() < SHARE else ()
    return pick(rng, fitting) if fitting else ""


def find_languages(passages: Passages, languages: Sequence[str]) -> tuple[str, ...]:
    """Those of the languages in which there is a passage."""
    return tuple(language for language in languages if _choose_language(passages, language))


@lru_cache(maxsize=32)
def _choose_language(passages: Passages, language: str) -> tuple[str, ...]:
    return tuple(
        text
        for said, text in passages
        if said == language or (said == _ANY and not find_other_language(text, language))
    )


@lru_cache(maxsize=4)
def read_passages(path: Path, labels: LabelSchema) -> Passages:
    """All passages of a file or folder, in the order of the files; white space is folded.

    Raises:
        InputError: there is nothing to read, a file cannot be read as text, or there is more than the limits allow.
    """
    from goldspan.annotation.formats.importing import ImportOptions, import_files

    options = ImportOptions(language=_ANY, split_over=LONGEST)
    found: dict[tuple[str, str], None] = {}
    for file in _list_files(path):
        for sample in import_files([file], labels, options, on_error=lambda error: None):
            text = " ".join(sample.text.split())
            if len(text) >= SHORTEST:
                found[sample.language, text[:LONGEST]] = None
    if not found:
        raise InputError(f"{path} holds no passage of at least {SHORTEST} characters, so there are no seeds in it.")
    return tuple(found)


def _list_files(path: Path) -> list[Path]:
    if not path.exists():
        raise InputError(f"There is no {path}. --seeds takes a file of texts or a folder of them.")
    if not path.is_dir():
        files = [path]
    else:
        files = list(islice(_walk(path), MOST_FILES + 1))
        if not files:
            raise InputError(f"{path} holds no file with texts ({', '.join(sorted(SUFFIXES))}).")
    if len(files) > MOST_FILES:
        raise InputError(f"{path} holds more than {MOST_FILES:,} files; name a folder of seeds alone.")
    sizes = [file.stat().st_size for file in files]
    for file, size in zip(files, sizes, strict=True):
        if size > LARGEST_FILE:
            raise InputError(f"{file} has {size >> 20} MB; a file of seeds has at most {LARGEST_FILE >> 20} MB.")
    if sum(sizes) > LARGEST_FOLDER:
        raise InputError(f"{path} has {sum(sizes) >> 20} MB; seeds have at most {LARGEST_FOLDER >> 20} MB in all.")
    return files


def _walk(path: Path) -> Iterator[Path]:
    """Files with texts in order, without links and without what is hidden."""
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if (
                file.suffix.lower() in SUFFIXES
                and not name.startswith(".")
                and file.is_file()
                and not file.is_symlink()
            ):
                yield file
