"""Find a person or a sample in every store, and erase it.

An erasure writes tombstones first, from then on nothing brings the samples back. Then it goes through the stores; each
is erased completely or again. It can be interrupted at any point and run again with the same text.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from goldspan.annotation.files import write_atomic
from goldspan.annotation.locks import hold_lock
from goldspan.annotation.project import find_project
from goldspan.annotation.tasks.workspace import open_workspace
from goldspan.annotation.tombstones import FOLDER, NOTHING, add_tombstones, read_tombstones
from goldspan.privacy.registry import MODELS, STORES, UPLOADS, list_unknown
from goldspan.privacy.search import search_file
from goldspan.privacy.stores.base import Hit, Place, iter_files
from goldspan.privacy.subject import Subject, make_term

HISTORY = "erasures.jsonl"
_SKIPPED = frozenset({".git", ".venv", "node_modules", "__pycache__"})


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """Where somebody is. `is_sample`: the text is a sample id. `samples` counts the samples found."""

    is_sample: bool
    samples: int
    hits: tuple[Hit, ...]

    @property
    def remains(self) -> tuple[Hit, ...]:
        """What an erasure does not touch: for people."""
        return tuple(hit for hit in self.hits if hit.remains)


@dataclass(frozen=True, slots=True)
class ErasureReport:
    """What was erased, and where the subject still occurs: in files that are not ours to change, and in uploads."""

    done: tuple[Hit, ...]
    remains: tuple[Hit, ...]


def find_person(
    text: str,
    *,
    data: str | Path | None = None,
    labels_file: str | Path | None = None,
    url: str | None = None,
    token: str | None = None,
    as_text: bool = False,
) -> ErasurePlan:
    """Find a person or a sample in every store of a workspace, the project around it, and Label Studio.

    A term is compared by words, without case and accents, and through markup, escapes and tags; its last word may have
    an ending of up to three letters.

    Args:
        text: a name, number or address; or the id of a sample.
        data: the workspace folder; None: `GOLDSPAN_DATA`, else the project's, else `./data`.
        labels_file: the label schema of the bundles.
        url: a Label Studio to search besides the workspace's own; None: `LABEL_STUDIO_URL`.
        token: its token.
        as_text: search for it as text, also if it is the id of a sample.

    Raises:
        InputError: the text is too short to tell anybody, or there is no such workspace.
        StateError: a store cannot be read.
    """
    place = _make_place(data, labels_file, url, token)
    return _plan(place, text, as_text=as_text)[0]


def erase_person(
    text: str,
    *,
    data: str | Path | None = None,
    labels_file: str | Path | None = None,
    url: str | None = None,
    token: str | None = None,
    as_text: bool = False,
    on_step: Callable[[Hit], None] = lambda hit: None,
) -> ErasureReport:
    """Erase a person or a sample: every sample that holds it, whole, in every store. Arguments as in `find_person`.

    From then on push, resume, pull, import and download refuse these samples, and every text with the term.
    `on_step` is called after each place.

    Raises:
        InputError: the text is too short to tell anybody, or there is no such workspace.
        ServiceError: Label Studio refused; run it again.
        StateError: a run is running, or the disk refused; run it again.
    """
    place = _make_place(data, labels_file, url, token)
    with hold_lock(f"privacy {place.root.resolve()}"):
        plan, subject = _plan(place, text, as_text=as_text)
        subject.key = add_tombstones(place.root, subject.list_tombstones(text)).key
        on_step(Hit("privacy", FOLDER, len(subject.ids), "wrote tombstones"))
        done: list[Hit] = []
        for store in STORES:
            for hit in store.erase(place, subject):
                done.append(hit)
                on_step(hit)
        rest = (*_search_rest(place, subject), *MODELS.find(place, subject), *UPLOADS.find(place, subject))
        remains = (*rest, *_list_unsearched(place, subject))
        _record(place, plan, done, remains)
        return ErasureReport(tuple(done), remains)


def _make_place(data: str | Path | None, labels_file: str | Path | None, url: str | None, token: str | None) -> Place:
    return Place(open_workspace(data), Path(labels_file) if labels_file else None, url, token)


def _plan(place: Place, text: str, *, as_text: bool) -> tuple[ErasurePlan, Subject]:
    """Search twice: the first search finds ids and texts of samples, the second what else belongs to these.

    What an earlier erasure of the same text left is recognised by its tombstones.
    """
    erased = read_tombstones(place.root)
    subject = Subject((), erased if erased.has_id(text) else NOTHING, {text})
    hits = [] if as_text else list(_search(place, subject))
    is_sample = not as_text and (text in subject.samples or erased.has_id(text) or (bool(hits) and _is_uuid(text)))
    if not is_sample:
        subject = make_term(text, erased if erased.has_text(text) else NOTHING)
        hits = list(_search(place, subject))
    if subject.texts:
        hits = list(_search(place, subject))
    hits += _search_project(place, subject)
    hits += _list_unsearched(place, subject)
    return ErasurePlan(is_sample, len(subject.texts), tuple(hits)), subject


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _search(place: Place, subject: Subject) -> Iterator[Hit]:
    for store in STORES:
        yield from store.find(place, subject)
    for path in list_unknown(place.workspace):
        for file in iter_files(path):
            if search_file(file, subject):
                yield Hit("unknown", place.name(file), 1, "yours: edit or delete it", remains=True)


def _search_project(place: Place, subject: Subject) -> list[Hit]:
    """Files of the project outside its workspace: they are the user's own."""
    project = find_project(place.root.absolute().parent) if place.root.exists() else find_project()
    if project is None or not place.root.resolve().is_relative_to(project.folder):
        return []
    root = place.root.resolve()
    files = (
        file
        for file in iter_files(project.folder)
        if not file.is_relative_to(root) and not _SKIPPED & set(file.relative_to(project.folder).parts)
    )
    return [
        Hit("project", str(file), 1, "yours: edit or delete it", remains=True)
        for file in files
        if search_file(file, subject)
    ]


def _search_rest(place: Place, subject: Subject) -> Iterator[Hit]:
    """Where the subject still occurs, by the bytes of every file."""
    for file in iter_files(place.root):
        if file.relative_to(place.root).parts[0] == FOLDER:
            continue
        if search_file(file, subject):
            yield Hit("rest", place.name(file), 1, "yours: edit or delete it", remains=True)
        elif subject.holds_text(place.name(file)):
            yield Hit("rest", place.name(file), 1, "its name: rename or delete it", remains=True)
    yield from _search_project(place, subject)


def _list_unsearched(place: Place, subject: Subject) -> Iterator[Hit]:
    """Files that could not be searched and are still there: for people."""
    for path, reason in sorted(subject.unsearched.items()):
        if path.exists():
            yield Hit("unsearched", place.name(path), 0, f"could not be searched ({reason}): look at it", remains=True)


def _record(place: Place, plan: ErasurePlan, done: list[Hit], remains: tuple[Hit, ...]) -> None:
    """Add a line on the erasure, without what was erased, to `privacy/erasures.jsonl`."""
    counts: dict[str, int] = {}
    for hit in done:
        counts[hit.store] = counts.get(hit.store, 0) + hit.records
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": "sample" if plan.is_sample else "term",
        "erased": counts,
        "remains": len(remains),
    }
    path = place.root / FOLDER / HISTORY
    before = path.read_bytes() if path.exists() else b""
    write_atomic(path, before + orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
