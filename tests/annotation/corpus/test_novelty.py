"""Novelty of texts: near-duplicates and repeated phrases, whatever the values are."""

from __future__ import annotations

import pytest

from goldspan.annotation.corpus.novelty import NoveltyIndex
from goldspan.annotation.types import Entity
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from tests.generators.scripted import LABELS

TEXT = (
    "{} called this morning because the boiler in the cellar has been leaking since Tuesday and nobody answers the "
    "telephone of the plumber who was here in spring. Please send somebody before the weekend, or tell us what to do."
)


def mark(name: str, text: str = TEXT) -> tuple[str, list[Entity]]:
    return text.format(name), [Entity(0, len(name), "FIRSTNAME")] if text.startswith("{}") else []


@pytest.fixture
def index() -> NoveltyIndex:
    found = NoveltyIndex()
    found.add_many([mark("Maria")])
    return found


def test_nothing_is_known_at_first():
    assert NoveltyIndex().measure(*mark("Maria")).share == 1


def test_other_values_do_not_make_a_text_new(index: NoveltyIndex):
    novelty = index.measure(*mark("Jean-Luc"))
    assert (novelty.share, novelty.is_near_duplicate) == (0, True)
    assert not novelty.is_enough(0.2)


def test_a_few_other_words_do_not_either(index: NoveltyIndex):
    novelty = index.measure(*mark("Ann", TEXT.replace("Tuesday", "Monday")))
    assert novelty.is_near_duplicate
    assert 0 < novelty.share < 0.3


def test_pieces_of_many_texts_make_no_new_one(index: NoveltyIndex):
    others = ["The garden gate was found open again and two of the hens are missing since then, says the neighbour."]
    index.add_many([(others[0], ())])
    novelty = index.measure(others[0] + " " + TEXT[3:])
    assert novelty.share < 0.2


def test_another_text_is_new_and_short_ones_are_not_judged_by_their_phrases(index: NoveltyIndex):
    other = "We met at the harbour, bought tickets for the late ferry and talked about the concert until it was dark."
    assert index.measure(other).is_enough(0.9)
    index.add("See you at the harbour.")
    assert index.measure("See you at the station.").share == 1
    assert index.measure("See you at the harbour.").is_near_duplicate


def test_varied_texts_of_one_author_stay_new():
    index = NoveltyIndex()
    refused = 0
    for number in range(150):
        document = compose_document(draw_spec(5, number, ["en", "da"], LABELS), LABELS)
        refused += not index.measure(document.text, document.entities).is_enough(0.2)
        index.add(document.text, document.entities)
    assert refused <= 1
