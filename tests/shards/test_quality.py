"""Quality checks over shards are those of one machine where counts merge, and see the same sample however it is cut."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from goldspan.annotation.corpus.quality.counts import QualityCounts
from goldspan.annotation.corpus.quality.measure import measure_files
from goldspan.annotation.errors import StateError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.codec import encode_task
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.shards.engines.base import BUILT_IN, EngineOptions
from goldspan.shards.plan import ShardPlan, list_shards
from goldspan.shards.quality import ShardQuality, measure_shards
from goldspan.shards.report import ShardReport
from goldspan.shards.run import ShardWork
from goldspan.shards.tasks.registry import open_task
from goldspan.shards.work import run_shard

LABELS = load_labels()
COMPARING = {"near_duplicate_rate", "skeleton_gzip_ratio", "distinct_3", "vendi"}
VALUES = ("Anna", "anna", "Anna Berg", "a@example.com", "4111 1111 1111 1111", "212", "Lyon", "NIE", " x", "né")
CODES = ("FIRSTNAME", "CITY", "EMAIL", "CREDITCARDNUMBER", "AGE", "PHONENUMBER")


def make_samples(seed: int, count: int) -> list[Sample]:
    """Samples with sound and odd entities, in two languages, some without any, some reviewed or doubtful."""
    rng = Random(seed)
    samples = []
    for number in range(count):
        value, code = rng.choice(VALUES), rng.choice(CODES)
        text = f"{rng.choice(('Dear', 'So', 'Here'))} {rng.choice(('is', 'was'))} {value} number {rng.randrange(9)}."
        start = text.index(value) + rng.choice((0, 0, 0, 1))
        entities = (Entity(start, start + len(value), code),) if rng.random() < 0.8 else ()
        mentions = (Mention(start, start + len(value), "MENTION", "c1"),) if rng.random() < 0.3 else ()
        provenance = {"doubtful_places": 1, "domain": "bank"} if rng.random() < 0.2 else {}
        samples.append(
            Sample(
                text,
                rng.choice(("en", "de")),
                rng.choice(("", "US")),
                rng.choice(("letter", "note")),
                (Annotation(Author.model("m"), entities, mentions),),
                provenance,
                sample_id=f"id-{seed}-{number}",
            )
        )
    return samples


def store(samples: Sequence[Sample], borders: Sequence[int], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number, (begin, end) in enumerate(zip([0, *borders], [*borders, len(samples)], strict=True)):
        tasks = [orjson.dumps(encode_task(sample, LABELS)) + b"\n" for sample in samples[begin:end]]
        (folder / f"{number:03}.jsonl").write_bytes(b"".join(tasks))
    return folder


def run_here(plan: ShardPlan, options: EngineOptions) -> Iterator[tuple[ShardReport, bool]]:
    """An engine that works in this process."""
    task = open_task(plan)
    return (run_shard(plan, task, shard) for shard in plan.shards)


@pytest.fixture(autouse=True)
def _use_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILT_IN, "here", f"{__name__}:run_here")


def measure(folder: Path, sample: int, output: str) -> ShardQuality:
    work = ShardWork(list_shards([str(folder)]), str(folder.parent / output), "here")
    return measure_shards(work, sample, seed=3)


BORDERS = st.lists(st.integers(0, 60), min_size=0, max_size=4).map(sorted)


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.integers(0, 10**6), BORDERS)
def test_checks_equal_those_of_one_machine(seed: int, borders: list[int]) -> None:
    samples = make_samples(seed, 60)
    with tempfile.TemporaryDirectory() as name:
        folder = store(samples, borders, Path(name) / "samples")
        alone = measure_files([folder], LABELS)
        assert measure(folder, 100, "all").report == alone
        part = measure(folder, 20, "part")
        assert part.drawn == 20
        counted = [c for c in alone.checks if c.code not in COMPARING and c.group != "variety"]
        assert [c for c in part.report.checks if c.code not in COMPARING and c.group != "variety"] == counted
        other = store(samples, [10, 40], Path(name) / "others")
        assert measure(other, 20, "otherwise").report == part.report


def test_counts_survive_json_and_hold_no_text() -> None:
    counts = QualityCounts()
    for sample in make_samples(4, 80):
        counts.add(sample, (), LABELS)
    data = orjson.dumps(counts.to_dict())
    assert QualityCounts.from_dict(orjson.loads(data)) == counts
    assert b"anna" not in data.lower()


def test_a_shard_without_counts_is_named(tmp_path: Path) -> None:
    folder = store(make_samples(1, 6), [3], tmp_path / "samples")
    (folder / "001.jsonl").write_bytes(b"\xff\xfe broken")
    with pytest.raises(StateError, match=r"001\.jsonl"):
        measure(folder, 10, "out")
