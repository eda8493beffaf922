from datetime import date

import pytest

from goldspan.annotation.types import Entity
from goldspan.generators.offline.elision import elide
from goldspan.generators.offline.noise import KINDS, Noise, Timeline
from goldspan.generators.offline.page import Page, has_unlabelled_repeat
from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.formats import write_long_date, write_number, write_short_date
from goldspan.generators.surrogates.numerals import write_age
from goldspan.generators.surrogates.patterns import draw_like
from goldspan.generators.surrogates.world import COUNTRIES, find_country


@pytest.mark.parametrize(
    ("language", "preposition", "title", "word", "written"),
    [
        ("fr", "de", "", "Alice", "d'"),
        ("fr", "de", "", "Éric", "d'"),
        ("fr", "de", "M.", "Adam", "de M. "),
        ("fr", "de", "", "Marie", "de "),
        ("fr", "que", "", "Yves", "que "),
        ("es", "de", "el señor", "Ruiz", "del señor "),
        ("es", "a", "el Sr.", "Ruiz", "al Sr. "),
        ("es", "a", "la señora", "Ruiz", "a la señora "),
        ("es", "de", "", "Ana", "de "),
    ],
)
def test_prepositions_melt(language: str, preposition: str, title: str, word: str, written: str) -> None:
    assert elide(language, preposition, title, word) == written


@pytest.mark.parametrize(
    ("name", "country", "language", "inside", "origin"),
    [
        ("Schweiz", "DE", "de", "in der", "aus der"),
        ("Schweiz", "CH", "de", "in der", "aus der"),
        ("USA", "DE", "de", "in den", "aus den"),
        ("Italie", "FR", "fr", "en", "d'"),
        ("Pays-Bas", "FR", "fr", "aux", "des"),
        ("Island", "DK", "da", "på", "fra"),
        ("United States", "US", "en", "in the", "from the"),
    ],
)
def test_countries_take_their_prepositions(name: str, country: str, language: str, inside: str, origin: str) -> None:
    found = find_country(name, country, language)
    assert (found.inside, found.origin) == (inside, origin)


def test_dates_and_numbers_follow_the_country() -> None:
    day = date(2025, 3, 1)
    assert write_long_date(day, "en", "US") == "March 1, 2025"
    assert write_long_date(day, "fr", "FR") == "1er mars 2025"
    assert write_long_date(day, "es", "MX") == "1 de marzo de 2025"
    assert write_short_date(day, "en", "US") == "03/01/2025"
    assert write_short_date(day, "de", "AT") == "01.03.2025"
    assert [write_number(1234.5, c) for c in ("US", "DE", "CH", "FR")] == [
        "1,234.50",
        "1.234,50",
        "1'234.50",
        "1 234,50",
    ]


@pytest.mark.parametrize(
    ("age", "language", "words"),
    [
        (42, "en", "forty-two"),
        (30, "en", "thirty"),
        (21, "de", "einundzwanzig"),
        (71, "fr", "71"),
        (51, "fr", "cinquante et un"),
        (42, "es", "cuarenta y dos"),
        (41, "es", "41"),
        (33, "nl", "drieëndertig"),
        (28, "nl", "achtentwintig"),
        (58, "da", "otteoghalvtreds"),
        (19, "da", "19"),
    ],
)
def test_ages_in_words(age: int, language: str, words: str) -> None:
    assert write_age(age, language) == words


def test_parcel_numbers_only_look_like_cards() -> None:
    from stdnum import luhn

    noise = Noise(make_random(1, 1), "en", "GB")
    for _ in range(200):
        assert not luhn.is_valid(noise.draw("tracking"))


@pytest.mark.parametrize("language", COUNTRIES)
def test_every_kind_of_noise_is_written_in_every_country(language: str) -> None:
    for country in COUNTRIES[language]:
        for kind in KINDS:
            assert Noise(make_random(2, 2), language, country).draw(kind).strip()


def test_the_moments_of_a_document_run_forward_and_mornings_come_before_evenings() -> None:
    for seed in range(20):
        timeline = Timeline(make_random(seed, 1), 900)
        moments = [timeline.draw_moment() for _ in range(60)]
        assert moments == sorted(moments)
        assert (0, 0) < moments[0] < moments[-1] <= (23, 59)
        noise = Noise(make_random(seed, 2), "de", "DE")
        assert int(noise.draw("morning").partition(":")[0]) < int(noise.draw("evening").partition(":")[0])


def test_a_page_keeps_white_space_tidy_and_offsets_right() -> None:
    page = Page("\r\n")
    page.write("Dear all, \n\n\n\n")
    page.write(" ")
    start = page.length
    page.write_entity("COMPANYNAME", "Halvora Inc.")
    page.add_mention(start, "MENTION", "1")
    page.write(". It works.  \n ")
    page.drop_trailing_space()
    assert page.text == "Dear all,\r\n\r\nHalvora Inc. It works."
    assert page.length == len(page.text)
    entity = page.entities[0]
    assert page.text[entity.start : entity.end] == "Halvora Inc."
    assert page.keep_clusters() == ()


def test_repeats_without_a_label_are_found() -> None:
    text = "Rose likes a Rose. Rosemary too."
    assert has_unlabelled_repeat(text, [Entity(0, 4, "FIRSTNAME")])
    assert not has_unlabelled_repeat(text, [Entity(0, 4, "FIRSTNAME"), Entity(13, 17, "FIRSTNAME")])


def test_values_are_drawn_like_an_example() -> None:
    drawn = draw_like(make_random(3, 3), "MRN-123456/ab")
    assert drawn[:4] == "MRN-"
    assert drawn[4:10].isdigit()
    assert drawn[11:].islower()
