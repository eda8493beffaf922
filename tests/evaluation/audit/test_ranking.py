"""The order of findings: habits of the two, what the rest of the corpus says of the words, and the kinds' shares."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.samples.commands import app
from goldspan.cli.shared.exits import Exit
from goldspan.evaluation.audit.findings import AuditFinding, FindingKind
from goldspan.evaluation.audit.ranking import EdgeHabits, WordLabels, rank_findings
from goldspan.evaluation.audit.tokens import read_gold_tokens
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.faults import build_plan
from goldspan.generators.simulator.server import serving
from goldspan.generators.simulator.state import SimulatorSettings
from goldspan.predictors.mock_model import build_mock_model

LABELS = load_labels()
CITY = Entity(0, 4, "CITY")


def make(text: str, *gold: Entity, sample_id: str = "") -> Sample:
    return Sample(text, "en", annotations=(Annotation(Author.person("ann"), gold),), sample_id=sample_id or text)


def extra(sample: Sample) -> AuditFinding:
    [entity] = sample.annotations[0].entities
    return AuditFinding(sample.sample_id, FindingKind.EXTRA, entity, None, 0.5)


def test_a_word_that_the_corpus_leaves_outside_is_more_suspicious_than_one_it_labels() -> None:
    samples = [make("Rome is old", CITY), make("Rome is big", CITY), make("Then it rains", CITY)]
    samples += [make(f"Then {number}", sample_id=str(number)) for number in range(5)]
    tokens = {one.sample_id: read_gold_tokens(one) for one in samples}
    words = WordLabels(tokens.values())
    assert words.support(extra(samples[2]), tokens[samples[2].sample_id]) == pytest.approx(5.5 / 6)
    assert words.support(extra(samples[0]), tokens[samples[0].sample_id]) == pytest.approx(0.25)
    ranked = rank_findings([extra(samples[0]), extra(samples[2])], tokens)
    assert [one.sample_id for one in ranked] == ["Then it rains", "Rome is old"]


def test_only_the_tokens_of_a_wrong_border_count() -> None:
    sample = make("Rome today", Entity(0, 10, "CITY"))
    tokens = {"Rome today": read_gold_tokens(sample), "other": read_gold_tokens(make("today", sample_id="other"))}
    finding = AuditFinding("Rome today", FindingKind.WRONG_BOUNDARY, Entity(0, 10, "CITY"), CITY, 0.5)
    assert WordLabels(tokens.values()).support(finding, tokens["Rome today"]) == pytest.approx(0.75)


def test_a_kind_with_few_findings_comes_first() -> None:
    samples = [make(f"{name} here", CITY) for name in ("Rome", "Oslo", "Lima", "Bern")]
    tokens = {one.sample_id: read_gold_tokens(one) for one in samples}
    wrong = AuditFinding("Bern here", FindingKind.WRONG_LABEL, CITY, Entity(0, 4, "STATE"), 0.5)
    assert rank_findings([*map(extra, samples[:3]), wrong], tokens)[0] == rank_findings([wrong], tokens)[0]


def test_a_span_that_cuts_a_word_is_suspicious_only_where_its_label_seldom_does() -> None:
    cities = ("Rome", "Oslo", "Lima", "Bern", "Kiew", "Graz", "Bonn", "Nice")
    for cutting, first in ((0, "Ulms"), (8, "Rome")):
        samples = [make(f"{name} {'x' if cutting else ''}", CITY) for name in cities]
        samples = [make(one.text.replace(" ", ""), CITY) for one in samples] if cutting else samples
        samples.append(make("Ulms here", Entity(0, 3, "CITY")))
        tokens = {one.sample_id: read_gold_tokens(one) for one in samples}
        rates = [EdgeHabits(tokens.values()).rate(one.annotations[0].entities[0], tokens[one.text]) for one in samples]
        assert (rates[-1] < 0.05) == (first == "Ulms")
        if first == "Ulms":
            assert rank_findings([*map(extra, samples)], tokens)[0].sample_id == "Ulms here"


def test_the_confidences_of_each_kind_sum_to_the_errors_expected_of_it() -> None:
    samples = [make(f"Rome is n{number}", CITY) for number in range(200)]
    tokens = {one.sample_id: read_gold_tokens(one) for one in samples}
    few = [AuditFinding(one.text, FindingKind.WRONG_LABEL, CITY, Entity(0, 4, "STATE"), 0.5) for one in samples[:2]]
    ranked = rank_findings([*map(extra, samples[2:60]), *few], tokens)
    sums = {kind: sum(one.confidence for one in ranked if one.kind is kind) for kind in FindingKind}
    assert sums[FindingKind.EXTRA] == pytest.approx(0.05 * 200 / 4)
    assert sums[FindingKind.WRONG_LABEL] == pytest.approx(1.0)
    assert sums[FindingKind.MISSING] == 0
    assert rank_findings([], tokens) == []


@given(st.text(max_size=12), st.integers(0, 12), st.integers(1, 6), st.floats(0, 1))
def test_any_text_and_span_can_be_ranked(text: str, start: int, length: int, confidence: float) -> None:
    suggested = Entity(start, start + length, "CITY")
    sample = make(text, sample_id="s")
    finding = AuditFinding("s", FindingKind.MISSING, None, suggested, confidence)
    [ranked] = rank_findings([finding], {"s": read_gold_tokens(sample)})
    assert 0 <= ranked.confidence <= 1


@contextlib.contextmanager
def provide(tmp_path: Path, *faults: dict[str, object]) -> Iterator[str]:
    plan = build_plan({"seed": 1, "faults": list(faults)})
    settings = SimulatorSettings(find_profile("openai"), tmp_path / "provider.db", plan)
    with serving(settings, writer=build_mock_model(LABELS)) as url:
        yield url


def test_a_language_model_reads_the_gold_as_an_auditor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sample lacks its address, one has it under another label; the model refuses to read some."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    rows = []
    for number in range(10):
        text = f"Mail {number}: please write to ann{number}@example.com about the order of the {number}th."
        start = text.index("ann")
        entity = Entity(start, text.index(" about"), "USERNAME" if number == 5 else "EMAIL")
        rows.append(make(text, *(() if number == 3 else (entity,)), sample_id=f"m{number}"))
    data = tmp_path / "data"
    write_samples(data / "training_samples" / "p.jsonl", rows, LABELS)
    command = ["audit", "--predictor", "llm", "--option", "provider=openai", "--option", "model=m"]
    command += ["--option", "attempts=1", "--data", str(data), "--json"]
    with provide(tmp_path, {"kind": "refusal", "rate": 0.3}) as url:
        shown = CliRunner().invoke(app, [*command, "--option", f"api_url={url}"])
    report = orjson.loads(shown.stdout)
    refused = {row.sample_id for row in rows if f"{row.sample_id} is not audited" in shown.stderr}
    assert shown.exit_code == Exit.REFUSED_SOME
    assert 0 < len(refused) < 6
    assert report["audited"] == len(rows) - len(refused)
    expected = {name: kind for name, kind in (("m3", "missing"), ("m5", "wrong_label")) if name not in refused}
    assert {finding["sample_id"]: finding["kind"] for finding in report["findings"]} == expected
    assert "example.com" not in shown.stderr + shown.stdout
    queue = list(read_samples([Path(report["queue"])], LABELS))
    assert {one.sample_id: one.predictions[-1].entities[0].label for one in queue} == dict.fromkeys(expected, "EMAIL")
