from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.text.parts import split_sample
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample

ANN = Author.person("Ann")


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    text = draw(st.text("ab .\n。", min_size=1, max_size=120))
    cuts = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(cuts, cuts).map(sorted).filter(lambda pair: pair[0] < pair[1]), max_size=4))
    entities = tuple(Entity(start, end, "CITY") for start, end in sorted(pairs))
    mentions = tuple(Mention(start, end, "REFERENCE", "c") for start, end in sorted(pairs))
    return Sample(text, "en", annotations=(Annotation(ANN, entities, mentions, other='{"note": 1}'),), sample_id="s")


@given(samples(), st.integers(1, 40))
def test_parts_joined_are_the_text_and_no_span_is_lost_or_cut(sample: Sample, size: int) -> None:
    parts = split_sample(sample, size)
    assert "".join(part.text for part in parts) == sample.text
    start, entities, mentions = 0, [], []
    for part in parts:
        assert part.text
        entities += [(e.start + start, e.end + start) for e in part.annotations[0].entities]
        mentions += [(m.start + start, m.end + start, m.cluster) for m in part.annotations[0].mentions]
        start += len(part.text)
    assert sorted(entities) == [(e.start, e.end) for e in sample.annotations[0].entities]
    assert len(mentions) == len(sample.annotations[0].mentions)
    assert sum(bool(part.annotations[0].other) for part in parts) == 1
    assert len({part.sample_id for part in parts}) == len(parts)


def test_a_part_ends_after_a_paragraph_else_a_sentence_else_a_word() -> None:
    text = "One two. Three.\n\nFour five six seven. Eight nine ten eleven"
    parts = split_sample(Sample(text, "en"), 22)
    assert [part.text for part in parts] == ["One two. Three.\n\n", "Four five six seven. ", "Eight nine ten eleven"]
    assert [part.provenance["part"] for part in parts] == ["1/3", "2/3", "3/3"]
    assert len({part.provenance["source_document"] for part in parts}) == 1


def test_a_text_without_boundary_and_a_short_one_stay_whole() -> None:
    for text in ("x" * 100, "short"):
        sample = Sample(text, "en")
        assert split_sample(sample, 10) == (sample,) if text == "short" else len(split_sample(sample, 10)) == 1
