"""What left the machine: data sets and models on the Hub, files at providers. It is named; people delete it there."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from goldspan.annotation.tombstones import Tombstones, open_key
from goldspan.annotation.uploads import Upload, list_uploads, make_upload_path, write_upload
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import list_submissions
from goldspan.privacy.stores.base import Hit, Place, Store
from goldspan.privacy.subject import Subject

_BATCH = "batch file"
_ADVICE = {
    "data set": "upload a version without it, then squash the history or delete the repository",
    "model": "train anew without it and upload, or delete the repository",
    _BATCH: "delete these files there (DELETE /files/ID)",
    "fine-tuning file": "delete the file there (DELETE /files/ID), and the tuned model",
}


class UploadStore(Store):
    """Records of uploads. An erasure marks those that hold the subject: no command of ours can take them back."""

    name, holds, entries, texts = (
        "uploads",
        "what was sent to the Hub and to providers: places, keyed hashes",
        (),
        False,
    )

    def find(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Name the uploads with samples of the subject, and those from which it was erased here."""
        for _, upload, count in _list_held(place, subject):
            yield make_hit(upload, count)

    def erase(self, place: Place, subject: Subject) -> Iterator[Hit]:
        """Mark the records, so that the uploads are named when nothing here holds the subject any more."""
        for path, upload, _ in _list_held(place, subject):
            marks = _list_marks(place, subject)
            if not marks.issubset(upload.erased):
                write_upload(path, replace(upload, erased=tuple(sorted(marks.union(upload.erased)))))
        yield from ()


def make_hit(upload: Upload, count: int) -> Hit:
    """An upload, described for people."""
    where = f"{upload.service} {upload.name}" + (f" at {upload.revision[:12]}" if upload.revision else "")
    return Hit("uploads", f"{upload.kind} {where}", count, _ADVICE.get(upload.kind, "delete it there"), remains=True)


def list_batches(folder: Path, items: Set[int] | None = None) -> list[tuple[Upload, int]]:
    """The batches of a run whose files were uploaded, with the number of their requests; those of `items` only."""
    if not (folder / "journal.db").is_file():
        return []
    with Journal(folder) as journal:
        settings = journal.read_settings().get("settings", {})
        service = str(settings.get("api_url") or settings.get("provider") or "")
        found = []
        for batch in list_submissions(journal):
            if not batch.input_file:
                continue
            rows = journal.query("SELECT item FROM row WHERE submission = ?", (batch.intent,))
            count = sum(items is None or number in items for (number,) in rows)
            at = datetime.fromtimestamp(batch.created, UTC).isoformat(timespec="seconds")
            files = ", ".join(filter(None, (batch.input_file, batch.output_file, batch.error_file)))
            if count:
                found.append((Upload(at, _BATCH, service, files), count))
    return found


def record_batches(place: Place, folder: Path, items: Set[int], subject: Subject) -> None:
    """Record the batches with `items` as uploads that hold the subject, before the items are erased.

    Raises:
        StateError: the disk refused.
    """
    known = {(upload.service, upload.name): (path, upload) for path, upload in list_uploads(place.root)}
    for upload, _ in list_batches(folder, items):
        path, before = known.get((upload.service, upload.name), (make_upload_path(place.root), upload))
        marks = _list_marks(place, subject)
        write_upload(path, replace(before, erased=tuple(sorted(marks.union(before.erased)))))


def _list_held(place: Place, subject: Subject) -> list[tuple[Path, Upload, int]]:
    """Records of uploads that hold the subject, and how many of its samples; at least one."""
    uploads = list_uploads(place.root)
    if not uploads:
        return []
    hashes = Tombstones(open_key(place.root))
    samples = {hashes.make("id", sample_id).hash for sample_id in subject.ids}
    marks = _list_marks(place, subject)
    found = []
    for path, upload in uploads:
        count = len(samples.intersection(upload.samples))
        if count or marks.intersection(upload.erased):
            found.append((path, upload, max(count, 1)))
    return found


def _list_marks(place: Place, subject: Subject) -> set[str]:
    """Hashes by which a subject is known again: of the term, or of the ids of the sample."""
    hashes = Tombstones(open_key(place.root))
    if subject.is_term:
        return {hashes.make("term", " ".join(subject.words)).hash}
    return {hashes.make("id", sample_id).hash for sample_id in subject.ids}
