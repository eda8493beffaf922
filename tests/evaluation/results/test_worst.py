import pytest

from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.evaluation.matching.documents import Document, pair_samples
from goldspan.evaluation.results.worst import hide_text, list_worst


def test_the_worst_come_first_and_right_ones_are_left_out(labels, samples):
    documents = pair_samples(samples, samples).documents
    worst = list_worst(documents, labels)
    assert [document.sample_id for document in worst] == ["sample-0", "sample-2", "sample-1", "sample-4"]
    assert [document.leaked for document in worst] == [4, 4, 0, 0]
    assert len(list_worst(documents, labels, top=2)) == 2


def test_differences_are_tagged_text(make_document, labels):
    document = make_document("<CITY>Lyon</CITY> is far.", "<STATE>Lyon</STATE> is far.")
    [worst] = list_worst([document], labels, show_text=True)
    [difference] = worst.differences
    assert (difference.gold, difference.predicted) == ("<CITY>Lyon</CITY> is far.", "<STATE>Lyon</STATE> is far.")


def test_text_is_hidden_unless_asked_for(make_document, labels):
    document = make_document("<CITY>Lyon</CITY> is far.", "Lyon is far.")
    [worst] = list_worst([document], labels)
    [difference] = worst.differences
    assert (difference.gold, difference.predicted) == ("<CITY>····</CITY> ·· ····", "···· ·· ····")
    assert hide_text("a\n b\t9!") == "·\n ·\t··"


@pytest.mark.parametrize("show_text", [True, False])
def test_reports_carry_text_only_where_asked(labels, samples, show_text):
    worst = list_worst(pair_samples(samples, samples).documents, labels, show_text=show_text)
    written = str([document.to_json() for document in worst])
    for word in ("Maria", "Santos", "Lyon", "moved", "noon", "Honnef", "Rose"):
        assert (word in written) is show_text


def test_long_texts_are_shown_around_errors_only_and_never_cut_a_span(labels):
    text = "x" * 30 + " " + "Santos" + " y" * 200 + " Lyon " + "z " * 100
    place = text.index("Lyon")
    gold = (Entity(31, 37, "SURNAME"), Entity(place, place + 4, "CITY"), Entity(place + 6, place + 106, "URL"))
    predicted = (Entity(31, 37, "SURNAME"), Entity(place + 6, place + 106, "URL"))
    document = Document("s", text, Annotation(Author.person("a"), gold), Annotation(Author.model("m"), predicted))
    [worst] = list_worst([document], labels, show_text=True)
    [difference] = worst.differences
    assert (difference.start, difference.end) == (place - 40, place + 106)
    assert difference.gold.count("<URL>") == difference.predicted.count("</URL>") == 1


def test_crossing_predictions_are_listed_even_if_they_cannot_be_drawn(labels):
    text = "Ann Lee Smith left"
    document = Document(
        "s",
        text,
        Annotation(Author.person("a"), (Entity(0, 3, "FIRSTNAME"),)),
        Annotation(Author.model("m"), (Entity(0, 7, "FIRSTNAME"), Entity(4, 13, "SURNAME"))),
    )
    [worst] = list_worst([document], labels, show_text=True)
    assert len(worst.errors) == 2
    assert worst.differences[0].predicted == "<FIRSTNAME>Ann Lee</FIRSTNAME> Smith left"


@pytest.mark.parametrize(("start", "end"), [(4, 99), (50, 60), (4, 4)])
def test_predictions_that_cannot_be_written_into_the_text_are_listed(labels, start, end):
    gold = Annotation(Author.person("a"), (Entity(0, 3, "FIRSTNAME"),))
    predicted = Annotation(Author.model("m"), (Entity(start, end, "SURNAME"),))
    [worst] = list_worst([Document("s", "Ann left", gold, predicted)], labels, show_text=True)
    assert {(one.predicted or one.gold).start for one in worst.errors} == {0, start}
    assert [difference.gold for difference in worst.differences] == ["<FIRSTNAME>Ann</FIRSTNAME> left"]
