from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

import goldspan.schemas as schemas
from goldspan.annotation.corpus.ledger import SplitLedger
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.corpus.quality.variety import BOUNDS
from goldspan.annotation.errors import SchemaError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.store import write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.training.gate import app
from goldspan.training.gate.commands import find_commands
from goldspan.training.gate.judge import judge_samples, judge_workspace
from goldspan.training.gate.reviewed import ReviewedSamples
from goldspan.training.gate.thresholds import load_thresholds, write_default_thresholds
from goldspan.training.gate.verdict import Criterion, GateVerdict, show_figure, show_found

WORDS = [f"word{number}" for number in range(400)]
ALL_OPEN: dict[str, dict[str, float]] = {
    "samples": {"reviewed": 20},
    "acceptance": {"precision": 0.8, "first_pass": 0.3},
    "agreement": {"samples": 5, "f1": 0.5},
    "lint": {"errors": 0, "unusable": 0, "warnings_per_100": 20.0},
    "drift": {"unknown_labels": 0},
    "leakage": {"group": 0.0, "carrier": 0.1, "lookup": 0.1},
}
runner = CliRunner()


def make_sample(number: int, *, second: bool = False, changed: bool = False, label: str = "CITY") -> Sample:
    draw = random.Random(number)
    body = " ".join(draw.choice(WORDS) for _ in range(30))
    text = f"Name{number} of City{number}: {body}."
    city = text.index("City")
    entities = (
        Entity(0, len(f"Name{number}"), "FIRSTNAME", id="a"),
        Entity(city, city + len(f"City{number}"), label, id="b"),
    )
    prediction = Annotation(Author.model("draft-1"), entities, id="1")
    kept = entities[:1] if changed else entities
    reviews = [Annotation(Author.person("ann@firm.test"), kept, id="2", parent="1", lead_time=30.0)]
    if second:
        reviews.append(Annotation(Author.person("bob@firm.test"), entities, id="3", lead_time=30.0))
    language = "de" if number % 2 else "en"
    return Sample(text, language, "DE", "letter", (prediction, *reviews), {}, make_sample_id(text, language))


@pytest.fixture(scope="module")
def good() -> list[Sample]:
    return [make_sample(number, second=number < 8) for number in range(30)]


def judge(reviewed: Sequence[Sample], labels: LabelSchema, **thresholds: dict[str, float]) -> dict[str, Criterion]:
    verdict = judge_samples(reviewed, labels, thresholds)
    return {criterion.name: criterion for criterion in verdict.criteria}


def with_targets(labels: LabelSchema, **targets: int) -> LabelSchema:
    return LabelSchema(tuple(replace(label, target=targets.get(label.code, 0)) for label in labels.labels))


def test_the_gate_has_the_bounds_of_samples_quality(tmp_path: Path) -> None:
    assert load_thresholds(Workspace(tmp_path))["data"] == BOUNDS._asdict()


def test_an_open_gate(good: list[Sample], labels: LabelSchema) -> None:
    verdict = judge_samples(good, labels, ALL_OPEN)
    assert verdict.open
    assert verdict.reviewed == 30
    names = [criterion.name for criterion in verdict.criteria]
    assert names == [f"{section}.{name}" for section, asked in ALL_OPEN.items() for name in asked]
    document = verdict.to_dict()
    assert document["open"] is True
    assert all(criterion["passed"] for criterion in document["criteria"])


def test_without_samples_nothing_passes_that_has_to_be_measured(labels: LabelSchema) -> None:
    verdict = judge_samples([], labels, ALL_OPEN)
    assert not verdict.open
    failed = {criterion.name for criterion in verdict.criteria if not criterion.passed}
    assert failed == {
        "samples.reviewed",
        "acceptance.precision",
        "acceptance.first_pass",
        "agreement.f1",
        "agreement.samples",
        "lint.warnings_per_100",
        "leakage.group",
        "leakage.carrier",
        "leakage.lookup",
    }


