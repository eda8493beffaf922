"""Mixes: shares are kept, choice does not depend on order, every sample says where it is from."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from goldspan.annotation.corpus.outline import find_terms, outline_samples
from goldspan.annotation.errors import InputError, SchemaError, UnknownNameError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.samples.commands import app
from goldspan.generators.mixing.mix import divide_samples, mix_files
from goldspan.generators.mixing.plan import MixPlan, MixSource, load_mix

LABELS = load_labels()
runner = CliRunner()


def make_samples(name: str, count: int) -> list[Sample]:
    samples = []
    for number in range(count):
        text = f"Ann{name}{number} wrote to the clinic about the heating and the garden of the house."
        entity = Entity(0, len(f"Ann{name}{number}"), "FIRSTNAME")
        reading = Annotation(Author.person("p@example.org"), (entity,))
        samples.append(Sample(text, "en", "GB", "letter", (reading,), {"source": name}, make_sample_id(text, "en")))
    return samples


def write(path: Path, samples: list[Sample]) -> Path:
    write_samples(path, samples, LABELS)
    return path


def mix(plan: MixPlan, folder: Path) -> list[Sample]:
    mix_files(plan, folder / "mix.jsonl", LABELS)
    return list(read_samples([folder / "mix.jsonl"], LABELS))


@given(total=st.integers(0, 5000), weights=st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_shares_are_divided_to_whole_numbers_that_add_up(total: int, weights: list[int]) -> None:
    shares = [weight / sum(weights) for weight in weights]
    counts = divide_samples(total, shares)
    assert sum(counts) == total
    assert all(abs(count - total * share) < 1 + 1e-6 for count, share in zip(counts, shares, strict=True))


def test_a_mix_keeps_shares_provenance_and_terms(tmp_path: Path) -> None:
    first, second = (
        write(tmp_path / "a.jsonl", make_samples("a", 60)),
        write(tmp_path / "b.jsonl", make_samples("b", 40)),
    )
    plan = MixPlan(
        (
            MixSource("ours", 0.5, (first,)),
            MixSource("theirs", 0.25, (second,), licence="MIT", attribution="© Example"),
            MixSource("offline", 0.25, languages=("de",)),
        ),
        samples=40,
        seed=3,
    )
    samples = mix(plan, tmp_path)
    by_source = {name: [s for s in samples if s.provenance["mix"] == name] for name in ("ours", "theirs", "offline")}
    assert {name: len(found) for name, found in by_source.items()} == {"ours": 20, "theirs": 10, "offline": 10}
    assert {find_terms(sample.provenance) for sample in by_source["theirs"]} == {"MIT, © Example"}
    assert {find_terms(sample.provenance) for sample in by_source["ours"]} == {""}
    assert all(sample.provenance["source"] == "a" and sample.reviews for sample in by_source["ours"])
    assert {sample.language for sample in by_source["offline"]} == {"de"}


def test_order_plays_no_part_and_a_larger_mix_holds_the_smaller(tmp_path: Path) -> None:
    samples = make_samples("a", 80)
    forwards, backwards = write(tmp_path / "f.jsonl", samples), write(tmp_path / "b.jsonl", samples[::-1])

    def choose(path: Path, count: int) -> set[str]:
        return {s.sample_id for s in mix(MixPlan((MixSource("a", 1.0, (path,)),), samples=count, seed=5), tmp_path)}

    assert choose(forwards, 30) == choose(backwards, 30)
    assert choose(forwards, 30) < choose(forwards, 50)


def test_without_a_number_the_scarcest_source_decides_and_repeats_are_left_out(tmp_path: Path) -> None:
    many, few = make_samples("a", 60), make_samples("b", 10)
    plan = MixPlan(
        (
            MixSource("a", 0.8, (write(tmp_path / "a.jsonl", many),)),
            MixSource("b", 0.2, (write(tmp_path / "b.jsonl", few),)),
        )
    )
    assert len(mix(plan, tmp_path)) == 50
    same = MixPlan((MixSource("a", 0.5, (tmp_path / "a.jsonl",)), MixSource("again", 0.5, (tmp_path / "a.jsonl",))))
    report = mix_files(same, tmp_path / "same.jsonl", LABELS)
    assert (report.samples, report.repeated, report.taken) == (60, 60, {"a": 60, "again": 0})
    with pytest.raises(InputError, match="needs 200"):
        mix(replace(plan, samples=250), tmp_path)


def test_noise_makes_samples_of_their_own_that_stay_with_the_original(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", make_samples("a", 20))
    plan = MixPlan((MixSource("plain", 0.5, (path,)), MixSource("loud", 0.5, (path,), noise="capitals")), samples=40)
    samples = mix(plan, tmp_path)
    loud = [sample for sample in samples if sample.provenance["mix"] == "loud"]
    assert len(samples) == 40
    assert all("HEATING" in sample.text and sample.text.startswith("Ann") for sample in loud)
    outlines = {outline.sample_id: outline for outline in outline_samples(samples, LABELS)}
    assert all(f"source_document:{s.provenance['source_document']}" in outlines[s.sample_id].links for s in loud)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("[sources.a]\nshare = 0.5\n", SchemaError),
        ("samples = 3\n[sources.a]\nshare = 0.5\n", SchemaError),
        ("[sources.a]\nshare = 1.0\nfiles = ['none.jsonl']\n", SchemaError),
        ("samples = 3\n[sources.a]\nshare = 1.0\nflies = ['x']\n", SchemaError),
        ("samples = 3\n[sources.a]\nshare = 1.0\nnoise = 'smudged'\n", UnknownNameError),
        ("samples = 3\n[sources.a]\nshare = 1.0\nlanguages = ['xx']\n", UnknownNameError),
        ("samples = [", SchemaError),
    ],
)
def test_broken_plans_are_refused(tmp_path: Path, content: str, error: type[Exception]) -> None:
    (tmp_path / "mix.toml").write_text(content, encoding="utf-8")
    with pytest.raises(error):
        load_mix(tmp_path / "mix.toml")


def test_the_commands(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", make_samples("a", 30))
    (tmp_path / "mix.toml").write_text(
        'samples = 20\n[sources.own]\nshare = 0.5\nfiles = ["a.jsonl"]\nlicence = "CC-BY-4.0"\n'
        "[sources.offline]\nshare = 0.5\n"
    )
    mixed = tmp_path / "mixed.jsonl"
    result = runner.invoke(app, ["mix", str(tmp_path / "mix.toml"), "-o", str(mixed), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert (report["samples"], report["taken"], report["terms"]) == (
        20,
        {"own": 10, "offline": 10},
        {"own": "CC-BY-4.0"},
    )
    again = runner.invoke(app, ["mix", str(tmp_path / "mix.toml"), "-o", str(mixed)])
    assert again.exit_code != 0
    noisy = tmp_path / "noisy.jsonl"
    result = runner.invoke(
        app, ["noise", str(mixed), "-o", str(noisy), "--kind", "capitals", "--inside", "names", "--json"]
    )
    assert result.exit_code == 0, result.output
    assert any(s.text.isupper() or "ANNA" in s.text for s in read_samples([noisy], LABELS))
    assert runner.invoke(app, ["noise", str(mixed), "-o", str(noisy), "--kind", "smudged", "--force"]).exit_code != 0


def test_a_source_is_paraphrased_in_one_group_with_its_samples(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", make_samples("a", 30))
    (tmp_path / "mix.toml").write_text(
        '[sources.reviewed]\nshare = 0.5\nfiles = ["a.jsonl"]\nlicence = "MIT"\n'
        '[sources.again]\nshare = 0.5\nfiles = ["a.jsonl"]\nparaphrase = true\nlanguages = ["en"]\n'
    )
    samples = mix(load_mix(tmp_path / "mix.toml"), tmp_path)
    known = {sample.sample_id: sample for sample in read_samples([file], LABELS)}
    again = [sample for sample in samples if sample.provenance["mix"] == "again"]
    assert len(again) == len(samples) / 2 == 30
    assert len({sample.text for sample in again}) == 30
    for sample in again:
        origin = known[sample.provenance["source_document"]]
        assert sample.best
        assert origin.best
        name = origin.best.entities[0]
        surface = origin.text[name.start : name.end]
        assert ("FIRSTNAME", surface) in {(e.label, sample.text[e.start : e.end]) for e in sample.best.entities}
        assert set(outline_samples([sample], LABELS)[0].links) & set(outline_samples([origin], LABELS)[0].links)
    assert mix(load_mix(tmp_path / "mix.toml"), tmp_path) == samples


def test_a_source_without_files_cannot_be_paraphrased(tmp_path: Path) -> None:
    (tmp_path / "mix.toml").write_text("samples = 3\n[sources.again]\nshare = 1.0\nparaphrase = true\n")
    with pytest.raises(SchemaError, match="no files to paraphrase"):
        load_mix(tmp_path / "mix.toml")
