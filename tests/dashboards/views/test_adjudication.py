from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample, sort_spans
from goldspan.dashboards.views.adjudication import Pick, choose_pair, decide, list_regions

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
BY_FIRST = Annotation(Author.person("ann"))
BY_SECOND = Annotation(Author.person("bob"), (), (Mention(0, 2, "MENTION", "1", "m0"),))


def read_spans(annotation: Annotation) -> list[object]:
    return sorted(entity.span for entity in annotation.entities)


@given(entities, entities, st.sampled_from(Pick))
def test_choosing_one_side_everywhere_gives_that_side(
    first: list[Entity], second: list[Entity], mentions: Pick
) -> None:
    one, other = replace(BY_FIRST, entities=sort_spans(first)), replace(BY_SECOND, entities=sort_spans(second))
    regions = list_regions(one, other)
    for pick, side in ((Pick.FIRST, one), (Pick.SECOND, other)):
        found = decide(one, other, regions, [pick] * len(regions), mentions=mentions)
        assert read_spans(found) == read_spans(side)
        ids = [entity.id for entity in found.entities if entity.id]
        assert len(ids) == len(set(ids))
        assert found.ground_truth
    agreed = decide(one, other, regions, [Pick.NEITHER] * len(regions), mentions=mentions)
    assert set(read_spans(agreed)) == set(read_spans(one)) & set(read_spans(other))
    assert agreed.mentions == (other if mentions is Pick.SECOND else one).mentions


def test_a_decision_is_none_of_the_pair() -> None:
    verdict = replace(BY_FIRST, author=Author.person("lead"), ground_truth=True)
    assert choose_pair(Sample("x", "en", annotations=(verdict, BY_FIRST, BY_SECOND))) == (BY_FIRST, BY_SECOND)
    assert choose_pair(Sample("x", "en", annotations=(verdict, BY_FIRST))) == (BY_FIRST, verdict)
    assert choose_pair(Sample("x", "en", annotations=(BY_FIRST,))) is None


def test_of_three_people_those_who_differ_most_are_the_pair() -> None:
    third = Annotation(Author.person("cem"), (Entity(0, 3, "CITY"),))
    pair = choose_pair(Sample("x" * 9, "en", annotations=(BY_FIRST, BY_SECOND, third)))
    assert pair == (BY_FIRST, third)
