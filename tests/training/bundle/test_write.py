from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.errors import InputError, RecordError, SchemaError, StateError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, Status
from goldspan.training.bundle.manifest import BundleSettings, GateRecord, dump, hash_bytes, make_mappings, seal_manifest
from goldspan.training.bundle.report import summarise
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.bundle.write import write_bundle
from tests.training.kiji_rules import STANDARD, load_folder

PLAN = BundleSettings("v1", seed=3)
WORDS = [f"word{number}" for number in range(400)]


def make_sample(number: int) -> Sample:
    draw = random.Random(number)
    name, city = f"Name{number} 😀", f"City{number}"
    body = " ".join(draw.choice(WORDS) for _ in range(30))
    text = f"{name} of {city} wrote. {body}. She, Name{number}, left."
    again = text.rindex(f"Name{number}")
    she = text.index("She")
    first = Entity(0, len(name) - 2, "FIRSTNAME", id="a")
    second = Entity(again, again + len(f"Name{number}"), "FIRSTNAME", id="b")
    town = Entity(text.index(city), text.index(city) + len(city), "CITY", id="c")
    mentions = (
        Mention(first.start, first.end, "MENTION", "1", id="a"),
        Mention(she, she + 3, "PRONOUN", "1", id="p"),
        Mention(second.start, second.end, "MENTION", "1", id="b"),
    )
    prediction = Annotation(Author.model("draft-1"), (town,))
    review = Annotation(Author.person("7"), (first, town, second), mentions, lead_time=4.0)
    language = "de" if number % 3 else "en"
    return Sample(text, language, "DE", "letter", (prediction, review), {"run": "r1"}, make_sample_id(text, language))


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [make_sample(number) for number in range(60)]


def read_tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_kiji_accepts_every_sample_and_loses_no_entity(
    tmp_path: Path, samples: list[Sample], labels: LabelSchema
) -> None:
    manifest = write_bundle(tmp_path / "v1", samples, labels, PLAN)
    assert labels.entity_codes == STANDARD
    by_text = {sample.text: sample for sample in samples}
    total = 0
    for name, size in manifest["split"]["sizes"].items():
        loaded, passed_over = load_folder(tmp_path / "v1" / name)
        assert (len(loaded), passed_over) == (size, 0)
        total += len(loaded)
        for row in loaded:
            best = by_text[row["text"]].best
            assert best
            assert {(e["start"], e["end"], e["label"]) for e in row["privacy_mask"]} == {e.span for e in best.entities}
            assert all(row["text"][e["start"] : e["end"]] == e["value"] for e in row["privacy_mask"])
            assert [len(cluster) for cluster in row["coreferences"]] == [3]
    assert total == len(samples)


