"""Facts of samples: each value with whom it belongs to, and another text that holds all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldspan.annotation.checks import check_sample
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.generators.mixing.mix import paraphrase, write_offline
from goldspan.generators.specs.paraphrase import can_paraphrase, derive_spec
from goldspan.generators.specs.spec import Spec
from goldspan.generators.surrogates.world import COUNTRIES

LABELS = load_labels()


def make_sample(tagged: str, language: str = "en", **fields: str) -> Sample:
    parsed = parse_tagged(tagged, LABELS)
    best = Annotation(Author.person("1"), parsed.entities, parsed.mentions)
    return Sample(parsed.text, language, annotations=(best,), **fields)  # type: ignore[arg-type]


def list_groups(spec: Spec) -> list[set[str]]:
    return [{entry.value for entry in spec.values if entry.person == person + 1} for person in range(spec.persons)]


@pytest.mark.parametrize(
    ("tagged", "groups"),
    [
        (
            '<m c="1"><FIRSTNAME>Ann</FIRSTNAME> <SURNAME>Lee</SURNAME></m> + <m c="2"><FIRSTNAME>Bo</FIRSTNAME></m>. '
            '<m c="1" k="PRONOUN">She</m> lives in <CITY>Leeds</CITY>; <m c="2" k="PRONOUN">he</m> is <AGE>40</AGE>.',
            [{"Ann", "Lee", "Leeds"}, {"Bo", "40"}],
        ),
        (
            "<FIRSTNAME>Ann</FIRSTNAME> <SURNAME>Lee</SURNAME> called. Ms <SURNAME>Lee</SURNAME> left.",
            [{"Ann", "Lee"}],
        ),
        (
            "<COMPANYNAME>Acme</COMPANYNAME> hire <FIRSTNAME>Kelli</FIRSTNAME> <SURNAME>Hull</SURNAME>\n"
            "<FIRSTNAME>Gwen</FIRSTNAME> <SURNAME>Moss</SURNAME> called",
            [{"Acme", "Kelli", "Hull"}, {"Gwen", "Moss"}],
        ),
        ("Flights from <CITY>Oslo</CITY> are late. <FIRSTNAME>Ann</FIRSTNAME> waits.", [{"Ann"}, {"Oslo"}]),
        (
            "Name: <FIRSTNAME>Ann</FIRSTNAME>\nCity: <CITY>Leeds</CITY>\nCity: <CITY>Leeds</CITY>",
            [{"Ann", "Leeds"}],
        ),
        ("<EMAIL>ann@example.org</EMAIL> belongs to <FIRSTNAME>Ann</FIRSTNAME>.", [{"ann@example.org", "Ann"}]),
        (
            "Mr. <SURNAME>Lee</SURNAME> came on 25. May; his number is <ZIP>LS1 4AP</ZIP>. <CITY>Oslo</CITY> is far.",
            [{"Lee", "LS1 4AP"}, {"Oslo"}],
        ),
        ("Dear all, <CITY>Leeds</CITY> and <CITY>Oslo</CITY>.", [{"Leeds", "Oslo"}]),
        ("at <STREET>Mill\n Lane</STREET>", [{"Mill Lane"}]),
    ],
)
def test_values_are_grouped_by_whom_they_belong_to(tagged: str, groups: list[set[str]]) -> None:
    assert list_groups(derive_spec(make_sample(tagged), LABELS, 1, 0)) == groups


def test_pronouns_and_names_say_the_gender() -> None:
    told = derive_spec(
        make_sample(
            '<m c="1"><SURNAME>Lee</SURNAME></m> and <m c="1" k="PRONOUN">she</m> ran. <FIRSTNAME>Oliver</FIRSTNAME>'
        ),
        LABELS, 1, 0,
    )  # fmt: skip
    assert told.genders == ("f", "m")


def test_a_sample_without_entities_cannot_be_paraphrased() -> None:
    plain = make_sample("Nothing to see here.")
    assert not can_paraphrase(plain)
    assert not can_paraphrase(replace(plain, annotations=()))
    assert derive_spec(plain, LABELS, 1, 0).hard_negative


@given(seed=st.integers(0, 10_000), language=st.sampled_from(sorted(COUNTRIES)))
@settings(max_examples=12, deadline=None)
def test_a_paraphrase_holds_every_value_of_its_sample_and_none_of_its_sentences(seed: int, language: str) -> None:
    for sample in write_offline(3, seed, (language,), LABELS):
        if not can_paraphrase(sample):
            continue
        other = paraphrase(sample, seed, LABELS)
        spec = derive_spec(sample, LABELS, seed, 0)
        assert other.best is not None
        assert not [issue for issue in check_sample(other, LABELS) if issue.is_error]
        told = {(entity.label, other.text[entity.start : entity.end].casefold()) for entity in other.best.entities}
        assert {(entry.label, entry.value.casefold()) for entry in spec.values} <= told
        assert other.text != sample.text
