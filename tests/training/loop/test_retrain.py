"""A round of the loop: when it runs, what it learns from, and what passes the door."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from goldspan.annotation.corpus.ledger import find_ledger, read_ledger
from goldspan.annotation.errors import GoldspanError, InputError, StateError
from goldspan.annotation.tasks.store import read_samples, write_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.predictors.registry import open_predictor
from goldspan.training.bundle.manifest import BundleSettings
from goldspan.training.bundle.public import freeze
from goldspan.training.bundle.verify import open_bundle
from goldspan.training.bundle.withdrawal import withdraw
from goldspan.training.loop.retrain import Retrained, RetrainSettings, count_missing, retrain
from goldspan.training.loop.state import locate_source, read_state
from tests.training.tiny_model import TOML, make_labels, make_sample

pytest.importorskip("pycrfsuite")
LABELS = make_labels()
SETTINGS = RetrainSettings(options={"least": 0}, least_test=10, similarity=1.0)


def review(number: int, queue: str = "") -> Sample:
    sample = make_sample(number)
    return replace(sample, provenance={"queue": queue} if queue else {})


def write_reviews(workspace: Workspace, samples: list[Sample]) -> None:
    workspace.training_samples.mkdir(parents=True, exist_ok=True)
    write_samples(workspace.training_samples / "project.jsonl", samples, LABELS)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "labels.toml").write_text(TOML)
    made = Workspace(tmp_path / "data")
    made.annotation_samples.mkdir(parents=True)
    waiting = [replace(make_sample(number), annotations=()) for number in range(1000, 1060)]
    write_samples(made.annotation_samples / "run.jsonl", waiting, LABELS)
    return made


def work(workspace: Workspace, settings: RetrainSettings = SETTINGS, **options: object) -> Retrained:
    return retrain(workspace, settings, labels_file=workspace.root.parent / "labels.toml", **options)  # type: ignore[arg-type]


def make_reviews(count: int) -> list[Sample]:
    return [review(number, "random" if number % 4 == 0 else "priority") for number in range(count)]


@pytest.mark.parametrize(
    ("trained_on", "reviews", "missing"), [(0, 19, 1), (0, 20, 0), (100, 119, 1), (100, 120, 0), (400, 430, 50)]
)
def test_a_round_needs_new_reviews(trained_on: int, reviews: int, missing: int) -> None:
    assert count_missing(trained_on, reviews) == missing


def test_a_better_model_is_promoted_and_the_next_batch_is_queued(workspace: Workspace) -> None:
    write_reviews(workspace, make_reviews(100))
    waiting = list(read_samples([workspace.annotation_samples], LABELS))
    found = work(workspace, pushed=[waiting[0].sample_id])
    assert found.promotion is not None
    assert found.promotion.promoted, found.promotion.reasons
    assert found.promotion.documents >= 20
    assert found.state.serving == "models/loop-1-crf"
    version = open_predictor(locate_source(workspace, found.state.serving), LABELS).model_version
    assert found.queue_file is not None
    batch = list(read_samples([found.queue_file], LABELS))
    assert found.queue is not None
    assert len(batch) == len(found.queue.entries) + 1
    assert batch[-1].sample_id == waiting[0].sample_id
    for sample in batch:
        expected = [] if sample.provenance.get("control") else [version]
        assert [one.author.name for one in sample.predictions] == expected
    assert found.queue_file.stat().st_mode & 0o077 == 0
    assert read_state(workspace, "regex") == found.state


def test_the_random_reserve_is_never_trained_on(workspace: Workspace) -> None:
    write_reviews(workspace, make_reviews(100))
    work(workspace)
    ledger = read_ledger(find_ledger(workspace))
    reserve = [one.sample_id for one in make_reviews(100) if one.provenance["queue"] == "random"]
    assert ledger.find_splits(reserve) == {"test"}


def test_the_random_reserve_is_kept_from_other_bundles_too(workspace: Workspace) -> None:
    write_reviews(workspace, make_reviews(100))
    labels_file = workspace.root.parent / "labels.toml"
    settings = BundleSettings("v1", threshold=1.0, reviewed_only=True)
    freeze(settings, labels_file=labels_file, data=workspace.root, despite_gate=True)
    reserve = {one.sample_id for one in make_reviews(100) if one.provenance["queue"] == "random"}
    test = {sample_id for split, sample_id, _ in open_bundle(workspace.bundles / "v1").iter_texts() if split == "test"}
    assert reserve <= test


def test_nothing_that_the_model_in_service_was_trained_on_decides(workspace: Workspace) -> None:
    """Later parts of documents come from the reserve: all parts move to the test split."""
    plain = [replace(review(number), provenance={}) for number in range(100, 140)]
    write_reviews(workspace, [*make_reviews(100), *plain])
    work(workspace)
    splits = {name: split for split, name, _ in open_bundle(workspace.bundles / "loop-1").iter_texts()}
    trained = [one for one in plain if splits[one.sample_id] != "test"]
    parts = [
        replace(review(number + 500, "random"), provenance={"queue": "random", "source_document": one.sample_id})
        for number, one in enumerate(trained)
    ]
    write_reviews(workspace, [*make_reviews(100), *plain, *parts])
    found = work(workspace)
    after = {name: split for split, name, _ in open_bundle(workspace.bundles / "loop-2").iter_texts()}
    assert {after[one.sample_id] for one in (*trained, *parts)} == {"test"}
    assert found.promotion is not None
    assert found.promotion.documents == 25 + len(plain) - len(trained)


def test_texts_that_a_bundle_holds_once_are_no_new_reviews(workspace: Workspace) -> None:
    reviews = make_reviews(60)
    again = [replace(one, sample_id=f"again-{number}", country="US") for number, one in enumerate(reviews[:40])]
    write_reviews(workspace, [*reviews, *again])
    assert work(workspace).missing == 0
    assert work(workspace).missing == 20


def test_a_worse_model_is_refused_and_the_old_one_serves_on(workspace: Workspace) -> None:
    """After a good round the reviews turn wrong: the model learns that, and the fixed samples tell."""
    write_reviews(workspace, make_reviews(100))
    first = work(workspace)
    nothing = (Annotation(Author.person("eve")),)
    wrong = [
        replace(one, annotations=nothing) if one.provenance["queue"] == "priority" and number % 7 else one
        for number, one in enumerate(make_reviews(160))
    ]
    write_reviews(workspace, wrong)
    second = work(workspace)
    assert second.promotion is not None
    assert not second.promotion.promoted
    assert any("strict F1" in reason for reason in second.promotion.reasons)
    assert second.state.serving == first.state.serving
    assert [one.promoted for one in read_state(workspace, "regex").rounds] == [True, False]


def test_a_model_is_promoted_for_the_labels_where_it_wins(workspace: Workspace) -> None:
    """Reviewers overlook most phone numbers, which the base finds: the CRF unlearns them, and names are won."""

    def overlook(sample: Sample, number: int) -> Sample:
        one = sample.annotations[0]
        kept = tuple(entity for entity in one.entities if entity.label != "PHONENUMBER" or number % 10 == 1)
        return replace(sample, annotations=(replace(one, entities=kept),))

    reviews = make_reviews(120)
    write_reviews(
        workspace,
        [overlook(one, number) if one.provenance["queue"] == "priority" else one for number, one in enumerate(reviews)],
    )
    found = work(workspace)
    assert found.promotion is not None
    assert (found.promotion.promoted, found.promotion.kept) == (True, ("PHONENUMBER",))
    assert found.state.serving == "models/loop-1-crf-kept"
    [done] = read_state(workspace, "regex").rounds
    assert (done.model, done.verdict["kept"]) == ("loop-1-crf-kept", ["PHONENUMBER"])
    predictor = open_predictor(locate_source(workspace, found.state.serving), LABELS)
    said = {e.label for number in range(2000, 2010) for e in predictor.predict_sync(make_sample(number).text).entities}
    assert said == {"FIRSTNAME", "CITY", "PHONENUMBER"}


def test_few_new_reviews_change_nothing_unless_forced(workspace: Workspace) -> None:
    write_reviews(workspace, make_reviews(15))
    found = work(workspace)
    assert (found.missing, found.round) == (5, None)
    assert not (workspace.root / "bundles").exists()
    forced = work(workspace, replace(SETTINGS, force=True, least_test=100))
    assert forced.promotion is not None
    assert not forced.promotion.promoted
    assert "at least 100 are needed" in forced.promotion.reasons[0]


def interrupt(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A round that is interrupted when it calls the function `step`."""

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"goldspan.training.loop.retrain.{step}", stop)
        with pytest.raises(KeyboardInterrupt):
            work(workspace)


