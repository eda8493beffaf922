from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import InputError, TerminalServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.samples.commands import app
from goldspan.evaluation.audit.audit import audit_samples
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.public import freeze
from goldspan.training.gate.judge import judge_workspace
from tests.evaluation.audit.corruption import corrupt

NAMES = ("Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana")


class Lexicon(LocalPredictor):
    """Labels every word that it was taught."""

    name = "lexicon"
    labels = frozenset({"FIRSTNAME", "CITY"})

    def __init__(self, words: dict[str, str]) -> None:
        self._words = words

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        if any("unreadable" in text.text for text in texts):
            raise TerminalServiceError("too hard")
        found = []
        for text in texts:
            places = [(text.text.find(word), word) for word in self._words]
            entities = [Entity(at, at + len(word), self._words[word]) for at, word in places if at >= 0]
            found.append(Annotation(Author.model(self.model_version), tuple(sorted(entities, key=lambda e: e.start))))
        return found


def teach(samples: Sequence[Sample]) -> Lexicon:
    words = {s.text[e.start : e.end]: e.label for s in samples for e in s.best.entities}
    return Lexicon({word: label for word, label in words.items() if word[0].isupper()})


def make(number: int, entities: bool = True) -> Sample:
    name, city = NAMES[number % 8], ("Rome", "Oslo", "Lima")[number % 3]
    text = (
        f"{name} went to {city} on day {number} and saw {number * 7919 % 1000} birds in the park near station {number}."
    )
    gold = (Entity(0, len(name), "FIRSTNAME"), Entity(text.index(city), text.index(city) + len(city), "CITY"))
    review = Annotation(Author.person("ann"), gold if entities else gold[1:])
    return Sample(text, "en", "GB", annotations=(review,), sample_id=f"s{number:03}")


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return [make(number, entities=number != 17) for number in range(60)]


def test_a_second_predictor_finds_what_gold_lacks(samples: list[Sample]) -> None:
    audit = audit_samples(samples, teach(samples))
    [finding] = audit.findings
    assert (finding.sample_id, finding.kind.value, finding.suggested.span) == ("s017", "missing", (0, 3, "FIRSTNAME"))
    [queued] = audit.iter_queue()
    assert queued.reviews == samples[17].reviews
    assert queued.predictions[-1].entities == make(17).best.entities
    assert queued.predictions[-1].author.name == "audit-lexicon-1"
    assert queued.predictions[-1].score == pytest.approx(finding.confidence)


def test_failures_are_named_and_the_rest_is_audited(samples: list[Sample]) -> None:
    hard = Sample("This is unreadable.", "en", annotations=samples[0].annotations, sample_id="hard")
    audit = audit_samples([*samples, hard], teach(samples))
    assert audit.failures == (("hard", "too hard"),)
    assert len(audit.samples) == 60
    with pytest.raises(InputError, match="nothing to audit"):
        audit_samples([Sample("No gold.", "en", sample_id="x")], teach(samples))


def test_corrupted_gold_comes_first(samples: list[Sample]) -> None:
    corrupted, places = corrupt(samples, share=0.1, seed=3)
    assert places
    audit = audit_samples(corrupted, teach(samples))
    first = list(audit.ranking)[: len(places)]
    assert len(set(first) & set(places)) >= 0.8 * len(places)


def test_the_command_writes_a_queue_and_a_ledger_that_gate_and_bundle_can_require(
    tmp_path: Path, labels: LabelSchema
) -> None:
    mail = "ann.lee@firm.test"
    text = "Please write to {} about the {} of the {} before noon, thank you."
    rows = []
    for number in range(12):
        filled = text.format(mail, f"offer number {number} {'x' * number}", f"garden {number * number}")
        entity = Entity(filled.index(mail), filled.index(mail) + len(mail), "EMAIL")
        review = Annotation(Author.person("ann"), () if number == 4 else (entity,), updated_at="2026-01-01T00:00:00Z")
        rows.append(Sample(filled, "en", "GB", annotations=(review,), sample_id=f"m{number}"))
    data = tmp_path / "data"
    write_samples(data / "training_samples" / "p.jsonl", rows, labels)
    options = ["--data", str(data), "--json"]
    shown = CliRunner().invoke(app, ["audit", "--predictor", "regex", "--min-confidence", "0.2", *options])
    assert shown.exit_code == 0, shown.output
    report = orjson.loads(shown.stdout)
    assert report["ledger"] == {"clean": 11, "open": 1, "confirmed": 0, "corrected": 0}
    assert [finding["sample_id"] for finding in report["findings"]] == ["m4"]
    [queued] = read_samples([Path(report["queue"])], labels)
    assert queued.predictions[-1].entities[0].label == "EMAIL"
    settings = BundleSettings("v1", reviewed_only=True, audited_only=True)
    bundle = freeze(settings, [data / "training_samples"], data=data)
    assert bundle.manifest["data"]["left_out"] == {"not_audited": 1}
    (data / "gate.toml").write_text("[audit]\nsettled = 1.0\n")
    [criterion] = judge_workspace(Workspace(data), labels).criteria
    assert (criterion.name, criterion.value, criterion.passed) == ("audit.settled", 11 / 12, False)
    fixed = Annotation(Author.person("bob"), queued.predictions[-1].entities, updated_at="2099-01-01T00:00:00Z")
    rows[4] = replace(rows[4], annotations=(fixed,))
    write_samples(data / "training_samples" / "p.jsonl", rows, labels)
    shown = CliRunner().invoke(app, ["audit", *options])
    report = orjson.loads(shown.stdout)
    assert report["ledger"] == {"clean": 11, "open": 0, "confirmed": 0, "corrected": 1}
    assert (report["settled"], report["samples"]) == (12, 12)
    [criterion] = judge_workspace(Workspace(data), labels).criteria
    assert (criterion.name, criterion.value, criterion.passed) == ("audit.settled", 1.0, True)