@pytest.mark.parametrize(
    ("value", "bound", "at_least", "passed"),
    [(1, 1, True, True), (0.9, 1, True, False), (0, 0, False, True), (1, 0, False, False), (None, 0, True, False)],
)
def test_a_criterion_keeps_its_bound(value: float | None, bound: float, at_least: bool, passed: bool) -> None:
    assert Criterion("x", "x?", value, bound, at_least).passed is passed


def test_too_few_samples(good: list[Sample], labels: LabelSchema) -> None:
    found = judge(good, labels, samples={"reviewed": 31})["samples.reviewed"]
    assert (found.value, found.passed) == (30, False)
    assert found.fix == "goldspan studio pull"


def test_coverage_of_labels_and_languages(good: list[Sample], labels: LabelSchema) -> None:
    enough = with_targets(labels, FIRSTNAME=30, CITY=30)
    found = judge(good, enough, coverage={"share": 1.0, "share_per_language": 0.5})
    assert found["coverage.share"].passed
    assert found["coverage.share_per_language"].passed
    more = with_targets(labels, FIRSTNAME=30, CITY=40, IBAN=5)
    found = judge(good, more, coverage={"share": 1.0, "share_per_language": 0.5})
    assert found["coverage.share"].value == 0
    assert found["coverage.share"].detail == "IBAN 0%, CITY 75%"
    assert found["coverage.share"].fix == "goldspan generate start --fill-gaps --languages de,en"
    assert "CITY in de 38%" in found["coverage.share_per_language"].detail
    assert judge(good, with_targets(labels), coverage={"share": 1.0}) == {}


def test_acceptance(labels: LabelSchema) -> None:
    samples = [make_sample(number, changed=number < 15) for number in range(20)]
    found = judge(samples, labels, acceptance={"precision": 0.8, "first_pass": 0.3})
    assert found["acceptance.precision"].value == pytest.approx(25 / 40)
    assert found["acceptance.first_pass"].value == pytest.approx(5 / 20)
    assert not found["acceptance.precision"].passed
    assert not found["acceptance.first_pass"].passed
    assert found["acceptance.precision"].detail == "CITY touched 75%"


def test_the_worse_end_of_an_interval_is_judged(good: list[Sample], labels: LabelSchema) -> None:
    few, many = (
        judge(good[:count], labels, acceptance={"first_pass": 0.8})["acceptance.first_pass"] for count in (5, 30)
    )
    assert (few.value, many.value) == (1.0, 1.0)
    assert (few.n, many.n) == (10, 38)
    assert not few.passed
    assert many.passed
    assert show_found(few).startswith("100 % [69.2, ")
    assert show_found(few).endswith("n = 10")


def test_leakage_is_that_of_the_split_with_the_ledger(good: list[Sample], labels: LabelSchema) -> None:
    twins = [replace(sample, text=sample.text + " x", sample_id=f"twin {n}") for n, sample in enumerate(good)]
    ledger = SplitLedger().record(outline_samples(good), ["test"] * len(good), "v1")
    verdict = judge_samples(twins, labels, {"leakage": {"group": 0.0}}, ledger=ledger)
    assert "train is empty" in verdict.criteria[0].detail


def test_agreement(labels: LabelSchema) -> None:
    apart = [make_sample(number, second=True, changed=True) for number in range(10)]
    found = judge(apart, labels, agreement={"f1": 0.8, "samples": 10})
    assert found["agreement.samples"].passed
    assert found["agreement.f1"].value == pytest.approx(2 / 3)
    alone = judge([make_sample(1)], labels, agreement={"f1": 0.8, "samples": 1})
    assert alone["agreement.f1"].value is None
    assert alone["agreement.f1"].detail == "no sample was annotated by two people"
    assert not alone["agreement.samples"].passed


