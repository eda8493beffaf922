"""What every store of a workspace can do: list its files, find a subject in them, and erase it."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.subject import Subject


class Hit(NamedTuple):
    """Records of a subject in one place. `action` says what an erasure does; a hit that `remains` is for people."""

    store: str
    place: str
    records: int
    action: str
    remains: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: a workspace, the label schema of its bundles, and the Label Studio to ask."""

    workspace: Workspace
    labels_file: Path | None = None
    url: str | None = None
    token: str | None = None

    @property
    def root(self) -> Path:
        """The folder of the workspace."""
        return self.workspace.root

    def name(self, path: Path) -> str:
        """A path as people read it: relative to the workspace."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)


class Store(ABC):
    """One kind of data of a workspace.

    `entries` are its names at the top of the workspace; `holds` says what is in it, and `texts` whether that may be
    texts of samples. `erase` is idempotent, and complete when its iterator ends: what a killed erasure left is erased
    by the next one.
    """

    name: str
    holds: str
    entries: tuple[str, ...]
    texts: bool = True

    def list_files(self, place: Place) -> Iterator[Path]:
        """The files of the store that exist; links are not followed."""
        for entry in self.entries:
            yield from iter_files(place.root / entry)

    @abstractmethod
    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Where the subject is; the subject learns ids and texts of its samples on the way."""

    @abstractmethod
    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Erase the subject, and name each place when it is done."""


def iter_files(path: Path) -> Iterator[Path]:
    """A file, or every file of a folder, in order of names; links are not followed."""
    if path.is_symlink():
        return
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                file = Path(folder) / name
                if not file.is_symlink() and file.is_file():
                    yield file
