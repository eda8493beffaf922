from dataclasses import replace

import pytest

from goldspan.annotation.types import IMPORTED, Annotation, Author, Entity, Sample, Status
from goldspan.evaluation.matching.annotations import list_latest_predictions
from goldspan.evaluation.matching.documents import choose_prediction, fingerprint_gold, pair_gold, pair_samples


def make_sample(*annotations, text="Ann left.", sample_id="one"):
    return Sample(text, "en", annotations=annotations, sample_id=sample_id)


REVIEW = Annotation(Author.person("ann"), (Entity(0, 3, "FIRSTNAME"),), updated_at="2026-01-02")
OLD = Annotation(Author.model("toy-1"), (), updated_at="2026-01-01")
NEW = Annotation(Author.model("toy-2"), (Entity(0, 3, "SURNAME"),), updated_at="2026-01-03")


def test_gold_is_the_review_and_the_prediction_the_newest_one():
    sample = make_sample(OLD, NEW, REVIEW)
    pairing = pair_samples([sample], [sample])
    [document] = pairing.documents
    assert (document.gold, document.predicted) == (REVIEW, NEW)
    assert (pairing.gold_source, pairing.predicted_source, pairing.model) == ("review", "prediction", "toy-2")


def test_one_model_can_be_asked_for():
    sample = make_sample(OLD, NEW, REVIEW)
    assert choose_prediction(sample, "toy-1") is OLD
    assert choose_prediction(sample, "toy-3") is None
    pairing = pair_samples([sample], [sample], "toy-3")
    assert [exclusion.reason for exclusion in pairing.exclusions] == ["it has no prediction by toy-3"]


def test_without_times_the_last_prediction_is_the_newest():
    added = replace(NEW, updated_at=None)
    assert choose_prediction(make_sample(replace(OLD, updated_at=None), added)) is added
    assert choose_prediction(make_sample(OLD, added)) is added


@pytest.mark.parametrize("later", ["2026-01-01T09:00:00Z", "2026-01-01T09:30:00.5+00:00", "2026-01-01T12:00:00+03:00"])
def test_times_are_compared_whatever_their_zone_and_form(later):
    earlier = replace(OLD, updated_at="2026-01-01T10:00:00+02:00")
    newer = replace(NEW, updated_at=later)
    assert choose_prediction(make_sample(newer, earlier)) is newer
    same_model = replace(earlier, author=newer.author)
    assert list_latest_predictions(make_sample(newer, same_model)) == (newer,)


def test_a_reading_is_not_measured_against_itself():
    reviewed, unread = make_sample(NEW, REVIEW), make_sample(NEW, sample_id="unread")
    pairing = pair_samples([reviewed, unread], [reviewed, unread])
    assert [document.sample_id for document in pairing.documents] == ["one"]
    assert [exclusion.sample_id for exclusion in pairing.exclusions] == ["unread"]
    assert "the prediction itself" in pairing.exclusions[0].reason


def test_imported_predictions_that_equal_gold_are_scored():
    annotation = Annotation(IMPORTED, (Entity(0, 3, "FIRSTNAME"),))
    pairing = pair_samples([make_sample(annotation)], [make_sample(annotation)])
    assert [document.predicted for document in pairing.documents] == [annotation]


def test_other_ids_are_paired_by_a_text_that_stands_once():
    gold = [
        make_sample(REVIEW, text=text, sample_id=f"g{n}")
        for n, text in enumerate(("Ann left.", "Ann, go.", "Ann, go."))
    ]
    predicted = [make_sample(NEW, text=text, sample_id=f"p{n}") for n, text in enumerate(("Ann left.", "Ann, go."))]
    pairing = pair_samples(gold, predicted)
    assert [document.sample_id for document in pairing.documents] == ["g0"]
    assert sorted(exclusion.sample_id for exclusion in pairing.exclusions) == ["g1", "g2", "p1"]