def test_lint(good: list[Sample], labels: LabelSchema) -> None:
    sample = good[20]
    inside = replace(sample.annotations[1], entities=(Entity(0, 2, "FIRSTNAME"),))
    broken = replace(sample, annotations=(sample.annotations[0], inside))
    found = judge([broken, *good[:20]], labels, lint={"errors": 0, "warnings_per_100": 0})
    assert found["lint.errors"].value == 1
    assert not found["lint.errors"].passed
    assert found["lint.warnings_per_100"].passed
    repeat = replace(sample, text=f"{sample.text} {sample.text[:6]}.")
    found = judge([repeat], labels, lint={"warnings_per_100": 50})
    assert found["lint.warnings_per_100"].value == 100
    assert not found["lint.warnings_per_100"].passed


def test_drift(labels: LabelSchema) -> None:
    samples = [make_sample(number, label="PLANET") for number in range(3)]
    found = judge(samples, labels, drift={"unknown_labels": 0})["drift.unknown_labels"]
    assert (found.value, found.detail, found.passed) == (1, "PLANET", False)
    assert found.fix == "goldspan studio migrate --plan"


def test_leakage_cannot_be_measured_on_one_sample(good: list[Sample], labels: LabelSchema) -> None:
    alone = judge(good[:1], labels, leakage={"group": 0.0})["leakage.group"]
    assert alone.value is None
    assert "test is empty: there is only one sample" in alone.detail
    assert judge(good, labels, leakage={"group": 0.0})["leakage.group"].value == 0.0


def test_leakage_is_not_measured_where_all_samples_are_relatives(good: list[Sample], labels: LabelSchema) -> None:
    family = [replace(sample, provenance={"persona": "one"}) for sample in good]
    found = judge(family, labels, leakage={"group": 0.0})["leakage.group"]
    assert (found.value, found.passed) == (None, False)
    assert "validation is empty: all samples are relatives of each other" in found.detail
    assert "test is empty" in found.detail
    few = [replace(sample, provenance={"persona": str(number % 2)}) for number, sample in enumerate(good)]
    found = judge(few, labels, leakage={"group": 0.0})["leakage.group"]
    assert (found.value, found.passed) == (None, False)
    assert "too few groups" in found.detail


def test_variety_is_judged_from_200_samples_of_a_language_on(labels: LabelSchema) -> None:
    thresholds = {"data": {"sentence_repeats": 0.25, "contexts": 50.0}}
    samples = [make_sample(2 * number) for number in range(200)]
    assert judge_samples(samples[:199], labels, thresholds).criteria == ()
    found = {criterion.name: criterion for criterion in judge_samples(samples, labels, thresholds).criteria}
    assert found["data.sentence_repeats"].passed
    assert not found["data.contexts"].passed
    assert (found["data.contexts"].value, found["data.contexts"].detail) == (pytest.approx(1.0), "worst: en CITY")
    alike = [replace(sample, text="Name0 of City0: the very same words as ever here.") for sample in samples]
    [repeats, _] = judge_samples(alike, labels, thresholds).criteria
    assert not repeats.passed


def test_what_is_left_out_is_not_asked(good: list[Sample], labels: LabelSchema) -> None:
    assert judge(good, labels) == {}
    assert set(judge(good, labels, acceptance={"precision": 0.5})) == {"acceptance.precision"}


def test_reviewed_samples_of_a_workspace(tmp_path: Path, good: list[Sample], labels: LabelSchema) -> None:
    workspace = Workspace(tmp_path)
    assert list(ReviewedSamples(workspace, labels)) == []
    unreviewed = replace(make_sample(99), annotations=make_sample(99).annotations[:1])
    write_samples(workspace.training_samples / "a.jsonl", [*good, unreviewed], labels)
    write_samples(workspace.training_samples / "b.jsonl", good[:5], labels)
    (workspace.training_samples / "c.jsonl").write_text("not json\n")
    reviewed = ReviewedSamples(workspace, labels)
    ids = [sample.sample_id for sample in good]
    assert [sample.sample_id for sample in reviewed] == ids
    assert [sample.sample_id for sample in reviewed] == ids


