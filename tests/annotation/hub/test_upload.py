from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from goldspan.annotation.errors import InputError, TerminalServiceError
from goldspan.annotation.hub.client import publish_folder
from goldspan.annotation.hub.download import download_dataset
from goldspan.annotation.hub.upload import build_release
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample

REPO = "acme/pii-gold"
LOAD = """
import json, sys
from datasets import load_dataset
data = load_dataset(sys.argv[1])
rows = {name: [dict(row) for row in part] for name, part in data.items()}
print(json.dumps({"rows": rows, "features": {name: str(part.features) for name, part in data.items()}}))
"""


def make_sample(number: int, *, empty: bool = False) -> Sample:
    topics = ["harbour", "garden", "market", "school", "library", "station", "hospital", "theatre", "bakery", "museum"]
    words = " ".join(f"{topics[(number * k + k) % 10]}{number * k}" for k in range(1, 18))
    text = f"😀 Zoë{number} wrote from محمد about {words}. She left."
    name = f"Zoë{number}"
    entities = () if empty else (Entity(2, 2 + len(name), "FIRSTNAME"),)
    she = text.index("She")
    mentions = () if empty else (Mention(2, 2 + len(name), "MENTION", "x"), Mention(she, she + 3, "PRONOUN", "x"))
    annotation = Annotation(Author.model("draft-2"), entities, mentions)
    provenance = {"run": "r1", "stages": [{"model": "tiny-1", "prompt_version": "p3"}]}
    return Sample(text, "de", "DE", "letter", (annotation,), provenance, make_sample_id(text, "de"))


@pytest.fixture
def samples() -> list[Sample]:
    return [make_sample(number, empty=number % 7 == 0) for number in range(40)]


def test_published_data_sets_load_and_come_back(
    hub: Any, tmp_path: Path, samples: list[Sample], labels: LabelSchema
) -> None:
    unread = Sample("Nobody has read this.", "de")
    release = build_release(
        tmp_path / "release",
        REPO,
        lambda: [*samples, unread],
        labels,
        test_ratio=0.2,
        licence="apache-2.0",
        shard_rows=25,
    )
    assert (release.samples, release.skipped) == (40, 1)
    assert sum(release.files.values()) == 40
    assert set(release.files) == {
        "data/train-00000-of-00002.parquet",
        "data/train-00001-of-00002.parquet",
        "data/test-00000-of-00001.parquet",
    }
    with pytest.raises(TerminalServiceError, match="--create-repo"):
        publish_folder(release.folder, REPO, message="first", create=False, private=True)
    address = publish_folder(release.folder, REPO, message="first", create=True, private=True)
    assert address.startswith(hub.url)
    assert hub.repositories[REPO].private
    assert set(hub.files(REPO)) >= {"README.md", *release.files}

    environment = os.environ | {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "other"), "HF_HUB_OFFLINE": "0"}
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, REPO], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert loaded.returncode == 0, loaded.stderr[-2000:]
    document = json.loads(loaded.stdout.splitlines()[-1])
    rows = {row["id"]: row for part in document["rows"].values() for row in part}
    assert set(document["rows"]) == {"train", "test"}
    assert len(rows) == 40
    assert "List(" in document["features"]["train"]
    assert document["features"]["train"] == document["features"]["test"]
    for sample in samples:
        row = rows[sample.sample_id]
        assert row["text"] == sample.text
        assert (row["language"], row["country"], row["source"]) == ("German", "Germany", "r1")
        for entry in row["privacy_mask"]:
            assert sample.text[entry["start"] : entry["end"]] == entry["value"]
        for cluster in row["coreferences"]:
            assert cluster["mentions"] == [sample.text[s["start"] : s["end"]] for s in cluster["mention_spans"]]
            assert cluster["entity_type"] == "FIRSTNAME"
    groups = {name: {row["split_group"] for row in part} for name, part in document["rows"].items()}
    assert not groups["train"] & groups["test"]

    report = download_dataset(REPO, tmp_path / "back", labels)
    assert (report.rows, report.samples, report.taxonomy) == (40, 40, "own")
    back = {sample.sample_id: sample for sample in read_samples([tmp_path / "back"], labels)}
    for sample in samples:
        read, best = back[sample.sample_id], sample.annotations[0]
        assert (read.text, read.language, read.country) == (sample.text, "de", "DE")
        assert read.annotations[0].entities == best.entities
        assert [m.span for m in read.annotations[0].mentions] == [m.span for m in best.mentions]


def test_a_new_version_replaces_the_old_shards(
    hub: Any, tmp_path: Path, samples: list[Sample], labels: LabelSchema
) -> None:
    build_release(tmp_path / "a", REPO, lambda: samples, labels, shard_rows=10)
    publish_folder(tmp_path / "a", REPO, message="a", create=True, private=False)
    release = build_release(tmp_path / "b", REPO, lambda: samples, labels)
    publish_folder(tmp_path / "b", REPO, message="b", create=True, private=False)
    data = {name for name in hub.files(REPO) if name.startswith("data/")}
    assert data == set(release.files)


def test_the_card_is_computed(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    release = build_release(tmp_path / "a", REPO, lambda: samples, labels, test_ratio=0.25, licence="cc-by-4.0")
    card = (tmp_path / "a" / "README.md").read_text()
    header = yaml.safe_load(card.split("---\n")[1])
    assert (header["license"], header["language"], header["size_categories"]) == ("cc-by-4.0", ["de"], ["n<1K"])
    assert header["configs"][0]["data_files"] == [
        {"split": "train", "path": "data/train-*.parquet"},
        {"split": "test", "path": "data/test-*.parquet"},
    ]
    assert "40 texts with 34 entities" in card
    assert "| FIRSTNAME | PERSON | 34 | 34 |" in card
    assert release.digest[:16] in card
    assert labels.fingerprint in card
    assert "draft-2 (40)" in card
    assert "model tiny-1 (40)" in card
    assert "prompt_version p3 (40)" in card
    assert "No example of: SURNAME" in card
    assert all(check.summary.replace("|", "/") in card for check in release.quality.checks)
    again = build_release(tmp_path / "b", REPO, lambda: samples, labels, test_ratio=0.25, licence="cc-by-4.0")
    assert (tmp_path / "b" / "README.md").read_text() == card
    assert again.digest == release.digest


def test_wrong_input_is_refused(tmp_path: Path, samples: list[Sample], labels: LabelSchema) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        build_release(tmp_path / "a", REPO, lambda: samples, labels, test_ratio=1.0)
    with pytest.raises(InputError, match="no sample with an annotation"):
        build_release(tmp_path / "a", REPO, lambda: [Sample("x", "en")], labels)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(InputError, match="not an empty folder"):
        build_release(tmp_path / "full", REPO, lambda: samples, labels)