def test_the_best_reading_is_the_only_one(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    cancelled = Annotation(Author.person("9"), status=Status.CANCELLED)
    mixed = [replace(samples[0], annotations=(*samples[0].annotations, cancelled)), *samples[1:]]
    write_bundle(tmp_path / "v1", mixed, labels, PLAN)
    for path in (tmp_path / "v1").rglob("*/*.json"):
        task = json.loads(path.read_text())
        assert len(task["annotations"]) == 1
        assert task["predictions"] == []


def test_identical_input_gives_identical_bytes(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    shuffled = random.Random(5).sample(samples, len(samples))
    first = write_bundle(tmp_path / "a" / "v1", samples, labels, PLAN)
    second = write_bundle(tmp_path / "b" / "v1", [*shuffled, samples[4]], labels, PLAN)
    assert second["data"]["left_out"] == {"same_text": 1}
    write_bundle(tmp_path / "c" / "v1", shuffled, labels, PLAN)
    assert read_tree(tmp_path / "a" / "v1") == read_tree(tmp_path / "c" / "v1")
    assert first["data"]["fingerprint"] == second["data"]["fingerprint"]
    assert first["split"]["fingerprint"] == second["split"]["fingerprint"]
    assert not list(tmp_path.rglob(".v1.*"))


def test_parquet_stands_beside_jsonl_and_is_verified(
    tmp_path: Path, samples: list[Sample], labels: LabelSchema
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    plan = replace(PLAN, parquet=True)
    manifest = write_bundle(tmp_path / "v1", samples, labels, plan)
    assert write_bundle(tmp_path / "v1", samples, labels, plan) == manifest
    for name, size in manifest["split"]["sizes"].items():
        rows = parquet.read_table(tmp_path / "v1" / f"{name}.parquet").to_pylist()
        assert len(rows) == size
        assert all(row["text"][e["start"] : e["end"]] == e["value"] for row in rows for e in row["entities"])
    assert open_bundle(tmp_path / "v1", labels).manifest == manifest
    path = tmp_path / "v1" / "train.parquet"
    assert path.stat().st_mode & 0o077 == 0
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(StateError, match=r"train\.parquet is not what the manifest records"):
        open_bundle(tmp_path / "v1", labels)


def test_a_version_is_frozen(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    write_bundle(tmp_path / "v1", samples, labels, PLAN)
    write_bundle(tmp_path / "v1", samples, labels, PLAN)
    with pytest.raises(StateError, match="another --name"):
        write_bundle(tmp_path / "v1", samples[:50], labels, PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]


def test_a_bundle_is_verified_when_it_is_read(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    folder = tmp_path / "v1"
    manifest = write_bundle(folder, samples, labels, PLAN)
    bundle = open_bundle(folder, labels)
    assert bundle.manifest == manifest
    read = [sample for name in manifest["split"]["sizes"] for sample in bundle.read_split(name, labels)]
    assert {sample.sample_id for sample in read} == {sample.sample_id for sample in samples}
    single = next((folder / "train").iterdir())
    original = single.read_bytes()
    single.write_bytes(original.replace(b"FIRSTNAME", b"SURNAME", 1))
    with pytest.raises(StateError, match="not what the manifest records"):
        open_bundle(folder)
    single.write_bytes(original)
    (folder / "extra.json").write_text("{}")
    with pytest.raises(StateError, match=r"extra\.json"):
        open_bundle(folder)
    (folder / "extra.json").unlink()
    (folder / "test.jsonl").unlink()
    with pytest.raises(StateError, match=r"test\.jsonl"):
        open_bundle(folder)


def test_links_in_a_bundle_are_refused(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    folder = tmp_path / "v1"
    write_bundle(folder, samples, labels, PLAN)
    single = next((folder / "train").iterdir())
    single.rename(tmp_path / "elsewhere.json")
    single.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(StateError, match="symbolic links"):
        open_bundle(folder)


def test_a_changed_manifest_is_refused(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    write_bundle(tmp_path / "v1", samples, labels, PLAN)
    path = tmp_path / "v1" / "manifest.json"
    path.write_text(path.read_text().replace("not_asked", "open"))
    with pytest.raises(StateError, match="was changed"):
        open_bundle(tmp_path / "v1")


def reseal(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the manifest as somebody would who knows how it is sealed."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_bytes(dump(seal_manifest(manifest)))


@pytest.mark.parametrize(
    "name", ["../outside", "/etc/passwd", "a/b", "..", ".hidden", "test\0", "test\n", "other", "label_mappings"]
)
def test_a_sealed_manifest_cannot_name_data_without_a_digest(
    tmp_path: Path, samples: list[Sample], labels: LabelSchema, name: str
) -> None:
    folder = tmp_path / "v1"
    write_bundle(folder, samples, labels, PLAN)
    (tmp_path / "outside.jsonl").write_bytes((folder / "train.jsonl").read_bytes())
    size = len((folder / "train.jsonl").read_text().splitlines())
    reseal(folder, lambda manifest: manifest["split"]["sizes"].update({name: size}))
    with pytest.raises(StateError, match=r"outside the bundle|do not fit together"):
        open_bundle(folder)


@pytest.mark.parametrize("name", ["../outside.jsonl", "sub/file", "extra.json"])
def test_a_sealed_manifest_cannot_name_other_files(
    tmp_path: Path, samples: list[Sample], labels: LabelSchema, name: str
) -> None:
    folder = tmp_path / "v1"
    write_bundle(folder, samples, labels, PLAN)
    reseal(folder, lambda manifest: manifest["files"].update({name: "0" * 64}))
    with pytest.raises(StateError, match=r"outside the bundle|do not fit together"):
        open_bundle(folder)


@pytest.mark.parametrize("line", ["{}", "[]", '"x"', '{"data": 3}', '{"data": {"sample_id": 1, "text": "x"}}'])
def test_a_record_that_is_no_task_is_named(
    tmp_path: Path, samples: list[Sample], labels: LabelSchema, line: str
) -> None:
    folder = tmp_path / "v1"
    write_bundle(folder, samples, labels, PLAN)
    (folder / "test.jsonl").write_text(line + "\n")
    digest = hash_bytes((line + "\n").encode())
    reseal(folder, lambda manifest: manifest["files"].update({"test.jsonl": digest}))
    with pytest.raises(RecordError, match=r"test\.jsonl:1"):
        open_bundle(folder)


def test_a_split_that_is_not_there_is_named(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    write_bundle(tmp_path / "v1", samples, labels, PLAN)
    with pytest.raises(InputError, match="no split 'dev', only"):
        open_bundle(tmp_path / "v1").read_split("dev", labels)


def test_what_is_no_bundle_is_refused(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    with pytest.raises(InputError, match="not a training bundle"):
        open_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema": "something"}')
    with pytest.raises(SchemaError, match="training bundle"):
        open_bundle(tmp_path)
    write_bundle(tmp_path / "v1", samples, labels, PLAN)
    other = LabelSchema(labels.labels[1:])
    with pytest.raises(StateError, match="label schema"):
        open_bundle(tmp_path / "v1", other)


def test_what_is_left_out_is_counted(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    empty = Annotation(Author.model("hub@1"))
    text = "Nothing to see here at all."
    doubtful = Sample(text, "en", annotations=(empty,), provenance={"unverified_negative": True}, sample_id="n1")
    checked = replace(doubtful, text=text + " Really.", provenance={}, sample_id="n2")
    unread = Sample("Nobody has read this.", "en", sample_id="n3")
    drafts = [replace(sample, annotations=sample.annotations[:1]) for sample in samples[40:]]
    manifest = write_bundle(tmp_path / "v1", [*samples[:40], *drafts, doubtful, checked, unread], labels, PLAN)
    assert manifest["data"]["left_out"] == {"no_annotation": 1, "unverified_negative": 1}
    assert (manifest["data"]["negatives"], manifest["data"]["reviewed"]) == (1, 40)
    only = replace(PLAN, reviewed_only=True)
    manifest = write_bundle(tmp_path / "v2", [*samples[:40], *drafts], labels, only)
    assert manifest["data"]["left_out"] == {"not_reviewed": 20}
    with pytest.raises(InputError, match="No sample is left"):
        write_bundle(tmp_path / "v3", [unread], labels, PLAN)
    with pytest.raises(InputError, match="sample id"):
        write_bundle(tmp_path / "v4", [samples[0], replace(samples[1], sample_id=samples[0].sample_id)], labels, PLAN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v1", "v2"]


def test_an_id_cannot_leave_the_folder(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    write_bundle(tmp_path / "v1", [replace(samples[0], sample_id="../../evil")], labels, PLAN)
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]
    assert [path.name for path in (tmp_path / "v1").rglob("*evil*")] == ["%2E.%2F..%2Fevil.json"]


def test_a_disk_that_refuses_is_explained(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be written"):
        write_bundle(tmp_path / "file" / "v1", samples, labels, PLAN)
    with pytest.raises(StateError, match="another --name"):
        write_bundle(tmp_path / "file", samples, labels, PLAN)


def test_label_mappings_and_gate(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    plan = replace(PLAN, gate=GateRecord("open", ("enough reviews",)))
    manifest = write_bundle(tmp_path / "v1", samples, labels, plan)
    assert manifest["gate"] == {"verdict": "open", "reasons": ["enough reviews"]}
    mappings = json.loads((tmp_path / "v1" / "label_mappings.json").read_text())
    for tables in (mappings, mappings["pii"]):
        assert tables["label2id"]["O"] == 0
        assert len(tables["label2id"]) == 2 * len(labels.entities) + 1
        assert {tag: int(number) for number, tag in tables["id2label"].items()} == tables["label2id"]
    assert mappings["trainer"] == "goldspan"
    kiji = mappings["kiji"]["label2id"]
    assert (kiji["O"], kiji["B-SURNAME"], kiji["I-SURNAME"], kiji["B-AGE"], kiji["I-USERNAME"]) == (0, 1, 2, 45, 52)
    assert kiji.keys() == mappings["label2id"].keys()
    assert sum(kiji[tag] != number for tag, number in mappings["label2id"].items()) == 48
    assert "kiji" not in make_mappings(LabelSchema(labels.labels[1:]))
    assert "leakage 0.0%" in summarise(manifest)
    assert GateRecord() == PLAN.gate