def test_what_freezing_would_leave_out_or_refuse_closes_the_gate(
    tmp_path: Path, good: list[Sample], labels: LabelSchema
) -> None:
    workspace = Workspace(tmp_path)
    write_default_thresholds(workspace)
    path = workspace.training_samples / "a.jsonl"
    write_samples(path, good[:4], labels)
    assert find_criterion(workspace, labels, "lint.unusable").passed
    whole, loose, odd, *_ = (record.value for record in read_records(path))
    loose["annotations"][0]["result"][0]["value"]["labels"] = []
    odd["data"]["language"] = "English"
    unread = [dict(whole, annotations=[]), odd | {"annotations": []}]
    path.write_text("".join(f"{json.dumps(task)}\n" for task in (whole, loose, odd, *unread)) + '{"data": \n')
    found = find_criterion(workspace, labels, "lint.unusable")
    assert (found.value, found.passed) == (3, False)
    assert [f"a.jsonl:{line}" in found.detail for line in (1, 2, 3, 4, 5, 6)] == [False, True, True, False, False, True]
    assert judge([make_sample(1, label="PLANET")], labels, lint={"unusable": 0})["lint.unusable"].value == 1


def find_criterion(workspace: Workspace, labels: LabelSchema, name: str) -> Criterion:
    verdict = judge_workspace(workspace, labels)
    return next(criterion for criterion in verdict.criteria if criterion.name == name)


def test_the_default_thresholds_keep_their_schema(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    shipped = load_thresholds(workspace)
    assert set(shipped) == {"samples", "coverage", "acceptance", "agreement", "lint", "drift", "leakage", "data"}
    path = write_default_thresholds(workspace)
    assert path.read_bytes() == schemas.path("gate.toml").read_bytes()
    assert load_thresholds(workspace) == shipped
    path.write_text("[samples]\nreviewed = 3\n")
    assert write_default_thresholds(workspace).read_text() == "[samples]\nreviewed = 3\n"
    assert load_thresholds(workspace) == {"samples": {"reviewed": 3}}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("[samples\n", "TOML"),
        ("[samples]\nreviewed = 'many'\n", "/samples/reviewed"),
        ("[samples]\nreviewed = -1\n", "/samples/reviewed"),
        ("[samples]\nasked = 1\n", "samples"),
        ("[wishes]\nreviewed = 1\n", "wishes"),
        ("[acceptance]\nprecision = 1.5\n", "/acceptance/precision"),
        ("[lint]\nerrors = true\n", "/lint/errors"),
        ("[coverage]\nshare = inf\n", "/coverage/share must be a finite number"),
        ("[coverage]\nshare = nan\n", "/coverage/share must be a finite number"),
        (f"[samples]\nreviewed = 1{'0' * 400}\n", "/samples/reviewed must be a finite number"),
    ],
)
def test_broken_thresholds_are_refused(tmp_path: Path, content: str, named: str) -> None:
    (tmp_path / "gate.toml").write_text(content)
    with pytest.raises(SchemaError, match=named):
        load_thresholds(Workspace(tmp_path))


@pytest.fixture
def workspace(tmp_path: Path, good: list[Sample], labels: LabelSchema) -> Workspace:
    workspace = Workspace(tmp_path)
    write_samples(workspace.training_samples / "project.jsonl", good, labels)
    return workspace


def write_thresholds(workspace: Workspace, thresholds: dict[str, dict[str, float]]) -> None:
    lines = [
        line
        for section, asked in thresholds.items()
        for line in (f"[{section}]", *(f"{name} = {value}" for name, value in asked.items()))
    ]
    (workspace.root / "gate.toml").write_text("\n".join(lines) + "\n")


