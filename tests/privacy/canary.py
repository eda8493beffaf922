"""A workspace in which a person stands wherever Goldspan can put one, and a search by bytes for what is left."""

from __future__ import annotations

import contextlib
import gzip
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema, find_label_file
from goldspan.annotation.labelstudio.push.receipt import record_pushed
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import Row, RowKey
from goldspan.training.bundle.lineage import open_lineage
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.write import write_bundle
from goldspan.training.config import parse_config
from goldspan.training.inputs import pack_inputs
from goldspan.training.runs import create_run

FIRST, LAST = "Zanzibarine", "Quüxley"
NAME = f"{FIRST} {LAST}"
NEEDLES = [
    form.encode()
    for word in (FIRST, LAST)
    for form in (word, word.upper(), json.dumps(word)[1:-1], json.dumps(json.dumps(word))[3:-3])
]
_WORDS = [f"{word}{n}" for word in ("harbour", "garden", "market", "school", "library") for n in (1, 2, 3)]


def make_sample(number: int, name: str = "", *, review: bool = True) -> Sample:
    words = " ".join(f"{_WORDS[(number * k) % len(_WORDS)]}{number * k}" for k in range(1, 20))
    first = name or f"Nora{number} Berg{number}"
    text = f"{first} wrote about {words}."
    entity = Entity(0, len(first.split()[0]), "FIRSTNAME")
    annotations = [Annotation(Author.model("draft-1"), (entity,))]
    if review:
        annotations.append(Annotation(Author.person("7"), (entity,), lead_time=4.0))
    return Sample(text, "en", "GB", "letter", tuple(annotations), {"run": "r"}, make_sample_id(text, "en"))


def list_samples(count: int = 24) -> list[Sample]:
    """Samples of which three hold the canary: plain, in capitals, with an ending."""
    names = {3: NAME, 8: NAME.upper(), 15: f"{NAME}s"}
    return [make_sample(number, names.get(number, "")) for number in range(count)]


def fill_workspace(root: Path, labels: LabelSchema) -> Workspace:
    """Every store that needs no server and no optional library."""
    workspace = Workspace(root)
    samples = list_samples()
    write_samples(
        workspace.annotation_samples / "own.jsonl", [replace(s, annotations=s.predictions) for s in samples], labels
    )
    write_samples(workspace.training_samples / "gold.jsonl", samples, labels)
    write_samples(root / "audit_samples" / "auditor.jsonl", samples[:5], labels)
    write_samples(root / "backups" / "labels-1" / "annotation_samples" / "own.jsonl", samples, labels)
    conflict = {
        "sample_id": samples[3].sample_id,
        "task": 4,
        "local": {"data": {"text": samples[3].text}},
        "remote": None,
    }
    (workspace.training_samples / "gold.conflicts.jsonl").write_bytes(orjson.dumps(conflict) + b"\n")
    state = {
        "url": "http://127.0.0.1:1",
        "project": 1,
        "refused": {"4": ["stamp", samples[3].sample_id, "why"]},
        "format": 2,
    }
    (workspace.training_samples / "gold.state.json").write_bytes(orjson.dumps(state))
    record_pushed(workspace, "http://127.0.0.1:1", 1, "p", [sample.sample_id for sample in samples])
    fill_run(workspace.runs / "paid", samples)
    with open_lineage(workspace) as lineage:
        write_bundle(workspace.bundles / "v1", samples, labels, BundleSettings("v1"), lineage)
    archive = pack_inputs(workspace.bundles / "v1", find_label_file(), parse_config({}))
    run = create_run(workspace, archive, {"bundle": "v1", "encoder": "tiny"})
    blob = root / "training" / ".metaflow" / "TrainingFlow" / "data" / "ab" / "abcd"
    blob.parent.mkdir(parents=True)
    blob.write_bytes(gzip.compress(b"\x80\x04pickle" + run.inputs.read_bytes()))
    result = {
        "experiment_name": "e",
        "documents": {"sample_id": [sample.sample_id for sample in samples]},
        "errors": [],
    }
    workspace.results.mkdir()
    (workspace.results / "e.json").write_bytes(orjson.dumps(result))
    (root / "releases" / "me--x").mkdir(parents=True)
    (root / "releases" / "me--x" / "README.md").write_text(f"An example: {NAME}")
    for folder in ("models/prompted", "models/other", "methods/prompted", "finetuning/finetune-1"):
        (root / folder).mkdir(parents=True)
        row = {"messages": [{"role": "user", "content": f"<FIRSTNAME>{FIRST}</FIRSTNAME> {LAST}"}]}
        (root / folder / "rows.jsonl").write_bytes(b"" if "other" in folder else orjson.dumps(row) + b"\n")
    (root / ".dashboard" / "key" / "0").mkdir(parents=True)
    (root / ".dashboard" / "key" / "0" / "unreadable").write_text("0")
    return workspace


def fill_run(folder: Path, samples: list[Sample]) -> None:
    """A finished run: accepted, refused and open items of the canary, raw answers, a batch's input."""
    with Journal(folder, create=True) as journal:
        journal.write_settings({"settings": {"samples": 4}, "written": 4})
        for number, sample in enumerate((samples[0], samples[3], samples[8])):
            words = sample.text.split(" ", 2)
            tagged = f"<FIRSTNAME>{words[0]}</FIRSTNAME> <SURNAME>{words[1]}</SURNAME> {words[2]}"
            journal.add_item(number, {"language": "en", "values": words[:2]}, "draft")
            journal.add_row(f"r-{number}-1", RowKey(number, "draft", 1))
            row = Row(f"r-{number}-1", number, "draft", 1, "ok", tokens_in=10, cost=0.5, result={"tagged_text": tagged})
            journal.decide_row(row)
            journal.update_item(number, state="done", stage="draft")
            with_raw(journal, number, {"tagged_text": tagged})
        journal.add_item(3, {"language": "en", "values": [LAST, "Lyon", FIRST]}, "draft")
        journal.add_row("r-3-1", RowKey(3, "draft", 1))
        journal.write_event("note", f"about {NAME}")
        (folder / "batches").mkdir()
        lines = [
            {"custom_id": f"r-{n}-1", "url": "/v1", "body": {"messages": [{"content": samples[3].text}]}}
            for n in (1, 2)
        ]
        (folder / "batches" / "b.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
        (folder / "dead_letters.jsonl").write_bytes(orjson.dumps({"item": 9, "brief": {"values": [NAME]}}) + b"\n")


def with_raw(journal: Journal, number: int, answer: Any) -> None:
    raw = journal.open_raw("live")
    body = {"choices": [{"message": {"content": json.dumps(answer)}}]}
    raw.append(json.dumps({"custom_id": f"r-{number}-1", "body": body}).encode())
    raw.close()


def grep(root: Path) -> list[str]:
    """Files whose bytes hold a word of the canary, unpacked where they are compressed, as `grep` would find them."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            with contextlib.suppress(OSError):
                data += gzip.decompress(data) if data[:2] == b"\x1f\x8b" else b""
            if any(needle in data for needle in NEEDLES):
                found.append(str(path.relative_to(root)))
    return found


def read_costs(folder: Path) -> tuple[int, float]:
    with sqlite3.connect(folder / "journal.db") as journal:
        rows = journal.execute("SELECT count(*), sum(cost) FROM row").fetchone()
    return int(rows[0]), float(rows[1])
