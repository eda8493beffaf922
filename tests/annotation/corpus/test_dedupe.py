from __future__ import annotations

from dataclasses import replace

from goldspan.annotation.corpus.dedupe import ALL_REASONS, Reason, find_duplicates, group_related
from goldspan.annotation.corpus.outline import Outline, outline_sample
from goldspan.annotation.types import Annotation, Author, Entity, Sample
from tests.annotation.corpora import make_templated, make_unrelated

LONG = " ".join(f"word{number}" for number in range(40))


def test_reasons() -> None:
    outlines = [
        Outline("a", LONG + " Ann", LONG + " <FIRSTNAME>"),
        Outline("b", LONG + " Ann", LONG + " <FIRSTNAME>"),
        Outline("c", LONG + " Ann", LONG + " Ann"),
        Outline("d", LONG + " Bob", LONG + " <FIRSTNAME>"),
        Outline("e", "nothing like it", "nothing like it"),
    ]
    found = find_duplicates(outlines)
    assert found.kept == (0, 4)
    assert [(d.index, d.kept, d.reason, d.conflict) for d in found.duplicates] == [
        (1, 0, Reason.SAME_TEXT, False),
        (2, 0, Reason.SAME_TEXT, True),
        (3, 0, Reason.NEAR_TEXT, False),
    ]
    assert found.conflicts == 1
    exact = find_duplicates(outlines, reasons=[Reason.SAME_TEXT])
    assert exact.kept == (0, 3, 4)


def test_templates_are_found_on_skeletons_only() -> None:
    words = " ".join("<CITY> from to" for _ in range(12))
    outlines = [
        Outline(str(n), words.replace("<CITY>", "{}").format(*(f"c{n}x{k}" for k in range(12))), words)
        for n in range(5)
    ]
    assert len(find_duplicates(outlines).kept) == 5
    found = find_duplicates(outlines, reasons=ALL_REASONS)
    assert found.kept == (0,)
    assert found.counts == {"same_text": 0, "near_text": 0, "same_skeleton": 4, "near_skeleton": 0}


def test_the_reviewed_one_stays() -> None:
    outlines = [
        Outline("a", LONG, LONG),
        Outline("b", LONG, LONG, reviewed=True),
        Outline("c", LONG, LONG, reviewed=True),
    ]
    found = find_duplicates(outlines)
    assert found.kept == (1,)
    assert {duplicate.index for duplicate in found.duplicates} == {0, 2}


def test_every_sample_stays_or_has_a_reason() -> None:
    outlines = make_templated(20, 100) + make_unrelated(50)
    found = find_duplicates(outlines, reasons=ALL_REASONS)
    assert sorted([*found.kept, *(duplicate.index for duplicate in found.duplicates)]) == list(range(150))
    assert len(found.kept) == 70
    assert find_duplicates([]).kept == ()


def test_links_tie_samples_together() -> None:
    outlines = make_unrelated(6)
    linked = [replace(outlines[0], links=("persona:p1",)), *outlines[1:5], replace(outlines[5], links=("persona:p1",))]
    assert group_related(linked).tolist() == [0, 1, 2, 3, 4, 0]


def test_outlines_follow_the_best_reading_and_the_provenance() -> None:
    prediction = Annotation(Author.model("m"), (Entity(0, 3, "FIRSTNAME"),))
    review = Annotation(Author.person("1"), (Entity(0, 3, "SURNAME"), Entity(7, 11, "CITY")))
    original = Sample(
        "Ann in Lyon", "en", annotations=(prediction, review), provenance={"persona": "p7"}, sample_id="x"
    )
    outline = outline_sample(original)
    assert outline.skeleton == "<SURNAME> in <CITY>"
    assert outline.values == (("SURNAME", "Ann"), ("CITY", "Lyon"))
    assert outline.labels == ("SURNAME", "CITY")
    assert outline.links == ("persona:p7", "source_document:x")
    assert outline.reviewed
    translated = outline_sample(Sample("Ann à Lyon", "fr", provenance={"translation_of": "x"}))
    source = outline_sample(replace(original, provenance={"translations": ["fr"]}))
    assert set(translated.links) & set(source.links) == {"translation_of:x"}
