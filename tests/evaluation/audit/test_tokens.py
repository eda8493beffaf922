"""The audit by folds: token probabilities find the errors put in, and random samples measure what remains."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from goldspan.annotation.errors import TerminalServiceError
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.cli.samples.commands import app
from goldspan.evaluation.audit.audit import Audit, Opinions, audit_tokens, list_cautions
from goldspan.evaluation.audit.ledger import AuditLedger, AuditStatus, ResidualErrors
from goldspan.evaluation.audit.tokens import GoldTokens
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.crf.tagger import CrfTagger
from goldspan.training.methods.crf import CrfSettings, train_crf
from goldspan.training.methods.examples import join_examples
from tests.evaluation.audit.corruption import corrupt
from tests.training.tiny_model import TOML, WORDS, make_labels, make_sample

pytest.importorskip("pycrfsuite")
LABELS = make_labels()


def make_varied(number: int) -> Sample:
    """A tiny sample among words of its own, so that no two samples are related."""
    draw = random.Random(number)
    lead = " ".join(f"{draw.choice(WORDS)}{draw.randint(0, 9999)}" for _ in range(24))
    sample = make_sample(number)
    (gold,) = sample.annotations
    shift = len(lead) + 2
    moved = tuple(Entity(e.start + shift, e.end + shift, e.label) for e in gold.entities)
    return replace(sample, text=f"{lead}. {sample.text}", annotations=(replace(gold, entities=moved, mentions=()),))


def train(samples: Sequence[Sample], opinions: Opinions) -> CrfTagger:
    return CrfTagger(train_crf(join_examples(samples, opinions), CrfSettings(base="", iterations=80, copies=0)).model)


@pytest.fixture(scope="module")
def corrupted() -> tuple[list[Sample], dict[str, set[int]]]:
    return corrupt([make_varied(number) for number in range(120)], share=0.1, seed=2)


@pytest.fixture(scope="module")
def audit(corrupted: tuple[list[Sample], dict[str, set[int]]]) -> Audit:
    return audit_tokens(corrupted[0], train, LABELS, folds=3)


def test_most_of_what_is_shown_first_is_wrong(
    audit: Audit, corrupted: tuple[list[Sample], dict[str, set[int]]]
) -> None:
    places = corrupted[1]
    errors = sum(map(len, places.values()))
    first = audit.findings[:20]
    hits = [bool({e.start for e in (one.gold, one.suggested) if e} & places.get(one.sample_id, set())) for one in first]
    assert sum(hits) >= 0.75 * len(hits)
    touched = {(one.sample_id, e.start) for one in audit.findings[:errors] for e in (one.gold, one.suggested) if e} & {
        (name, start) for name, starts in places.items() for start in starts
    }
    assert len(touched) >= 0.6 * errors
    assert len(audit.findings) <= 50


def test_the_worst_token_ranks_samples(audit: Audit, corrupted: tuple[list[Sample], dict[str, set[int]]]) -> None:
    order = list(audit.ranking)
    assert [audit.worst[name] for name in order] == sorted((audit.worst[name] for name in order), reverse=True)
    head = order[: len(corrupted[1]) // 2]
    assert sum(name in corrupted[1] for name in head) >= 0.7 * len(head)


def test_a_fifth_of_the_queue_is_random_and_looks_like_the_rest(audit: Audit) -> None:
    queue = list(audit.iter_queue())
    drawn = set(audit.list_random())
    assert len(drawn) == len(audit.ranking) // 4 > 0
    assert [one.sample_id in drawn for one in queue[:10]] == [False] * 4 + [True] + [False] * 4 + [True]
    assert len({one.predictions[-1].author for one in queue}) == 1
    assert len({frozenset(one.provenance) for one in queue}) == 1
    for one in queue:
        if one.sample_id in drawn:
            assert one.best is not None
            assert one.predictions[-1].entities == one.best.entities


def test_the_token_after_a_span_tells_of_a_border_too_early() -> None:
    given = GoldTokens(((0, 3), (4, 7), (8, 11)), ("ulm", "am", "see"), ("CITY", "O", "O"), (), (0.9, 0.2, 0.8))
    assert given.doubt(Entity(0, 3, "CITY")) == pytest.approx(0.8)
    assert given.doubt(Entity(8, 11, "CITY")) == pytest.approx(0.2)
    assert given.worst == pytest.approx(0.8)
    assert (GoldTokens((), (), ()).worst, given.doubt(Entity(20, 22, "CITY"))) == (0.0, 0.0)


def test_what_remains_is_measured_on_decided_random_samples() -> None:
    samples = [make_varied(number) for number in range(6)]
    names = [one.sample_id for one in samples]
    ledger = AuditLedger().record_audit(samples, [], "a", random=names[:4])
    assert ledger.measure_residual() == ResidualErrors(0, 0, None)
    later = "2099-01-01T00:00:00Z"
    kept = [replace(one, annotations=(replace(one.annotations[0], updated_at=later),)) for one in samples[:2]]
    fixed = replace(samples[2], annotations=(Annotation(Author.person("bob"), updated_at=later),))
    decided = ledger.record_decisions([*kept, fixed, *samples[3:]])
    residual = decided.measure_residual()
    assert (residual.corrected, residual.decided) == (1, 3)
    assert residual.interval is not None
    assert residual.interval[0] < 1 / 3 < residual.interval[1]
    assert decided.entries[names[3]].status is AuditStatus.OPEN
    assert decided.entries[names[4]].status is AuditStatus.CLEAN


def test_small_audits_are_cautioned() -> None:
    cautions = list_cautions([make_varied(number) for number in range(12)])
    assert len(cautions) == 2
    assert "Only 12 samples" in cautions[0]
    assert "CITY" in cautions[1]


def test_the_command_audits_by_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corrupted: tuple[list[Sample], dict[str, set[int]]]
) -> None:
    (tmp_path / "labels.toml").write_text(TOML)
    monkeypatch.setenv("GOLDSPAN_LABELS", str(tmp_path / "labels.toml"))
    data = tmp_path / "data"
    write_samples(data / "training_samples" / "p.jsonl", corrupted[0][:60], LABELS)
    options = ["--data", str(data), "--json"]
    shown = CliRunner().invoke(app, ["audit", "--folds", "2", "--budget", "12", *options])
    assert shown.exit_code == 0, shown.output
    report = orjson.loads(shown.stdout)
    assert (report["auditor"], len(report["findings"])) == ("2-fold-crf", 12)
    queue = list(read_samples([Path(report["queue"])], LABELS))
    assert len(queue) == len(report["ranking"]) + len(report["random"])
    assert report["ledger"]["open"] == len(queue)
    assert CliRunner().invoke(app, ["audit", "--folds", "1", *options]).exit_code != 0
    both = CliRunner().invoke(app, ["audit", "--folds", "2", "--predictor", "regex", *options])
    assert orjson.loads(both.stdout)["auditor"] == "2-fold-crf-regex"


def test_a_second_predictor_that_knows_better_is_trusted(
    audit: Audit, corrupted: tuple[list[Sample], dict[str, set[int]]]
) -> None:
    class Oracle(LocalPredictor):
        """Finds the true entities, but fails on one text."""

        name, labels = "oracle", LABELS.entity_codes

        def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
            if any(text.text == corrupted[0][0].text for text in texts):
                raise TerminalServiceError("too hard")
            return [Annotation(Author.model("oracle"), truth[text.text]) for text in texts]

    truth = {one.text: one.annotations[0].entities for one in (make_varied(number) for number in range(120))}
    samples, places = corrupted
    errors = sum(map(len, places.values()))
    found = audit_tokens(samples, train, LABELS, folds=2, second=Oracle())
    hits = [
        {e.start for e in (one.gold, one.suggested) if e} & places.get(one.sample_id, set()) for one in found.findings
    ]
    assert sum(map(bool, hits[: errors // 2])) >= 0.95 * (errors // 2)
    assert [name for name, _ in found.failures] == [samples[0].sample_id]
    assert len(found.samples) == len(samples) - 1
