"""Output of a run: finished items as samples, dead items as dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from goldspan.annotation.files import AtomicFile
from goldspan.annotation.identity import make_skeleton
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.tombstones import find_tombstones
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import Item, Row
from goldspan.generators.runs.novelty import REPEATED, describe_novelty
from goldspan.generators.runs.settings import RunSettings

DEAD_LETTERS = "dead_letters.jsonl"


class OutputCounts(NamedTuple):
    """What was written: samples, items left out because they repeat an earlier one, dead letters."""

    samples: int
    duplicates: int
    dead: int


def write_output(journal: Journal, settings: RunSettings, labels: LabelSchema, path: Path) -> OutputCounts:
    """Write every finished item to `path` (one task a line, atomically) and the dead ones beside the journal.

    Items are deduplicated by text and by skeleton: the first in order of items stays. Texts that were erased from the
    workspace are left out.

    Raises:
        StateError: the disk refuses; what was there before is untouched.
    """
    duplicates = 0

    def iter_unique() -> Iterator[Sample]:
        nonlocal duplicates
        seen: set[bytes] = set()
        erased = find_tombstones(path)
        for sample in iter_samples(journal, settings, labels):
            if erased.has_text(sample.text):
                continue
            marks = _mark_sample(sample)
            if seen.isdisjoint(marks):
                seen |= marks
                yield sample
            else:
                duplicates += 1

    count = write_samples(path, iter_unique(), labels)
    dead = write_dead_letters(journal)
    return OutputCounts(count, duplicates, dead)


def _mark_sample(sample: Sample) -> set[bytes]:
    entities = sample.annotations[0].entities
    texts = (sample.text, "skeleton " + make_skeleton(sample.text, entities))
    return {hashlib.blake2b(text.encode(), digest_size=12).digest() for text in texts}


def iter_samples(journal: Journal, settings: RunSettings, labels: LabelSchema) -> Iterator[Sample]:
    """The samples of finished items in order, repeats included."""
    fingerprints = {name: stage.fingerprint() for name, stage in settings.build_stages(labels).items()}
    for item in journal.iter_items("done"):
        rows = journal.rows_of_item(item.item)
        yield build_sample(item, rows, settings, labels, fingerprints, journal.run_id)


def build_sample(
    item: Item, rows: list[Row], settings: RunSettings, labels: LabelSchema, fingerprints: dict[str, str], run_id: str
) -> Sample:
    """The sample of a finished item: the last stage's annotation as prediction, and how it came to be."""
    accepted = {row.stage: row for row in rows if row.state == "ok"}
    last = accepted[[name for name in fingerprints if name in accepted][-1]].result
    tagged = parse_tagged(last["tagged_text"], labels)
    prediction = Annotation(
        Author.model(settings.model_version),
        tagged.entities,
        tagged.mentions,
        score=round(1 / (1 + len(last["warnings"])), 3),
    )
    provenance: dict[str, Any] = {
        "run": run_id,
        "seed": settings.seed,
        "index": item.item,
        "provider": settings.provider,
        "stages": [
            {"stage": name, "model": row.model, "prompt": fingerprints[name], "attempts": row.attempt}
            for name, row in accepted.items()
        ],
    }
    if settings.provider == "offline" and settings.phrase_families:
        provenance["phrase_family"] = f"{item.item % settings.phrase_families + 1}/{settings.phrase_families}"
    if source := item.spec.get("source_document"):
        provenance |= {"source_document": source, "paraphrase": settings.model_version}
    if last["warnings"]:
        provenance["warnings"] = last["warnings"]
    provenance |= describe_novelty(accepted["draft"].result, sum(row.state == REPEATED for row in rows))
    repairs = {name: row.result["repairs"] for name, row in accepted.items() if row.result.get("repairs")}
    if repairs:
        provenance["repairs"] = repairs
    if "review" in accepted and (proposals := accepted["review"].result["proposals"]):
        provenance["review"] = proposals
    if "judge" in accepted:
        provenance["judge"] = accepted["judge"].result["judge"]
    return Sample(
        tagged.text,
        item.spec.get("language", ""),
        item.spec.get("country", ""),
        item.spec.get("document_type", ""),
        (prediction,),
        provenance,
    )


def write_dead_letters(journal: Journal) -> int:
    """Write `dead_letters.jsonl`: one line an item that was given up, with its reason and every attempt."""
    path = journal.folder / DEAD_LETTERS
    count = 0
    with AtomicFile(path) as file:
        for item in journal.iter_items("dead"):
            letter = {
                "item": item.item,
                "stage": item.stage,
                "reason": item.reason,
                "attempts": [
                    {"custom_id": row.custom_id, "state": row.state, "reason": row.reason}
                    for row in journal.rows_of_item(item.item)
                ],
                "brief": item.spec,
            }
            file.write(orjson.dumps(letter) + b"\n")
            count += 1
    if not count:
        path.unlink(missing_ok=True)
    return count
