"""Phrase families: they share no phrase, and a split keeps each on one side."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.corpus.dedupe import group_related
from goldspan.annotation.corpus.outline import outline_sample
from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import render_tagged
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.model import write_content
from goldspan.generators.runs.public import complete_settings
from goldspan.generators.runs.settings import RunSettings
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.families import EVERY, LEAST, MOST_FAMILIES, Family
from goldspan.generators.specs.spec import spec_to_dict
from goldspan.generators.stages.prose import write_message

LABELS = load_labels()


@given(st.integers(1, 12), st.lists(st.integers(), max_size=60, unique=True))
def test_families_divide_a_long_list_and_share_a_short_one(count: int, phrases: list[int]) -> None:
    chosen = [list(Family(number, count).choose(phrases)) for number in range(count)]
    if len(phrases) < LEAST * count:
        assert all(one == phrases for one in chosen)
    else:
        assert sorted(phrase for one in chosen for phrase in one) == sorted(phrases)
        assert all(len(one) >= LEAST for one in chosen)
    assert EVERY.choose(phrases) == phrases


@given(st.text(min_size=1), st.integers(1, 9))
def test_a_surname_belongs_to_one_family(surname: str, count: int) -> None:
    assert sum(Family(number, count).has_name(surname) for number in range(count)) == 1
    assert EVERY.has_name(surname)


def test_documents_of_two_families_are_never_related() -> None:
    outlines, families = [], []
    for index in range(60):
        spec = draw_spec(3, index, ("en", "da"), LABELS, families=3)
        document = compose_document(spec, LABELS)
        prediction = Annotation(Author.model("offline"), document.entities)
        provenance = {"phrase_family": f"{spec.family.number + 1}/3"}
        sample = Sample(document.text, spec.language, annotations=(prediction,), provenance=provenance)
        outlines.append(outline_sample(sample, LABELS))
        families.append(spec.family.number)
    groups = group_related(outlines).tolist()
    assert len(set(groups)) == 3
    assert len(set(zip(groups, families, strict=True))) == 3


def test_the_offline_model_writes_in_the_family_of_the_item() -> None:
    spec = draw_spec(5, 7, ("en",), LABELS, families=4)
    body = {"messages": [{"role": "user", "content": write_message("draft", spec_to_dict(spec))}]}
    document = compose_document(spec, LABELS)
    answer = json.loads(write_content(body, LABELS, families=4))
    assert answer["tagged_text"] == render_tagged(document.text, document.entities)
    assert answer != json.loads(write_content(body, LABELS))


@pytest.mark.parametrize(
    ("provider", "families", "reason"),
    [("openai", 5, "offline author"), ("offline", 1, "2 to 20"), ("offline", 21, "2 to 20")],
)
def test_families_that_cannot_be_are_refused(provider: str, families: int, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        complete_settings(RunSettings(provider=provider, samples=3, phrase_families=families))


def test_every_country_has_surnames_in_each_of_the_most_families() -> None:
    for index in range(2 * MOST_FAMILIES):
        spec = draw_spec(8, index, ("da", "es"), LABELS, families=MOST_FAMILIES)
        surnames = [entry.value for entry in spec.values if entry.label == "SURNAME"]
        assert all(spec.family.has_name(surname) for surname in surnames)
