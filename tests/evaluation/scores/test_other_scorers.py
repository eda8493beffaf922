"""Where other scorers agree with ours, and each known fault of theirs where ours differs."""

from random import Random

import pytest

from goldspan.annotation.types import Span
from goldspan.evaluation.matching.match import match_spans
from goldspan.evaluation.scores.spans import Scheme, SpanCounts, count_matches
from goldspan.evaluation.scores.strict import score_strict

LABELS = ("CITY", "EMAIL", "SURNAME")
TOKENS = 30


def make_spans(random: Random) -> list[Span]:
    """Spans over token numbers that do not overlap."""
    spans, place = [], random.randint(0, 3)
    while place < TOKENS - 3:
        end = place + random.randint(1, 3)
        spans.append(Span(place, end, random.choice(LABELS)))
        place = end + random.randint(0, 4)
    return spans


def disturb(spans: list[Span], random: Random) -> list[Span]:
    """The spans with some missed, relabelled or shortened."""
    disturbed = []
    for span in spans:
        dice = random.random()
        if dice < 0.1:
            continue
        if dice < 0.2:
            span = span._replace(label=random.choice(LABELS))
        elif dice < 0.3 and span.end - span.start > 1:
            span = span._replace(end=span.end - 1)
        disturbed.append(span)
    return disturbed


@pytest.fixture(scope="module")
def corpus() -> list[tuple[list[Span], list[Span]]]:
    random = Random(5)
    golds = [make_spans(random) if random.random() > 0.1 else [] for _ in range(200)]
    return [(gold, disturb(gold, random)) for gold in golds]


@pytest.fixture(scope="module")
def ours(corpus) -> dict[str, SpanCounts]:
    return score_strict([gold for gold, _ in corpus], [predicted for _, predicted in corpus])


def write_iob2(spans: list[Span]) -> list[str]:
    tags = ["O"] * TOKENS
    for span in spans:
        for place in range(span.start, span.end):
            tags[place] = ("B-" if place == span.start else "I-") + span.label
    return tags


def test_agrees_with_spacy(corpus, ours):
    spacy = pytest.importorskip("spacy")
    from spacy.scorer import Scorer
    from spacy.tokens import Doc
    from spacy.training import Example

    vocab = spacy.blank("en").vocab

    def make_doc(spans):
        doc = Doc(vocab, words=[f"w{number}" for number in range(TOKENS)])
        doc.set_ents([spacy.tokens.Span(doc, s.start, s.end, s.label) for s in spans], default="outside")
        return doc

    examples = [Example(make_doc(predicted), make_doc(gold)) for gold, predicted in corpus]
    theirs = Scorer.score_spans(examples, "ents")
    total = sum(ours.values(), SpanCounts())
    assert theirs["ents_p"] == pytest.approx(total.precision)
    assert theirs["ents_r"] == pytest.approx(total.recall)
    assert theirs["ents_f"] == pytest.approx(total.measure_f())
    for label, counts in ours.items():
        assert theirs["ents_per_type"][label]["f"] == pytest.approx(counts.measure_f())


def test_agrees_with_seqeval_in_strict_mode(corpus, ours):
    pytest.importorskip("seqeval")
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOB2

    report = classification_report(
        [write_iob2(gold) for gold, _ in corpus],
        [write_iob2(predicted) for _, predicted in corpus],
        mode="strict",
        scheme=IOB2,
        output_dict=True,
    )
    for label, counts in ours.items():
        assert report[label]["precision"] == pytest.approx(counts.precision)
        assert report[label]["recall"] == pytest.approx(counts.recall)
        assert report[label]["support"] == counts.gold
    assert report["micro avg"]["f1-score"] == pytest.approx(sum(ours.values(), SpanCounts()).measure_f())


def test_seqeval_in_its_default_mode_forgives_tags_that_say_something_else():
    metrics = pytest.importorskip("seqeval.metrics")
    gold, predicted = [["B-CITY", "I-CITY", "O"]], [["I-CITY", "I-CITY", "O"]]
    assert metrics.f1_score(gold, predicted) == 1.0
    from seqeval.scheme import IOB2

    assert metrics.f1_score(gold, predicted, mode="strict", scheme=IOB2, zero_division=0) == 0.0


def test_seqeval_cannot_see_an_error_inside_a_token():
    metrics = pytest.importorskip("seqeval.metrics")
    # "in Lyon." as tokens `in`, `Lyon.`: [3, 7) and [3, 8) give the same tags.
    assert metrics.f1_score([["O", "B-CITY"]], [["O", "B-CITY"]]) == 1.0
    assert count_matches(match_spans([Span(3, 7, "CITY")], [Span(3, 8, "CITY")]), Scheme.STRICT).found == 0


def score_nervaluate(gold, predicted, tags=LABELS):
    nervaluate = pytest.importorskip("nervaluate")

    def convert(spans):
        return [{"label": span.label, "start": span.start, "end": span.end} for span in spans]

    evaluator = nervaluate.Evaluator(
        [convert(spans) for spans in gold], [convert(spans) for spans in predicted], tags=list(tags), loader="dict"
    )
    return evaluator.evaluate()["overall"]["strict"]


def test_agrees_with_nervaluate_where_spans_keep_apart(corpus, ours):
    apart = [
        [[span._replace(start=10 * span.start, end=10 * span.end - 5) for span in side] for side in pair]
        for pair in corpus
    ]
    theirs = score_nervaluate([gold for gold, _ in apart], [predicted for _, predicted in apart])
    total = sum(ours.values(), SpanCounts())
    assert (theirs.correct, theirs.possible, theirs.actual) == (total.found, total.gold, total.predicted)


def test_nervaluate_depends_on_the_order_of_predictions():
    gold = [Span(0, 10, "CITY")]
    predicted = [Span(0, 10, "CITY"), Span(0, 4, "CITY")]
    theirs = {score_nervaluate([gold], [order]).correct for order in (predicted, predicted[::-1])}
    assert theirs == {0, 1}
    ours = {count_matches(match_spans(gold, order), Scheme.STRICT) for order in (predicted, predicted[::-1])}
    assert ours == {SpanCounts(1, 2, 1, 1)}


def test_nervaluate_takes_touching_spans_for_overlapping():
    gold = [Span(4, 9, "SURNAME")]
    predicted = [Span(0, 4, "CITY"), Span(4, 9, "SURNAME")]
    theirs = score_nervaluate([gold], [predicted])
    assert (theirs.correct, theirs.possible) == (0, 1)
    assert count_matches(match_spans(gold, predicted), Scheme.STRICT) == SpanCounts(1, 2, 1, 1)


def test_nervaluate_drops_labels_that_it_was_not_told_of():
    gold, predicted = [Span(0, 4, "CITY")], [Span(0, 4, "CITY"), Span(10, 14, "URL")]
    assert score_nervaluate([gold], [predicted]).actual == 1
    assert count_matches(match_spans(gold, predicted), Scheme.STRICT).predicted == 2


def test_nervaluate_stumbles_over_a_first_document_without_entities():
    nervaluate = pytest.importorskip("nervaluate")
    spans = [{"label": "CITY", "start": 0, "end": 3}]
    with pytest.raises(IndexError):
        nervaluate.Evaluator([[], spans], [[], spans], tags=["CITY"])
    assert score_strict([[], [Span(0, 4, "CITY")]], [[], [Span(0, 4, "CITY")]]) == {"CITY": SpanCounts(1, 1, 1, 1)}
