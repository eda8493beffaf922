from __future__ import annotations

from itertools import permutations
from pathlib import Path

import datasets
import pytest

from goldspan.annotation.formats.registry import export_samples
from goldspan.annotation.hub.features import make_task_features
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
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
        annotations=(Annotation(Author.model("m"), (Entity(0, 3, "FIRSTNAME", score=0.5),), score=0.7),),
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


def test_any_of_our_files_load_together_in_any_order(tmp_path: Path) -> None:
    for name, sample in FILES.items():
        write_samples(tmp_path / f"{name}.jsonl", [sample], LABELS)
    for number, names in enumerate(permutations(FILES, 2)):
        files = [tmp_path / f"{name}.jsonl" for name in names]
        loaded = load("json", files, tmp_path / f"cache{number}", features=make_task_features())
        assert [row["data"]["text"] for row in loaded] == [FILES[name].text for name in names]
        assert [len(row["predictions"]) for row in loaded] == [len(FILES[name].predictions) for name in names]


def test_other_metadata_does_not_change_the_type(tmp_path: Path) -> None:
    texts = [FILES["text"], Sample("Ann v", "en", annotations=FILES["text"].annotations, provenance={"n": ["x"]})]
    for number, sample in enumerate(texts):
        write_samples(tmp_path / f"{number}.jsonl", [sample], LABELS)
    assert len(load("json", sorted(tmp_path.glob("*.jsonl")), tmp_path / "cache")) == 2


def test_parquet_and_tokens_load_without_features(tmp_path: Path) -> None:
    for name, sample in FILES.items():
        export_samples("parquet", tmp_path / f"{name}.parquet", [sample], LABELS)
        export_samples("hf-tokens", tmp_path / f"{name}.tokens.jsonl", [sample], LABELS)
    for number, names in enumerate((list(FILES), list(FILES)[::-1])):
        loaded = load("parquet", [tmp_path / f"{name}.parquet" for name in names], tmp_path / f"p{number}")
        assert [len(row["entities"]) for row in loaded] == [0 if name == "plain" else 1 for name in names]
        tokens = load("json", [tmp_path / f"{name}.tokens.jsonl" for name in names], tmp_path / f"t{number}")
        assert [row["ner_tags"][0] for row in tokens] == ["O" if name == "plain" else "B-FIRSTNAME" for name in names]
