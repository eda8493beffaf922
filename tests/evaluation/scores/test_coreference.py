from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.types import Annotation, Author, Mention
from goldspan.evaluation.scores.coreference import (
    Cluster,
    Clusters,
    RatioCounts,
    build_clusters,
    count_b_cubed,
    count_ceaf_entities,
    count_lea,
    count_links,
    count_mentions,
    count_muc,
    score_annotations,
    score_coreference,
)


def read(notation: str) -> list[Cluster]:
    """`abc de` is two clusters; each letter is a mention."""
    return [frozenset((ord(letter), ord(letter) + 1) for letter in word) for word in notation.split()]


def rounded(counts: RatioCounts) -> tuple[float | None, float | None, float | None]:
    return tuple(None if value is None else round(value, 3) for value in shares(counts))


def shares(counts: RatioCounts) -> tuple[float | None, float | None, float | None]:
    return counts.recall, counts.precision, counts.f1


class TestPradhan2014:
    """Key {a,b,c} {d,e,f,g} against response {a,b} {c,d} {f,g,h,i}: the worked example of the reference scorer."""

    gold, predicted = read("abc defg"), read("ab cd fghi")

    def test_mentions(self) -> None:
        assert rounded(count_mentions(self.gold, self.predicted))[:2] == (0.857, 0.75)

    def test_muc(self) -> None:
        assert rounded(count_muc(self.gold, self.predicted)) == (0.4, 0.4, 0.4)

    def test_b_cubed(self) -> None:
        assert rounded(count_b_cubed(self.gold, self.predicted)) == (0.417, 0.5, 0.455)

    def test_ceaf_e(self) -> None:
        assert rounded(count_ceaf_entities(self.gold, self.predicted)) == (0.65, 0.433, 0.52)

    def test_lea_as_in_moosavi_and_strube_2016(self) -> None:
        assert rounded(count_lea(self.gold, self.predicted))[:2] == (0.238, 0.333)

    def test_links(self) -> None:
        assert rounded(count_links(self.gold, self.predicted))[:2] == (round(2 / 9, 3), round(2 / 8, 3))

    def test_conll(self) -> None:
        scores = score_coreference([(self.gold, self.predicted)])
        assert scores.conll == pytest.approx((0.4 + 0.4545 + 0.52) / 3, abs=1e-3)


@pytest.mark.parametrize(
    ("response", "muc", "b_cubed"),
    [
        ("12345 6789ABC", (1.0, 0.9, 0.947), (1.0, 0.762, 0.865)),
        ("1234589ABC 67", (1.0, 0.9, 0.947), (1.0, 0.583, 0.737)),
    ],
)
def test_bagga_and_baldwin_1998(response: str, muc: tuple[float, ...], b_cubed: tuple[float, ...]) -> None:
    gold = read("12345 67 89ABC")
    assert rounded(count_muc(gold, read(response))) == muc
    assert rounded(count_b_cubed(gold, read(response))) == b_cubed


@pytest.mark.parametrize(
    ("response", "muc", "b_cubed", "ceaf_e"),
    [
        ("12345 6789ABC", 0.947, 0.865, 0.733),
        ("1234589ABC 67", 0.947, 0.737, 0.667),
        ("123456789ABC", 0.9, 0.545, 0.294),
        ("1 2 3 4 5 6 7 8 9 A B C", 0.0, 0.4, 0.178),
    ],
)
def test_luo_2005_table_of_four_responses(response: str, muc: float | None, b_cubed: float, ceaf_e: float) -> None:
    gold = read("12345 67 89ABC")
    assert rounded(count_muc(gold, read(response)))[2] == muc
    assert rounded(count_b_cubed(gold, read(response)))[2] == b_cubed
    assert rounded(count_ceaf_entities(gold, read(response)))[2] == ceaf_e


@pytest.mark.parametrize(("response", "recall"), [("AB CD", 2 / 3), ("AB C D", 1 / 3), ("ABCD", 1.0), ("A B C D", 0.0)])
def test_vilain_1995_recall(response: str, recall: float) -> None:
    assert count_muc(read("ABCD"), read(response)).recall == pytest.approx(recall)


