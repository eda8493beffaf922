from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Sample
from goldspan.predictors.prompting.shots import LONGEST_SHOT, Selection, ShotPool

LABELS = load_labels()


def make_shot(tagged: str, language: str = "en") -> Sample:
    parsed = parse_tagged(tagged, LABELS)
    return Sample(
        parsed.text, language, annotations=(Annotation(Author.person("a"), parsed.entities),), sample_id=tagged
    )


POOL = (
    make_shot("Invoice for <FIRSTNAME>Ann</FIRSTNAME>, due on Monday."),
    make_shot("The parcel is at the door of <CITY>Leeds</CITY>."),
    make_shot("Invoice 17 was paid, thank you."),
    make_shot("<FIRSTNAME>Tom</FIRSTNAME> of <CITY>Rome</CITY>, aged <AGE>42</AGE>."),
    make_shot("Rechnung an <FIRSTNAME>Uli</FIRSTNAME>, fällig am Montag.", "de"),
)


class Letters:
    """Embeds a text as the counts of its letters."""

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[text.count(letter) for letter in "aeinrst"] for text in texts], dtype=np.float32)


def test_per_label_shows_as_many_labels_as_possible() -> None:
    chosen = ShotPool(POOL, "per-label").choose("x", "en", 1)
    assert [shot.text for shot in chosen] == ["Tom of Rome, aged 42."]
    pool = (*POOL, make_shot("Write to <EMAIL>a@b.example</EMAIL>."))
    chosen = ShotPool(pool, "per-label").choose("x", "en", 2)
    assert {e.label for shot in chosen for e in (shot.best.entities if shot.best else ())} == {
        "FIRSTNAME",
        "CITY",
        "AGE",
        "EMAIL",
    }


def test_similar_puts_the_most_alike_last() -> None:
    chosen = ShotPool(POOL, "similar").choose("Invoice for Bob, due on Friday.", "en", 2)
    assert [shot.text for shot in chosen] == ["Invoice 17 was paid, thank you.", "Invoice for Ann, due on Monday."]


@pytest.mark.parametrize("selection", list(Selection))
@given(text=st.text(max_size=40), number=st.integers(0, 6), seed=st.integers(0, 5))
def test_every_choice_is_a_function_of_pool_text_and_seed(selection: str, text: str, number: int, seed: int) -> None:
    one, other = (ShotPool(pool, selection, seed, Letters()).choose(text, "de", number) for pool in (POOL, POOL[::-1]))
    assert one == other
    assert len(one) == len({shot.sample_id for shot in one}) == min(number, len(POOL))
    if number:
        assert one[-1].language == "de"


@pytest.mark.parametrize("selection", list(Selection))
def test_neither_the_text_itself_nor_a_long_sample_is_an_example(selection: str) -> None:
    pool = ShotPool((*POOL, make_shot("x" * (LONGEST_SHOT + 1)), Sample("bare", "en")), selection, embedder=Letters())
    texts = {shot.text for shot in pool.choose(POOL[0].text, "en", 9)}
    assert texts == {shot.text for shot in POOL[1:]}


def test_random_differs_with_text_and_seed() -> None:
    pool = tuple(make_shot(f"Note {number}.") for number in range(40))
    first = ShotPool(pool, "random").choose("one", "en", 3)
    assert first != ShotPool(pool, "random").choose("two", "en", 3)
    assert first != ShotPool(pool, "random", 1).choose("one", "en", 3)
    with pytest.raises(ConfigurationError, match="per-label, similar, embedding, random, not 'best'"):
        ShotPool(pool, "best")
