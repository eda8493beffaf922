from __future__ import annotations

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import Tagged
from goldspan.generators.offline.author import compose_document
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import SpecConstraints
from goldspan.generators.surrogates.world import COUNTRIES, load_mentioned, load_names, load_places

LABELS = load_labels()


def list_known_names(language: str, country: str) -> set[str]:
    names = load_names(language, country)
    places = {place.city for place in load_places(country, language)}
    return {*names["f"], *names["m"], *names["last"], *places, *load_mentioned("cities", language)}


def compose(language: str, document_type: str, index: int) -> tuple[str, Tagged]:
    wanted = SpecConstraints(language=language, document_type=document_type, hard_negative=True)
    spec = draw_spec(3, index, (language,), LABELS, wanted=wanted)
    return spec.country, compose_document(spec, LABELS)


@pytest.mark.parametrize("language", COUNTRIES)
def test_texts_without_entities_list_names_that_are_nobody_s(language: str) -> None:
    for index, document_type in enumerate(("news", "delivery_note", "form", "hr_memo", "email_thread")):
        country, document = compose(language, document_type, index)
        assert (document.entities, document.mentions) == ((), ())
        known = list_known_names(language, country)
        assert sum(name in document.text for name in known) > 25


@pytest.mark.parametrize("document_type", ["chat", "sms", "voice_note", "phone_transcript", "log", "rental_contract"])
def test_conversations_and_contracts_list_no_names(document_type: str) -> None:
    for index in range(12):
        country, document = compose("en", document_type, index)
        names = load_names("en", country)
        assert sum(f" {name}," in document.text for name in (*names["f"], *names["m"])) < 5