class TestSingletons:
    def test_lea_links_a_singleton_to_itself(self) -> None:
        assert count_lea(read("a bc"), read("a bc")).recall == 1.0
        assert count_lea(read("a b c"), read("abc")).recall == 0.0
        assert count_lea(read("a"), read("b")).recall == 0.0

    def test_muc_is_blind_to_singletons(self) -> None:
        assert rounded(count_muc(read("a b"), read("a b"))) == (None, None, None)

    def test_they_are_left_out_unless_asked_for(self) -> None:
        annotation = Annotation(
            Author.person("ann"),
            mentions=(
                Mention(0, 3, "MENTION", "1"),
                Mention(5, 8, "PRONOUN", "1"),
                Mention(9, 12, "MENTION", "2"),
                Mention(13, 15, "MENTION"),
                Mention(16, 18, "MENTION"),
            ),
        )
        assert build_clusters(annotation) == (frozenset({(0, 3), (5, 8)}),)
        assert len(build_clusters(annotation, singletons=True)) == 4
        scores = score_annotations([(annotation, annotation)], singletons=True)
        assert scores.singletons
        assert scores.b_cubed.recall_whole == 5

    def test_a_place_belongs_to_one_cluster(self) -> None:
        mentions = (Mention(0, 3, "MENTION", "1"), Mention(0, 3, "MENTION", "2"), Mention(4, 5, "PRONOUN", "1"))
        assert build_clusters(Annotation(Author.model("m"), mentions=mentions)) == (frozenset({(0, 3), (4, 5)}),)


def test_empty_sides_give_none_not_zero() -> None:
    scores = score_coreference([([], [])])
    assert scores.to_json()["b_cubed"] == {"precision": None, "recall": None, "f1_score": None}
    assert scores.conll is None
    assert score_coreference([(read("ab"), [])]).b_cubed.recall == 0.0
    assert score_coreference([(read("ab"), [])]).b_cubed.precision is None


@st.composite
def partitions(draw: st.DrawFn) -> list[Cluster]:
    homes = draw(st.lists(st.integers(-1, 4), min_size=12, max_size=12))
    groups: dict[int, set[tuple[int, int]]] = {}
    for place, home in enumerate(homes):
        if home >= 0:
            groups.setdefault(home, set()).add((place, place + 1))
    return [frozenset(group) for group in groups.values()]


MEASURES = [count_muc, count_b_cubed, count_ceaf_entities, count_lea, count_links, count_mentions]


@pytest.mark.parametrize("measure", MEASURES)
@given(gold=partitions(), predicted=partitions(), random=st.randoms())
def test_every_measure_is_symmetric_bounded_and_order_free(measure, gold, predicted, random) -> None:
    counts = measure(gold, predicted)
    swapped = measure(predicted, gold)
    assert shares(counts)[:2] == pytest.approx(shares(swapped)[1::-1])
    assert all(value is None or -1e-12 <= value <= 1 + 1e-12 for value in (counts.recall, counts.precision, counts.f1))
    shuffled: Clusters = random.sample(gold, len(gold))
    again = measure(shuffled, random.sample(predicted, len(predicted)))
    assert shares(again) == pytest.approx(shares(counts))


@pytest.mark.parametrize("measure", MEASURES)
@given(gold=partitions())
def test_gold_against_itself_is_perfect(measure, gold) -> None:
    assert rounded(measure(gold, gold)) in {(1.0, 1.0, 1.0), (None, None, None)}


@given(st.lists(st.tuples(partitions(), partitions()), max_size=4))
def test_documents_add_up(pairs: list[tuple[list[Cluster], list[Cluster]]]) -> None:
    together = score_coreference(pairs)
    assert together.documents == len(pairs)
    summed = RatioCounts()
    for gold, predicted in pairs:
        summed += count_b_cubed(gold, predicted)
    assert together.b_cubed == summed