def test_the_command_says_what_python_says(workspace: Workspace, labels: LabelSchema) -> None:
    shown = runner.invoke(app, ["--data", str(workspace.root), "--json"])
    assert shown.exit_code == 7
    assert json.loads(shown.stdout) == judge_workspace(workspace, labels).to_dict()
    write_thresholds(workspace, ALL_OPEN)
    shown = runner.invoke(app, ["--data", str(workspace.root), "--json"])
    assert shown.exit_code == 0
    document = json.loads(shown.stdout)
    assert document["open"] is True
    assert document == judge_workspace(workspace, labels).to_dict()


def test_the_command_names_what_mends_it(workspace: Workspace) -> None:
    shown = runner.invoke(app, ["--data", str(workspace.root)], env={"COLUMNS": "250"})
    assert shown.exit_code == 7
    assert "closed" in shown.output
    assert "--fill-gaps" in shown.output
    write_thresholds(workspace, ALL_OPEN)
    shown = runner.invoke(app, ["--data", str(workspace.root)], env={"COLUMNS": "250"})
    assert shown.exit_code == 0
    assert "The gate is open for 30 reviewed samples." in shown.output


def test_init_writes_thresholds(tmp_path: Path) -> None:
    shown = runner.invoke(app, ["--init", "--data", str(tmp_path)])
    assert shown.exit_code == 0
    assert (tmp_path / "gate.toml").exists()


def test_a_gate_that_asks_nothing_says_so_and_stays_closed_while_nothing_is_reviewed(
    tmp_path: Path, good: list[Sample], labels: LabelSchema
) -> None:
    (tmp_path / "gate.toml").touch()
    verdict = judge_workspace(Workspace(tmp_path), labels)
    assert not verdict.open
    assert ["Nothing is reviewed" in verdict.notes[0], "sets no threshold" in verdict.notes[1]] == [True, True]
    shown = runner.invoke(app, ["--data", str(tmp_path)])
    assert shown.exit_code == 7
    assert "gate.toml sets no threshold." in shown.stderr
    write_samples(tmp_path / "training_samples" / "a.jsonl", good, labels)
    verdict = judge_workspace(Workspace(tmp_path), labels)
    assert verdict.open
    assert len(verdict.notes) == 1
    assert not GateVerdict((), 0).open


def test_thresholds_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "gate.toml").write_text("[samples]\nreviewed = 3\n", encoding="utf-8-sig")
    assert load_thresholds(Workspace(tmp_path)) == {"samples": {"reviewed": 3}}


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (1234567, "1234567"), (1e6, "1000000"), (0.1, "0.1"), (2 / 3, "0.666667")]
)
def test_figures_are_printed_plainly(value: float | None, shown: str) -> None:
    assert show_figure(value) == shown


