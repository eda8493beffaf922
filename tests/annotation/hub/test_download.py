from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import (
    InputError,
    StateError,
    TerminalServiceError,
    TransientServiceError,
    UnknownNameError,
)
from goldspan.annotation.hub.download import download_dataset
from goldspan.annotation.hub.shards import list_shards
from goldspan.annotation.tasks.store import prepare_task, read_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.annotation.formats.test_shapes import ANN, FORMS, surfaces
from tests.strategies import LABELS

REPO = "dataiku/kiji-pii-training-data"


def kiji_row(name: str, city: str = "Lyon") -> dict[str, Any]:
    return {
        "text": f"{name} lives in {city}. 😀 She likes it.",
        "privacy_mask": [{"value": name, "label": "FIRSTNAME"}, {"value": city, "label": "CITY"}],
        "coreferences": [{"mentions": [name, "She"], "entity_type": "FIRSTNAME", "cluster_id": 0}],
        "language": "English",
        "country": "France",
    }


def parquet(rows: list[dict[str, Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), buffer)
    return buffer.getvalue()


def fill(hub: Any) -> str:
    bad = kiji_row("Zoe") | {"text": "Nobody is here."}
    files = {
        "README.md": b"---\nlicense: apache-2.0\n---\n# A data set\n",
        "data/train-00000-of-00002.parquet": parquet([kiji_row("Ann"), kiji_row("Bea"), bad]),
        "data/train-00001-of-00002.parquet": parquet([kiji_row("Ann"), kiji_row("Cem", "Ulm")]),
        "data/test-00000-of-00001.parquet": parquet([kiji_row("Dov")]),
    }
    return hub.add(REPO, files)


def test_every_row_becomes_a_sample_or_a_rejection(hub: Any, tmp_path: Path, labels: Any) -> None:
    sha = fill(hub)
    report = download_dataset(REPO, tmp_path / "out", labels)
    assert (report.rows, report.samples) == (6, 4)
    assert report.rejected == {"unaligned_value": 1, "duplicate_text": 1}
    assert report.rows == report.samples + sum(report.rejected.values())
    assert (report.revision, report.licence, report.taxonomy) == (sha, "apache-2.0", "kiji")
    samples = list(read_samples([tmp_path / "out"], labels))
    assert {sample.provenance["split"] for sample in samples} == {"train", "test"}
    assert {sample.provenance["revision"] for sample in samples} == {sha}
    assert all(sample.annotations[0].author.name == f"{REPO}@{sha[:12]}" for sample in samples)
    ann = next(sample for sample in samples if sample.text.startswith("Ann"))
    assert (ann.language, ann.country) == ("en", "FR")
    assert [ann.text[m.start : m.end] for m in ann.annotations[0].clusters["1"]] == ["Ann", "She"]
    lines = [
        json.loads(line)
        for file in Path(report.folder).glob("*.rejections.jsonl")
        for line in file.read_text().splitlines()
    ]
    assert sorted((line["row"], line["code"]) for line in lines) == [(0, "duplicate_text"), (2, "unaligned_value")]
    assert not any("Zoe" in json.dumps(line) for line in lines)


def test_a_second_run_reads_nothing_again(hub: Any, tmp_path: Path, labels: Any) -> None:
    fill(hub)
    seen: list[str] = []
    hub.faults["train-00001"] = 99
    with pytest.raises(TransientServiceError):
        download_dataset(REPO, tmp_path, labels, on_shard=lambda shard, _: seen.append(shard.file))
    assert seen == ["data/test-00000-of-00001.parquet", "data/train-00000-of-00002.parquet"]
    hub.faults.clear()
    report = download_dataset(REPO, tmp_path, labels, on_shard=lambda shard, _: seen.append(shard.file))
    assert seen[2:] == ["data/train-00001-of-00002.parquet"]
    assert (report.rows, report.samples, report.rejected["duplicate_text"]) == (6, 4, 1)


def test_one_file_for_each_sample(hub: Any, tmp_path: Path, labels: Any) -> None:
    fill(hub)
    report = download_dataset(REPO, tmp_path, labels, layout="files", splits=["train"])
    files = sorted(tmp_path.glob("*.json"))
    assert len(files) == report.samples == 3
    task = json.loads(files[0].read_text())
    assert task["data"]["sample_id"] == files[0].stem
    assert download_dataset(REPO, tmp_path, labels, layout="files").samples == 4
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.json")} == {0o600}


def test_another_revision_needs_another_folder(hub: Any, tmp_path: Path, labels: Any) -> None:
    first = fill(hub)
    download_dataset(REPO, tmp_path, labels)
    hub.add(REPO, {"data/train.parquet": parquet([kiji_row("Eva")])})
    with pytest.raises(StateError, match="revision"):
        download_dataset(REPO, tmp_path, labels)
    assert download_dataset(REPO, tmp_path, labels, revision=first).samples == 4


def test_python_literals_in_json_lines(hub: Any, tmp_path: Path, labels: Any) -> None:
    mask = [{"value": "Ann", "start": 0, "end": 3, "label": "FIRSTNAME"}]
    rows = [
        {"source_text": "Ann waits.", "privacy_mask": repr(mask), "language": "en", "id": 7},
        {"source_text": "Ann sleeps.", "privacy_mask": json.dumps(mask), "language": "English", "id": 8},
        {"source_text": "Nobody here.", "privacy_mask": [], "language": "fr", "id": 9},
        {"source_text": "Ann eats.", "privacy_mask": "__import__('os')", "language": "en", "id": 10},
    ]
    lines = [json.dumps(row) for row in rows]
    hub.add("ai4privacy/pii-masking-200k", {"english.jsonl": "\n".join([*lines, "{broken"]).encode()})
    report = download_dataset("ai4privacy/pii-masking-200k", tmp_path, labels)
    assert (report.rows, report.samples) == (5, 3)
    assert report.rejected == {"unreadable_spans": 1, "unreadable_row": 1}
    samples = {sample.provenance["row"]: sample for sample in read_samples([tmp_path], labels)}
    assert samples["9"].provenance["unverified_negative"] is True
    assert "unverified_negative" not in samples["7"].provenance


def test_what_is_wrong_is_said(hub: Any, tmp_path: Path, labels: Any) -> None:
    fill(hub)
    hub.add("some/thing", {"data/train.parquet": parquet([{"a": 1}])})
    hub.add("some/empty", {"README.md": b"hello"})
    with pytest.raises(UnknownNameError, match="Did you mean test"):
        download_dataset(REPO, tmp_path, labels, splits=["tests"])
    with pytest.raises(InputError, match="fit no known data set"):
        download_dataset("some/thing", tmp_path, labels)
    with pytest.raises(InputError, match="refs/convert/parquet"):
        download_dataset("some/empty", tmp_path, labels)
    with pytest.raises(TerminalServiceError, match="HF_TOKEN"):
        download_dataset("some/nothing", tmp_path, labels)
    with pytest.raises(TerminalServiceError, match="no revision"):
        download_dataset(REPO, tmp_path, labels, revision="nope")
    with pytest.raises(InputError, match="owner/name"):
        download_dataset("a b/c/d", tmp_path, labels)


def test_an_empty_shard_and_labels_that_tell_the_taxonomy(hub: Any, tmp_path: Path, labels: Any) -> None:
    row = {"source_text": "Ann waits.", "privacy_mask": [{"label": "GIVENNAME1", "start": 0, "end": 3, "value": "Ann"}]}
    files = {"data/test.parquet": parquet([]), "data/train.parquet": parquet([row | {"language": "en"}])}
    hub.add("someone/mirror", files)
    report = download_dataset("someone/mirror", tmp_path, labels, taxonomy="ai4privacy-300k")
    assert (report.rows, report.samples, report.shards["data/test.parquet"].rows) == (1, 1, 0)
    assert download_dataset("someone/mirror", tmp_path, labels).samples == 1
    with pytest.raises(StateError, match="layout"):
        download_dataset("someone/mirror", tmp_path, labels, layout="files")
    hub.add("someone/other", {"data/train.parquet": files["data/train.parquet"]})
    assert download_dataset("someone/other", tmp_path / "b", labels).taxonomy == "ai4privacy-300k"
    (tmp_path / "someone--mirror.import" / "download.json").write_text("{")
    with pytest.raises(StateError, match="broken"):
        download_dataset("someone/mirror", tmp_path, labels)


@given(
    st.sets(st.sampled_from(["train", "data/train", "en/train", "en-train", "data/en/train", "EN train", "de/test"]))
)
def test_what_is_made_of_two_files_never_has_one_name(stems: set[str]) -> None:
    shards = list_shards([f"{stem}.parquet" for stem in stems] or ["a.jsonl"])
    assert len({shard.name.casefold() for shard in shards}) == len(shards) == max(1, len(stems))


def test_what_import_reads_of_a_file_is_read_of_the_hub(hub: Any, tmp_path: Path) -> None:
    own = prepare_task(
        Sample(ANN, "en", annotations=(Annotation(Author.person("a"), (Entity(0, 3, "FIRSTNAME"),)),)), LABELS
    )
    forms = {"own": (own, [("Ann", "FIRSTNAME")])} | {name: (row, expected) for name, row, expected in FORMS}
    for name in ("own", "presidio", "spacy-json", "label-studio"):
        row, expected = forms[name]
        hub.add(f"some/{name}", {"train.json": json.dumps([row]).encode()})
        report = download_dataset(f"some/{name}", tmp_path / name, LABELS, language="en")
        assert (report.rows, report.samples) == (1, 1), (name, report.rejected)
        [sample] = read_samples([tmp_path / name], LABELS)
        assert surfaces(sample) == expected, name
        assert (sample.provenance["repository"], sample.provenance["split"]) == (f"some/{name}", "train")


def test_rows_that_name_no_language_and_labels_that_nothing_maps_are_said(hub: Any, tmp_path: Path) -> None:
    rows = [
        {"text": "Ann waits.", "spans": [{"start": 0, "end": 3, "label": label}]} for label in ("FIRSTNAME", "HERO")
    ]
    hub.add("some/names", {"train.jsonl": json.dumps(rows[0]).encode()})
    assert download_dataset("some/names", tmp_path / "a", LABELS).rejected == {"unknown_language": 1}
    assert download_dataset("some/names", tmp_path / "b", LABELS, language="en").taxonomy == "own"
    hub.add("some/heroes", {"train.jsonl": "\n".join(map(json.dumps, rows)).encode()})
    with pytest.raises(InputError, match="nothing maps: HERO"):
        download_dataset("some/heroes", tmp_path / "c", LABELS, language="en")
    report = download_dataset("some/heroes", tmp_path / "c", LABELS, language="en", labels_map={"HERO": "FIRSTNAME"})
    assert (report.samples, report.rejected) == (1, {"duplicate_text": 1})
