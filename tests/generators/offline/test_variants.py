"""Words of one country: British and American, Spanish and Mexican, Swiss German."""

from __future__ import annotations

import pytest

from goldspan.generators.offline.page import Page
from goldspan.generators.offline.variants import find_spelling


@pytest.mark.parametrize(
    ("language", "country", "text", "spelled"),
    [
        (
            "en",
            "US",
            "The lift in the car park needs a flat tyre.",
            "The elevator in the parking lot needs an apartment tyre.",
        ),
        ("en", "US", "Centre of the neighbours", "Center of the neighbors"),
        ("en", "US", "the airlift and the lifting", "the airlift and the lifting"),
        (
            "en",
            "GB",
            "He apologized to mom; the lift rose by 5 percent.",
            "He apologised to mum; the lift rose by 5 per cent.",
        ),
        ("es", "MX", "El ordenador del piso", "El equipo del departamento"),
        ("es", "ES", "El ordenador del piso", "El ordenador del piso"),
        ("de", "CH", "Die Straße mit dem Fahrrad", "Die Strasse mit dem Velo"),
        ("de", "DE", "Die Straße mit dem Fahrrad", "Die Straße mit dem Fahrrad"),
        ("da", "DK", "Gade", "Gade"),
    ],
)
def test_text_is_spelled_as_in_its_country(language: str, country: str, text: str, spelled: str) -> None:
    assert find_spelling(language, country)(text) == spelled


def test_values_keep_their_spelling() -> None:
    page = Page(spell=find_spelling("en", "US"))
    page.write("We met at the car park of ")
    page.write_entity("COMPANYNAME", "Centre Car park Ltd")
    assert page.text == "We met at the parking lot of Centre Car park Ltd"