def test_an_interrupted_round_goes_on_with_its_bundle(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    write_reviews(workspace, make_reviews(60))
    interrupt(workspace, monkeypatch, "_test")
    write_reviews(workspace, make_reviews(70))
    found = work(workspace)
    assert found.round is not None
    assert (found.round.number, found.round.trained_on) == (1, 60)
    assert [folder.name for folder in workspace.bundles.iterdir()] == ["loop-1"]


@pytest.mark.parametrize("step", ["write_batch", "write_state"])
def test_a_round_that_was_killed_before_its_end_is_done_again_with_its_queue(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write_reviews(workspace, make_reviews(60))
    interrupt(workspace, monkeypatch, step)
    found = work(workspace)
    assert found.round is not None
    assert found.round.number == 1
    assert found.queue_file is not None
    assert len(list(read_samples([found.queue_file], LABELS))) == 20
    assert work(workspace).missing > 0


@pytest.mark.parametrize("change", ["withdrawn", "another label schema"])
def test_an_interrupted_round_whose_bundle_cannot_be_used_makes_another(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """Else no round would ever pass: a user cannot name the bundle of a round."""
    write_reviews(workspace, make_reviews(60))
    interrupt(workspace, monkeypatch, "_test")
    bundle = workspace.bundles / "loop-1"
    if change == "withdrawn":
        withdraw(bundle, json.loads((bundle / "manifest.json").read_bytes()), 1, "", workspace.root)
    else:
        (workspace.root.parent / "labels.toml").write_text(TOML.replace("City", "Town"))
    found = work(workspace)
    assert found.round is not None
    assert (found.round.number, found.round.model.rpartition("-crf")[0]) == (1, "loop-1-r1")


def test_samples_reviewed_with_suggestions_of_the_model_in_service_are_counted(workspace: Workspace) -> None:
    shown = Annotation(Author.model("regex-1"))
    reviews = [replace(one, annotations=(shown, *one.annotations)) for one in make_reviews(60)]
    write_reviews(workspace, reviews)
    found = work(workspace)
    assert found.promotion is not None
    assert found.anchored == found.promotion.documents > 0


def test_nothing_to_learn_from_is_said(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="Nothing is reviewed"):
        work(workspace)


@pytest.mark.parametrize("wrong", [{"method": "magic"}, {"base": "magic"}, {"options": {"magic": 1}}])
def test_a_wrong_name_freezes_nothing(workspace: Workspace, wrong: dict[str, Any]) -> None:
    write_reviews(workspace, make_reviews(30))
    with pytest.raises(GoldspanError, match="magic"):
        work(workspace, replace(SETTINGS, **wrong))
    assert not workspace.bundles.exists()


def test_a_broken_state_is_not_overwritten(workspace: Workspace) -> None:
    write_reviews(workspace, make_reviews(60))
    (workspace.root / "loop").mkdir()
    (workspace.root / "loop" / "state.json").write_text('{"format": 1}')
    with pytest.raises(StateError, match="not the state of a loop"):
        work(workspace)