def test_without_reviews_gold_is_the_prediction_and_the_pairing_says_so():
    pairing = pair_samples([make_sample(NEW)], [make_sample(OLD)])
    assert pairing.gold_source == "prediction"
    assert pairing.documents[0].gold is NEW


def test_without_predictions_a_review_is_scored():
    draft = replace(REVIEW, status=Status.DRAFT)
    pairing = pair_samples([make_sample(NEW)], [make_sample(draft, REVIEW)])
    assert pairing.predicted_source == "review"
    assert pairing.model == "ann"


def test_what_cannot_be_paired_is_named_with_its_reason():
    gold = [
        make_sample(REVIEW, sample_id="only gold"),
        make_sample(REVIEW, sample_id="other text"),
        make_sample(sample_id="unread"),
        make_sample(REVIEW, sample_id="no prediction"),
        make_sample(REVIEW, sample_id="twice"),
        make_sample(REVIEW, sample_id="twice"),
    ]
    predicted = [
        make_sample(NEW, sample_id="other text", text="Ann came."),
        make_sample(NEW, sample_id="unread"),
        make_sample(sample_id="no prediction"),
        make_sample(NEW, sample_id="twice"),
        make_sample(NEW, sample_id="only predicted", text="Bo left."),
    ]
    pairing = pair_samples(gold, predicted)
    assert [document.sample_id for document in pairing.documents] == ["no prediction", "twice"]
    reasons = {exclusion.sample_id: exclusion.reason for exclusion in pairing.exclusions}
    assert reasons == {
        "twice": "it is twice in gold; the first one counts",
        "only gold": "it is in gold but not predicted",
        "other text": "the texts of gold and prediction differ; export both from one version",
        "unread": "it has no annotation in gold; let a person review it",
        "only predicted": "it is predicted but not in gold",
    }


def test_a_predicted_sample_without_annotation_counts_as_nothing_found():
    gold = [make_sample(REVIEW, sample_id="read"), make_sample(REVIEW, sample_id="failed")]
    pairing = pair_samples(gold, [make_sample(NEW, sample_id="read"), make_sample(sample_id="failed")])
    failed, read = pairing.documents
    assert (failed.predicted.entities, read.failure) == ((), "")
    assert failed.failure == "the predictions hold no annotation of it"
    assert pairing.model == NEW.author.name
    alone = [*gold, make_sample(sample_id="unread")]
    assert not pair_samples(alone, alone).documents


def test_gold_alone_waits_for_a_predictor():
    pairing = pair_gold([make_sample(REVIEW), make_sample(sample_id="unread")])
    assert [document.predicted.entities for document in pairing.documents] == [()]
    assert [exclusion.sample_id for exclusion in pairing.exclusions] == ["unread"]


def test_the_fingerprint_is_that_of_texts_and_gold_in_any_order():
    one, other = make_sample(REVIEW, sample_id="a"), make_sample(REVIEW, sample_id="b")
    documents = pair_gold([one, other]).documents
    assert fingerprint_gold(documents) == fingerprint_gold(documents[::-1])
    assert fingerprint_gold(documents) == fingerprint_gold([d.with_prediction((), "x") for d in documents])
    changed = pair_gold([one, replace(other, annotations=(NEW,))]).documents
    assert fingerprint_gold(documents) != fingerprint_gold(changed)


def test_gold_outside_its_text_is_not_scored():
    broken = Sample(
        "Ann", "en", annotations=(Annotation(Author.person("p"), (Entity(0, 9, "FIRSTNAME"),)),), sample_id="b"
    )
    sound = Sample(
        "Bob", "en", annotations=(Annotation(Author.person("p"), (Entity(0, 3, "FIRSTNAME"),)),), sample_id="s"
    )
    predicted = [replace(one, annotations=(Annotation(Author.model("m")),)) for one in (broken, sound)]
    for pairing in (pair_gold([broken, sound]), pair_samples([broken, sound], predicted)):
        assert [document.sample_id for document in pairing.documents] == ["s"]
        assert [exclusion.reason for exclusion in pairing.exclusions] == [
            "a span of its gold does not lie inside the text"
        ]