def test_commands_name_a_workspace_that_is_not_the_default_one(
    tmp_path: Path, good: list[Sample], labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "my data"
    workspace = Workspace(root)
    write_samples(workspace.training_samples / "a.jsonl", good[:3], labels)
    monkeypatch.delenv("GOLDSPAN_LABELS", raising=False)
    fixes = {criterion.name: criterion.fix for criterion in judge_workspace(workspace, labels).criteria}
    assert fixes["samples.reviewed"] == f"goldspan studio pull --data '{root}'"
    assert fixes["lint.errors"] == f"goldspan samples check '{root}/training_samples' --details"
    assert fixes["coverage.share"] == f"goldspan generate start --fill-gaps --languages de,en --data '{root}'"
    assert fixes["drift.unknown_labels"] == f"goldspan studio migrate --plan --data '{root}'"
    verdict = judge_workspace(workspace, labels, Path("our labels.toml"))
    assert verdict.criteria[0].fix == f"goldspan studio pull --data '{root}' --labels 'our labels.toml'"
    monkeypatch.chdir(tmp_path)
    root.rename(tmp_path / "data")
    for same in (Path("data"), tmp_path / "data"):
        fixes = {criterion.name: criterion.fix for criterion in judge_workspace(Workspace(same), labels).criteria}
        assert fixes["samples.reviewed"] == "goldspan studio pull"
        assert fixes["acceptance.precision"] == "goldspan acceptance data/training_samples"


def test_what_cannot_be_measured_names_a_command_that_runs(tmp_path: Path, labels: LabelSchema) -> None:
    for criterion in judge_workspace(Workspace(tmp_path), labels).criteria:
        assert criterion.passed or criterion.fix
        assert criterion.passed or "training_samples" not in criterion.fix


def test_coverage_asks_for_review_where_predictions_hold_enough(
    tmp_path: Path, good: list[Sample], labels: LabelSchema
) -> None:
    workspace = Workspace(tmp_path)
    (tmp_path / "gate.toml").write_text("[coverage]\nshare = 1.0\nshare_per_language = 0.5\n")
    write_samples(workspace.training_samples / "a.jsonl", good[:6], labels)
    german = [sample for sample in good[6:] if sample.language == "de"]
    unreviewed = [replace(sample, annotations=sample.annotations[:1]) for sample in german]
    write_samples(workspace.annotation_samples / "b.jsonl", unreviewed, labels)
    enough = with_targets(labels, CITY=18)
    whole = find_criterion(workspace, enough, "coverage.share")
    assert whole.value == pytest.approx(6 / 18)
    assert whole.detail == "CITY 33%; predictions hold enough, what is missing is review"
    assert whole.fix.startswith("goldspan studio push")
    per_language = find_criterion(workspace, enough, "coverage.share_per_language")
    assert " --languages en --data" in per_language.fix
    more = find_criterion(workspace, with_targets(labels, CITY=100), "coverage.share")
    assert " --languages de,en --data" in more.fix


def test_reasons_of_unusable_records_are_cut(tmp_path: Path, good: list[Sample], labels: LabelSchema) -> None:
    workspace = Workspace(tmp_path)
    path = workspace.training_samples / "a.jsonl"
    write_samples(path, good[:1], labels)
    task = json.loads(path.read_text())
    task["data"]["language"] = "secret " * 60
    path.write_text(json.dumps(task) + "\n")
    detail = find_criterion(workspace, labels, "lint.unusable").detail
    assert detail.startswith(f"{path}:1: ")
    assert len(detail) < len(f"{path}:1: ") + 90


def test_a_document_that_its_reviewer_calls_unusable_counts_as_not_reviewed(
    tmp_path: Path, labels: LabelSchema
) -> None:
    said = '[{"from_name": "document", "type": "choices", "value": {"choices": ["%s"]}}]'
    samples = []
    for number, choice in enumerate(("unusable", "wrong_language", "unsure", "no_entities", "")):
        prediction, review = make_sample(number).annotations
        other = said % choice if choice else ""
        samples.append(replace(make_sample(number), annotations=(prediction, replace(review, other=other))))
    workspace = Workspace(tmp_path)
    write_samples(workspace.training_samples / "p.jsonl", samples, labels)
    reviewed = ReviewedSamples(workspace, labels)
    assert [sample.sample_id for sample in reviewed] == [sample.sample_id for sample in samples[2:]]
    candidates = list(reviewed.iter_candidates(lambda error: pytest.fail(str(error))))
    assert [bool(sample.reviews) for sample in candidates] == [False, False, True, True, True]


@pytest.mark.parametrize(("where", "samples"), [("", "data"), ("sub", "../data"), ("..", "data")])
def test_commands_of_a_project_name_no_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, samples: str
) -> None:
    folder = tmp_path / "project"
    (folder / "sub").mkdir(parents=True)
    (folder / "goldspan.toml").write_text('name = "Tickets"')
    monkeypatch.setenv("GOLDSPAN_PROJECT_DIR", str(folder))
    monkeypatch.chdir(folder / where)
    commands = find_commands(Workspace(folder / "data"))
    assert commands.on_workspace("goldspan queue") == "goldspan queue"
    assert commands.on_samples("goldspan samples split") == f"goldspan samples split {samples}/training_samples"
    assert "--data" in find_commands(Workspace(tmp_path / "other")).on_workspace("goldspan queue")
