"""Noise after tagging: spans stay on their words, values keep their characters, equal seeds give equal texts."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import Entity, Mention
from goldspan.generators.noise.apply import REGISTERS, add_noise, find_changeable
from goldspan.generators.noise.edits import Edit, apply_edits
from goldspan.generators.noise.kinds import KINDS
from goldspan.generators.noise.wrappers import WRAPPERS

TEXT = (
    "Señora Müller came from Århus, O'Neill wrote; the polyclinic at 5 Mill Lane was closed.\nIlona called <b>twice</b>"
)


@st.composite
def tagged_texts(draw: st.DrawFn) -> Tagged:
    text = draw(st.text(st.sampled_from("abcdefghlmnorst ABÉßøœ.,;\n<0😀"), min_size=1, max_size=120))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), min_size=2, max_size=8)))
    pairs = list(zip(cuts[::2], cuts[1::2], strict=False))
    entities = tuple(Entity(start, end, draw(st.sampled_from(("CITY", "IBAN")))) for start, end in pairs)
    outer = tuple(Mention(start, end, "MENTION", "1") for start, end in pairs if draw(st.booleans()))
    return Tagged(text, entities, outer)


@given(
    tagged=tagged_texts(),
    seed=st.integers(0, 2**32),
    rate=st.sampled_from((0.1, 0.6, 1.0)),
    kind=st.sampled_from(sorted(KINDS)),
)
def test_values_keep_every_character_whatever_happens_around_them(
    tagged: Tagged, seed: int, rate: float, kind: str
) -> None:
    noisy = add_noise(tagged, Random(seed), {kind: rate}, "en")
    surfaces = [(e.label, tagged.text[e.start : e.end]) for e in tagged.entities]
    assert [(e.label, noisy.text[e.start : e.end]) for e in noisy.entities] == surfaces
    assert [noisy.text[m.start : m.end] for m in noisy.mentions] == [
        tagged.text[m.start : m.end] for m in tagged.mentions
    ]
    assert noisy == add_noise(tagged, Random(seed), {kind: rate}, "en")


@given(tagged=tagged_texts(), seed=st.integers(0, 2**32), kind=st.sampled_from(sorted(KINDS)))
def test_only_labels_that_are_named_change(tagged: Tagged, seed: int, kind: str) -> None:
    noisy = add_noise(tagged, Random(seed), {kind: 1.0}, "de", inside={"CITY"})
    assert len(noisy.entities) == len(tagged.entities)
    for before, after in zip(tagged.entities, noisy.entities, strict=True):
        assert after.start < after.end
        if before.label == "IBAN":
            assert noisy.text[after.start : after.end] == tagged.text[before.start : before.end]


@given(tagged=tagged_texts(), data=st.data())
def test_edits_outside_spans_move_them_as_far_as_the_text_grows(tagged: Tagged, data: st.DataObject) -> None:
    closed = [(e.start, e.end) for e in tagged.entities]
    places = [i for i in range(len(tagged.text) + 1) if not any(start < i < end for start, end in closed)]
    chosen = sorted(data.draw(st.sets(st.sampled_from(places), max_size=6)))
    edited = apply_edits(tagged, [Edit(place, place, "##") for place in chosen])
    assert edited.text.replace("##", "") == tagged.text.replace("##", "")
    assert [edited.text[e.start : e.end] for e in edited.entities] == [
        tagged.text[e.start : e.end] for e in tagged.entities
    ]


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(2, 6, "x")],
        [Edit(0, 2, "x"), Edit(1, 3, "y")],
        [Edit(0, 1, "x"), Edit(0, 1, "y")],
        [Edit(4, 8, "")],
        [Edit(9, 30, "x")],
    ],
)
def test_edits_that_would_tear_a_span_are_refused(edits: list[Edit]) -> None:
    tagged = Tagged("abc defg hi", (Entity(4, 8, "CITY"),))
    with pytest.raises(InputError):
        apply_edits(tagged, edits)


def test_kinds_do_what_they_say() -> None:
    def noise(kind: str, rate: float = 1.0, language: str = "en") -> str:
        return add_noise(Tagged(TEXT), Random(4), {kind: rate}, language).text

    assert noise("lower") == TEXT.lower()
    assert noise("upper") == TEXT.upper()
    assert all(word[0].isupper() for word in re.findall(r"[^\W\d_]{4,}", noise("title")))
    assert noise("title").lower() == TEXT.lower()
    assert noise("diacritics").startswith("Senora Muller came from Aarhus")
    assert noise("quote").splitlines()[1].startswith("> Ilona")
    assert "-\n" in noise("hyphenation")
    assert noise("typos") != TEXT
    assert "äh" in noise("fillers", 1.0, "de") or "also" in noise("fillers", 1.0, "de")
    assert noise("punctuation").count(",") == 0
    assert len(noise("ocr").split()) == len(TEXT.split())


def test_registers_name_kinds_that_exist_and_others_are_refused() -> None:
    assert {kind for rates in REGISTERS.values() for kind in rates} <= {*KINDS, *WRAPPERS}
    with pytest.raises(UnknownNameError):
        add_noise(Tagged("x"), Random(1), {"smudge": 1.0}, "en")


def test_values_with_a_check_are_never_changeable() -> None:
    labels = load_labels()
    changeable = find_changeable(labels)
    assert "CITY" in changeable
    assert not changeable & set(labels.validators)
