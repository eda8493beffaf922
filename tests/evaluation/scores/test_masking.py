import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, Mention
from goldspan.evaluation.matching.levels import unite
from goldspan.evaluation.scores.masking import (
    MaskingCounts,
    count_leaks_by_label,
    count_masking,
    measure_shared,
    measure_stretches,
)

entities = st.lists(
    st.builds(
        lambda start, length, label: Entity(start, start + length, label),
        st.integers(0, 40),
        st.integers(1, 9),
        st.sampled_from(("CITY", "EMAIL", "SURNAME")),
    ),
    max_size=6,
)
LENGTH = 50


def test_characters_are_counted_whatever_the_label(labels):
    gold = [Entity(0, 10, "SURNAME"), Entity(20, 30, "CITY")]
    predicted = [Entity(0, 8, "EMAIL"), Entity(25, 35, "CITY")]
    counts = count_masking(100, gold, predicted, labels)
    assert (counts.gold, counts.masked, counts.hidden) == (20, 18, 13)
    assert counts.recall == 13 / 20
    assert counts.precision == 13 / 18
    assert counts.leakage_rate == 7 / 20
    assert counts.over_masking_rate == 5 / 80
    assert counts.zero_leak_rate == 0.0
    assert counts.measure_f(2) == pytest.approx(5 * 13 / (4 * 20 + 18))


def test_overlapping_and_nested_spans_count_once(labels):
    counts = count_masking(20, [Entity(0, 10, "URL"), Entity(2, 6, "USERNAME")], [Entity(0, 10, "URL")] * 2, labels)
    assert (counts.gold, counts.masked, counts.hidden) == (10, 10, 10)


def test_documents_without_personal_data_have_no_leakage_and_no_part_in_the_leak_rate(labels):
    clean = count_masking(50, [], [Entity(0, 5, "CITY")], labels)
    assert clean.leakage_rate is None
    assert clean.zero_leak_rate is None
    assert clean.over_masking_rate == 0.1
    leaking = count_masking(50, [Entity(0, 5, "CITY")], [], labels)
    hidden = count_masking(50, [Entity(0, 5, "CITY")], [Entity(0, 5, "CITY")], labels)
    assert (clean + leaking + hidden).zero_leak_rate == 0.5


def test_nothing_anywhere_gives_none(labels):
    counts = count_masking(0, [], [], labels)
    described = counts.describe(2.0)
    rates = ("precision", "recall", "f1_score", "f_beta", "leakage_rate", "zero_leak_rate", "over_masking_rate")
    assert all(described[name] is None for name in rates)
    assert described["entity_recall"] == {"direct": None, "quasi": None}


def test_masking_everything_leaks_nothing_and_hides_all_the_rest(labels):
    counts = count_masking(100, [Entity(0, 20, "SURNAME")], [Entity(0, 100, "PII")], labels)
    assert (counts.leakage_rate, counts.zero_leak_rate, counts.over_masking_rate) == (0.0, 1.0, 1.0)


def test_an_entity_is_hidden_only_if_all_its_occurrences_are(labels):
    gold = [Entity(0, 5, "SURNAME"), Entity(20, 25, "SURNAME"), Entity(40, 44, "CITY")]
    mentions = [Mention(0, 5, "MENTION", "1"), Mention(20, 25, "MENTION", "1")]
    first_only = [Entity(0, 5, "SURNAME"), Entity(40, 44, "CITY")]
    clustered = count_masking(50, gold, first_only, labels, mentions)
    assert clustered.entities == {"direct": (0, 1), "quasi": (1, 1)}
    assert clustered.measure_entity_recall("direct") == 0.0
    alone = count_masking(50, gold, first_only, labels)
    assert alone.entities == {"direct": (1, 2), "quasi": (1, 1)}


def test_leaks_by_label(labels):
    gold = [Entity(0, 10, "CITY"), Entity(20, 24, "CITY"), Entity(30, 32, "AGE")]
    assert count_leaks_by_label(gold, [Entity(5, 24, "EMAIL")], labels) == {"CITY": (5, 14), "AGE": (2, 2)}


def test_a_label_that_is_no_personal_data_hides_nothing(labels):
    impersonal = dataclasses.replace(labels["AGE"], kind="none")
    schema = LabelSchema(tuple(impersonal if label.code == "AGE" else label for label in labels.labels))
    gold, predicted = [Entity(0, 4, "CITY")], [Entity(0, 4, "AGE")]
    assert count_masking(10, gold, predicted, schema).hidden == 0
    assert count_leaks_by_label(gold, predicted, schema) == {"CITY": (4, 4)}


@given(entities, entities)
def test_against_sets_of_characters(labels, gold, predicted):
    wanted = {place for entity in gold for place in range(entity.start, entity.end)}
    masked = {place for entity in predicted for place in range(entity.start, entity.end)}
    counts = count_masking(LENGTH, gold, predicted, labels)
    assert (counts.gold, counts.masked, counts.hidden) == (len(wanted), len(masked), len(wanted & masked))
    assert measure_shared(unite(gold), unite(predicted)) == len(wanted & masked)
    assert measure_stretches(unite(gold)) == len(wanted)


@given(entities, entities, entities)
def test_more_masks_never_leak_more(labels, gold, predicted, more):
    before = count_masking(LENGTH, gold, predicted, labels)
    after = count_masking(LENGTH, gold, predicted + more, labels)
    assert after.hidden >= before.hidden
    assert after.exposed <= before.exposed


@given(entities, entities)
def test_counts_add_up(labels, gold, predicted):
    one = count_masking(LENGTH, gold, predicted, labels)
    total = one + MaskingCounts() + one
    assert (total.gold, total.hidden, total.sensitive) == (2 * one.gold, 2 * one.hidden, 2 * one.sensitive)
    assert total.recall == one.recall


@given(entities, st.lists(st.tuples(st.integers(-20, 90), st.integers(1, 60)), max_size=4))
def test_what_is_predicted_outside_the_text_masks_nothing(labels, gold, places):
    predicted = [Entity(start, start + length, "CITY") for start, length in places]
    counts = count_masking(LENGTH, gold, predicted, labels)
    assert counts.masked == len(
        {n for start, length in places for n in range(start, start + length)} & {*range(LENGTH)}
    )
    assert counts.hidden <= counts.masked <= LENGTH
