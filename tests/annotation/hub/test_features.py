from __future__ import annotations

from pathlib import Path

import datasets
import pytest

from goldspan.annotation.formats.registry import export_samples
from goldspan.annotation.hub.features import make_task_features
from goldspan.annotation.labelstudio.project.config import build_config
from goldspan.annotation.labelstudio.project.mapping import map_tags
from goldspan.annotation.labelstudio.project.tags import parse_tags
from goldspan.annotation.labelstudio.pull.merge import merge_records
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy
from goldspan.annotation.labelstudio.pull.record_file import RecordFile
from goldspan.annotation.labelstudio.pull.records import RecordBuilder, TaskSource
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.record import unpack_record
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.bundle.write import write_bundle
from tests.strategies import LABELS

ANN = (Entity(0, 3, "FIRSTNAME"),)
FILES = {
    "plain": Sample("Ann x", "en", sample_id="1"),
    "text": Sample(
        "Ann y", "en", annotations=(Annotation(Author.model("m"), ANN),), provenance={"n": 1}, sample_id="2"
    ),
    "scores": Sample(
        "Ann z",
        "en",
        annotations=(Annotation(Author.model("m"), (Entity(0, 3, "FIRSTNAME", score=0.5),), score=0.75),),
        provenance={"n": "T", "tags": ["a"]},
        sample_id="3",
    ),
    "review": Sample(
        "Ann w", "en", annotations=(Annotation(Author.person("a@b.de"), ANN, lead_time=2.0),), sample_id="4"
    ),
    "clusters": Sample(
        "Ann he",
        "en",
        annotations=(
            Annotation(Author.model("m"), ANN, (Mention(0, 3, "MENTION", "1"), Mention(4, 6, "PRONOUN", "1"))),
        ),
        sample_id="5",
    ),
}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    datasets.disable_progress_bars()


def load(kind: str, files: list[Path], cache: Path, **options: object) -> datasets.Dataset:
    return datasets.load_dataset(
        kind, data_files=[str(f) for f in files], split="train", cache_dir=str(cache), **options
    )


def write_every_kind(folder: Path) -> dict[str, Path]:
    """Files as each command writes them, by kind."""
    paths = {}
    for name, sample in FILES.items():
        paths[name] = folder / f"{name}.jsonl"
        write_samples(paths[name], [sample], LABELS)
    pulled = {
        "id": 7,
        "data": {"text": "Ann p", "language": "en", "customer": {"n": [1]}},
        "updated_at": "2026-01-01T00:00:00.000000Z",
        "annotations": [{"id": 1, "completed_by": {"email": "a@b.de"}, "result": [], "lead_time": 3.5}],
        "drafts": [{"id": 2, "user": "b@b.de", "result": []}],
    }
    source = TaskSource(1, map_tags(parse_tags(build_config(LABELS)), LABELS))
    built = RecordBuilder(source, {}, LABELS, RankingPolicy()).build(pulled)
    records = RecordFile(folder / "part.jsonl")
    records.add(7, "t", built.record)
    paths["pulled"] = folder / "pulled.jsonl"
    merge_records(paths["pulled"], records, set())
    records.close(finished=True)
    write_bundle(folder / "v1", FILES.values(), LABELS, BundleSettings("v1"))
    paths |= {f"bundle {file.stem}": file for file in (folder / "v1").glob("*.jsonl") if file.stat().st_size}
    return paths


def test_any_of_our_files_load_together_in_any_order(tmp_path: Path) -> None:
    """`datasets` takes the types from the first file, so each kind comes first once, before all others."""
    paths = write_every_kind(tmp_path)
    for number, first in enumerate(paths):
        files = [paths[first], *(path for name, path in paths.items() if name != first)]
        loaded = load("json", files, tmp_path / f"cache{number}")
        texts = [record.value["data"]["text"] for file in files for record in read_records(file)]
        assert [row["data"]["text"] for row in loaded] == texts
        assert [unpack_record(row) for row in loaded] == [r.value for file in files for r in read_records(file)]


def test_a_bundle_loads_by_its_folder(tmp_path: Path) -> None:
    write_every_kind(tmp_path)
    loaded = datasets.load_dataset(str(tmp_path / "v1"), cache_dir=str(tmp_path / "cache"))
    bundle = open_bundle(tmp_path / "v1")
    for name, size in bundle.manifest["split"]["sizes"].items():
        rows = loaded[name] if size else []
        expected = [sample.text for sample in bundle.read_split(name, LABELS)]
        assert [row["data"]["text"] for row in rows] == expected
        assert all(isinstance(row[layer], list) for row in rows for layer in ("predictions", "annotations"))


def test_with_features_annotations_are_lists(tmp_path: Path) -> None:
    files = list(write_every_kind(tmp_path).values())
    loaded = load("json", files, tmp_path / "cache", features=make_task_features())
    expected = [record.value for file in files for record in read_records(file)]
    for name in ("predictions", "annotations"):
        assert [row[name] for row in loaded] == [record[name] for record in expected]
    assert [row["data"]["provenance"] for row in loaded] == [record["data"]["provenance"] for record in expected]


def test_parquet_and_tokens_load_without_features(tmp_path: Path) -> None:
    for name, sample in FILES.items():
        export_samples("parquet", tmp_path / f"{name}.parquet", [sample], LABELS)
        export_samples("hf-tokens", tmp_path / f"{name}.tokens.jsonl", [sample], LABELS)
    for number, names in enumerate((list(FILES), list(FILES)[::-1])):
        loaded = load("parquet", [tmp_path / f"{name}.parquet" for name in names], tmp_path / f"p{number}")
        assert [len(row["entities"]) for row in loaded] == [0 if name == "plain" else 1 for name in names]
        tokens = load("json", [tmp_path / f"{name}.tokens.jsonl" for name in names], tmp_path / f"t{number}")
        assert [row["ner_tags"][0] for row in tokens] == ["O" if name == "plain" else "B-FIRSTNAME" for name in names]
