"""Results of shard runs that are in a workspace, and shards cut from files into its folder `shards`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from goldspan.annotation.files import explain_disk
from goldspan.privacy.search import search_file
from goldspan.privacy.stores.base import Hit, Place, iter_files
from goldspan.privacy.stores.records import RecordStore, count_records, is_ours
from goldspan.privacy.subject import Subject
from goldspan.shards.report import PLAN

_ANEW = "run the same command to make it anew"


class ShardStore(RecordStore):
    """Runs anywhere in the workspace, known by their plan.

    Records that hold the subject are removed from files of lines; another result (Parquet, packed, text) is deleted
    whole: the same command makes it anew, without the subject. Shards that no run made are
    the user's own where they are not files of lines.
    """

    def __init__(self) -> None:
        super().__init__("shards", "shards, and results of runs over them", "shards")

    def list_files(self, place: Place) -> Iterator[Path]:
        """Files of the folder `shards` and of every run."""
        yield from super().list_files(place)
        for folder in list_runs(place.root):
            if folder.relative_to(place.root).parts[0] not in self.entries:
                yield from iter_files(folder)

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Count the records that hold the subject, and name the other results that do."""
        for file in self.list_files(place):
            if count := count_records(file, subject):
                is_result = is_ours(file) or _find_run(file, place.root) is not None
                action = (
                    "remove records"
                    if is_ours(file)
                    else f"delete; {_ANEW}"
                    if is_result
                    else "yours: edit or delete it"
                )
                yield Hit(self.name, place.name(file), count, action, not is_result)

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Remove the records, and delete the other results."""
        for file in self.list_files(place):
            run = None if is_ours(file) else _find_run(file, place.root)
            if run is not None and search_file(file, subject):
                with explain_disk(file):
                    file.unlink(missing_ok=True)
                yield Hit(self.name, place.name(file), 1, f"deleted; {_ANEW}")
        yield from super().erase(place, subject)


def list_runs(root: Path) -> list[Path]:
    """The folders of a workspace that hold a run over shards."""
    found = []
    for folder, names, _ in os.walk(root):
        if (Path(folder) / PLAN).is_file():
            found.append(Path(folder))
            names.clear()
    return sorted(found)


def _find_run(file: Path, root: Path) -> Path | None:
    """The run that a file is a result of."""
    parents = [parent for parent in file.parents if parent.is_relative_to(root)]
    return next((parent for parent in parents if (parent / PLAN).is_file()), None)
