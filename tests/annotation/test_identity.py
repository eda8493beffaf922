from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.identity import hash_text, make_sample_id, make_skeleton
from goldspan.annotation.types import Entity


@given(st.text(st.characters()), st.sampled_from(["en", "de"]))
def test_ids_are_stable_uuids_of_text_and_language(text: str, language: str) -> None:
    sample_id = make_sample_id(text, language)
    assert uuid.UUID(sample_id).version == 5
    assert sample_id == make_sample_id(text, language)
    assert sample_id != make_sample_id(text + " ", language)
    assert sample_id != make_sample_id(text, "fr")


def test_unicode_forms_are_different_texts() -> None:
    assert make_sample_id("é", "fr") != make_sample_id("e\u0301", "fr")
    assert hash_text("\r\n") != hash_text("\n")


def test_skeletons_forget_the_values() -> None:
    first = make_skeleton(
        "Ann Lee of Bath", [Entity(11, 15, "CITY"), Entity(0, 3, "FIRSTNAME"), Entity(4, 7, "SURNAME")]
    )
    assert first == "<FIRSTNAME> <SURNAME> of <CITY>"
    assert make_skeleton("Bath Road", [Entity(0, 9, "STREET"), Entity(0, 4, "CITY")]) == "<STREET>"
    assert make_skeleton("nothing", []) == "nothing"
