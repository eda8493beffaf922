import pytest

from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.outside import draw_mention, draw_name_part, draw_name_parts
from goldspan.generators.surrogates.world import (
    COUNTRIES,
    MENTIONED,
    find_country,
    load_countries,
    load_mentioned,
    load_names,
    load_places,
)

PLACES = [(language, country) for language, countries in COUNTRIES.items() for country in countries]
KINDS = {
    "Person": {"FIRSTNAME", "SURNAME"},
    "Family": {"SURNAME"},
    "First": {"FIRSTNAME"},
    "Company": {"COMPANYNAME"},
    "Brand": {"COMPANYNAME"},
    "Media": {"COMPANYNAME"},
    "Team": {"COMPANYNAME"},
    "City": {"CITY"},
    "Town": {"CITY"},
    "Dateline": {"CITY"},
    "Place": {"CITY", "", "COUNTRY"},
    "Region": {"CITY", "", "STATE"},
    "State": {"STATE"},
    "Country": {"COUNTRY"},
    "Street": {"STREET"},
    "House": {"BUILDINGNUM"},
    "Age": {"AGE"},
    "Handle": {"USERNAME"},
    "Product": {""},
    "Term": {""},
}


@pytest.mark.parametrize(("language", "country"), PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_drawn_with_its_labels_in_every_country(kind: str, language: str, country: str) -> None:
    rng = make_random(1, 1, kind, language, country)
    drawn = [draw_mention(rng, kind, language, country) for _ in range(60)]
    assert {label for parts in drawn for label, _ in parts} == KINDS[kind]
    assert all(value.strip() == value != "" for parts in drawn for _, value in parts)
    assert len(set(drawn)) >= (5 if kind == "State" else 20)


@pytest.mark.parametrize("language", COUNTRIES)
def test_a_language_knows_nearly_all_countries_and_many_cities_and_organisations(language: str) -> None:
    sizes = {kind: len(load_mentioned(kind, language)) for kind in MENTIONED}
    assert len(load_countries(language)) > 170
    assert min(sizes.values()) >= 25
    assert min(sizes["cities"], sizes["companies"]) >= 50
    assert not any("(" in name for kind in MENTIONED for name in load_mentioned(kind, language))
    assert all(
        (name.count(",") == 1) == (kind == "places") for kind in MENTIONED for name in load_mentioned(kind, language)
    )


@pytest.mark.parametrize("kind", ["Family", "First", "City", "Company"])
def test_parts_of_names_are_plain_names(kind: str) -> None:
    rng = make_random(2, 2, kind)
    assert len({draw_name_part(rng, kind, "nl", "BE") for _ in range(60)}) >= 20


def test_cities_that_all_the_world_knows_have_their_name_in_the_language_of_the_text() -> None:
    rng = make_random(8, 8)
    drawn = {draw_mention(rng, "City", "nl", "NL")[0][1] for _ in range(3000)}
    foreign = {name for language in COUNTRIES for name in load_mentioned("cities", language)}
    homes = {
        place.city for language, countries in COUNTRIES.items() for c in countries for place in load_places(c, language)
    }
    assert not (drawn & foreign) - set(load_mentioned("cities", "nl")) - homes


def test_names_of_men_alone_can_be_asked_for() -> None:
    rng, country = make_random(3, 3), "FR"
    known = load_names("fr", country)
    drawn = {draw_mention(rng, kind, "fr", country)[0][1] for kind in ("m:Person", "m:First") for _ in range(200)}
    assert not {name for name in drawn if name in known["f"] and name not in known["m"]}


@pytest.mark.parametrize("language", COUNTRIES)
def test_the_article_of_a_body_is_no_part_of_its_name(language: str) -> None:
    rng = make_random(5, 5, language)
    articles = {"en": {"the"}, "de": {"der", "die", "das"}, "fr": {"l'", "la", "le"}, "es": {"el", "la"}}
    allowed = (articles | {"nl": {"de", "het"}, "da": set()})[language]
    for _ in range(80):
        *before, (label, name) = draw_mention(rng, "Body", language, COUNTRIES[language][0])
        assert label == "COMPANYNAME"
        assert name.partition(" ")[0] not in allowed
        assert [part for part in before if part[0] or part[1] not in allowed] == []


@pytest.mark.parametrize("language", COUNTRIES)
def test_a_country_stands_after_the_words_that_its_name_takes(language: str) -> None:
    rng = make_random(4, 4, language)
    for form in ("in", "from", "the"):
        for _ in range(40):
            *before, (label, name) = draw_mention(rng, f"{form}:Country", language, COUNTRIES[language][0])
            known = find_country(name, COUNTRIES[language][0], language)
            words = {"in": known.inside, "from": known.origin, "the": known.article}[form]
            assert label == "COUNTRY"
            assert before == ([("", words)] if words else [])


@pytest.mark.parametrize(("language", "country"), PLACES)
def test_lists_of_names_hold_each_name_once(language: str, country: str) -> None:
    known = {
        "First": {name for key in "fm" for name in load_names(language, country)[key]},
        "Family": set(load_names(language, country)["last"]),
        "City": {*(place.city for place in load_places(country, language)), *load_mentioned("cities", language)},
    }
    for kind, names in known.items():
        drawn = draw_name_parts(make_random(1, 2, kind), kind, language, country, 60)
        assert len(set(drawn)) == len(drawn) == 60
        assert names.issuperset(drawn)
        assert len(draw_name_parts(make_random(1, 2, kind), kind, language, country, 10_000)) <= len(names)
