"""Wrong suggestions on purpose: few, recorded, the same each time, and read back from reviews."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.corpus.seeding import read_seeded, seed_errors
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from goldspan.evaluation.people.acceptance import measure_acceptance
from tests.strategies import LABELS, samples

CODES = sorted(LABELS.entity_codes)
TEXT = "Ann lives in Oslo with many friends"


def make(number: int, *entities: Entity) -> Sample:
    shown = Annotation(Author.model("m"), entities or (Entity(0, 3, "FIRSTNAME"), Entity(13, 17, "CITY")))
    return Sample(TEXT, "en", annotations=(shown,), sample_id=f"s{number}", provenance={"queue": "priority"})


def test_a_share_of_the_samples_gets_one_wrong_suggestion() -> None:
    plain = [make(number) for number in range(1000)]
    seeded = seed_errors(plain, 0.1, CODES)
    assert seeded == seed_errors(plain, 0.1, CODES)
    changed = [(one, other) for one, other in zip(plain, seeded, strict=True) if one != other]
    assert 60 <= len(changed) <= 140
    more = seed_errors(plain, 0.2, CODES)
    assert {o.sample_id for _, o in changed} <= {o.sample_id for o in more if read_seeded(o)}
    for one, other in changed:
        (wrong,) = read_seeded(other)
        before, after = one.annotations[0].entities, other.annotations[0].entities
        assert wrong in after
        assert wrong not in before
        assert len({e.span for e in after} - {e.span for e in before}) == 1
    assert {len(o.annotations[0].entities) for _, o in changed} == {2, 3}


@given(samples(), st.floats(0, 1))
def test_spans_stay_sound(sample: Sample, share: float) -> None:
    (seeded,) = seed_errors([replace(sample, sample_id="s")], share, CODES)
    entities = seeded.annotations[0].entities
    assert all(0 <= e.start < e.end <= len(sample.text) and e.label in LABELS.entity_codes for e in entities)
    assert list(entities) == sorted(entities, key=lambda e: (e.start, -e.end, e.label))


def test_without_a_prediction_there_is_nothing_to_spoil() -> None:
    bare = replace(make(1), annotations=())
    assert seed_errors([bare], 1.0, CODES) == [bare]


@pytest.mark.parametrize("recorded", [None, "x", [], [{"start": 1}], [3]])
def test_what_is_no_record_is_no_suggestion(recorded: object) -> None:
    assert read_seeded(replace(make(1), provenance={"seeded": recorded})) == ()


def test_what_reviewers_left_standing_is_the_automation_bias_and_nothing_else() -> None:
    reviewed = []
    for number, one in enumerate(seed_errors([make(number) for number in range(10)], 1.0, CODES)):
        left = one.annotations[0].entities if number < 3 else make(0).annotations[0].entities
        reviewed.append(replace(one, annotations=(*one.annotations, Annotation(Author.person("ann"), left))))
    report = measure_acceptance(reviewed)
    assert (report.automation.seen, report.automation.left, report.automation.rate) == (10, 3, pytest.approx(0.3))
    assert report.reviews == ()
    assert report.to_json()["automation_bias"]["ci95"][1] > 0.3
