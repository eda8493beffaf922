from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Annotation, Author, Entity, Mention, sort_spans
from goldspan.dashboards.views.adjudication import Reading, decide, list_clusterings, list_regions

entities = st.lists(
    st.builds(
        lambda start, length, label, number: Entity(start, start + length, label, number),
        st.integers(0, 30),
        st.integers(1, 5),
        st.sampled_from(["CITY", "STREET"]),
        st.sampled_from(["", "a", "b", "c", "d"]),
    ),
    max_size=6,
    unique_by=lambda entity: (entity.start, entity.end, entity.label),
)
NAMES = ("ann", "bob", "cem")
BY_ANN, BY_BOB, BY_CEM = (Annotation(Author.person(name)) for name in NAMES)
MENTIONS = (Mention(0, 2, "MENTION", "1", "m0"),)


def read_spans(annotation: Annotation) -> set[object]:
    return {entity.span for entity in annotation.entities}


@given(st.lists(entities, min_size=2, max_size=3))
def test_choosing_one_person_everywhere_gives_what_that_person_marked(marked: list[list[Entity]]) -> None:
    reviews = [
        Annotation(Author.person(name), sort_spans(entities), MENTIONS if name == "bob" else ())
        for name, entities in zip(NAMES, marked, strict=False)
    ]
    regions = list_regions(reviews)
    assert all(one.end <= other.start for one, other in pairwise(regions))
    for review in reviews:
        chosen = [
            next(reading.entities for reading in region.readings if review.author.name in reading.people)
            for region in regions
        ]
        found = decide(reviews, chosen, review)
        assert read_spans(found) == read_spans(review)
        assert len(found.entities) == len(review.entities)
        assert found.mentions == review.mentions
        ids = [entity.id for entity in found.entities if entity.id]
        assert len(ids) == len(set(ids))
        assert found.ground_truth
    agreed = decide(reviews, [()] * len(regions), reviews[0])
    assert read_spans(agreed) == set.intersection(*map(read_spans, reviews))
    for region in regions:
        assert sorted(name for reading in region.readings for name in reading.people) == sorted(NAMES[: len(reviews)])
        assert len(region.readings) > 1


def test_what_a_third_person_alone_marked_is_asked_and_the_most_frequent_reading_comes_first() -> None:
    long, short, other = Entity(0, 9, "STREET"), Entity(0, 4, "CITY"), Entity(12, 15, "CITY")
    reviews = [replace(BY_ANN, entities=(long,)), BY_BOB, replace(BY_CEM, entities=(short, other))]
    first, second = list_regions(reviews)
    assert (first.start, first.end) == (0, 9)
    assert first.readings == (Reading(("ann",), (long,)), Reading(("bob",), ()), Reading(("cem",), (short,)))
    assert second.readings == (Reading(("ann", "bob"), ()), Reading(("cem",), (other,)))


def test_the_same_mentions_in_other_clusters_are_another_reading() -> None:
    together = tuple(Mention(at, at + 2, "MENTION", "1") for at in (0, 4))
    apart = tuple(replace(one, cluster=str(number)) for number, one in enumerate(together))
    alone = tuple(replace(one, cluster="") for one in together)
    reviews = [
        replace(one, mentions=mentions) for one, mentions in ((BY_ANN, together), (BY_BOB, apart), (BY_CEM, alone))
    ]
    assert list_clusterings(reviews) == [[reviews[1], reviews[2]], [reviews[0]]]
