"""Lexicons: every phrase expands, every value can be told, and grammar agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from goldspan.annotation.errors import SchemaError
from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.offline import lexicon as lexicons
from goldspan.generators.offline.elision import elide_last
from goldspan.generators.offline.frames import draw_frame
from goldspan.generators.offline.grammar import Choice, Slot, Template, parse_template
from goldspan.generators.offline.lexicon import load_lexicon
from goldspan.generators.offline.marks import drop_marks
from goldspan.generators.offline.noise import Noise
from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.world import COUNTRIES

LANGUAGES = tuple(COUNTRIES)
PEOPLE = ("pair", "pair_first", "interplay", "cataphora", "org", "institution", "nameless", "nested", "nested_first")


def walk(template: Template) -> list[Slot]:
    slots: list[Slot] = []
    for node in template.nodes:
        if isinstance(node, Choice):
            slots += [slot for option in node.options for slot in walk(option)]
        elif isinstance(node, Slot):
            slots.append(node)
            slots += [inner for phrase in node.phrases for inner in walk(phrase)]
            slots += [node.inner] if node.inner else []
    return slots


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_expands_and_leaves_no_slot(language: str) -> None:
    noise = Noise(make_random(3, 3), language, COUNTRIES[language][0])
    for name in load_lexicon(language).phrases:
        for _ in range(25):
            text = re.sub(r"\{\w*/\w*\}", "", noise.draw(name)) if name.startswith("of_") else noise.draw(name)
            assert not re.search(r"<|[{}]|(?<!\A)>|\$[A-Za-z]", text), (name, text)
            assert "  " not in text, (name, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_is_told_in_every_view_with_phrases_that_exist(language: str) -> None:
    country = COUNTRIES[language][0]
    noise = Noise(make_random(4, 4), language, country)
    for label in load_labels().entity_codes - {"FIRSTNAME", "SURNAME"}:
        for view in ("first", "third", "card"):
            for index in range(30):
                frame = draw_frame(make_random(index, 1, label), language, country, view, label)
                assert frame is not None, (label, view)
                slots = walk(frame)
                told = {
                    "COUNTRY" if slot.kind == "country" else slot.name
                    for slot in slots
                    if slot.kind in {"value", "country"}
                }
                assert told == {label} or any(slot.name == "address_city" for slot in slots), (frame.source, told)
                assert "$" not in frame.source, frame.source
                for slot in slots:
                    if slot.kind == "noise":
                        assert isinstance(noise.draw(slot.name), str)


@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_about_people_parse_and_hold_at_least_one_referent(language: str) -> None:
    noise = Noise(make_random(5, 5), language, COUNTRIES[language][0])
    frames = load_lexicon(language).frames
    for name in PEOPLE:
        for source in frames[name]:
            slots = walk(parse_template(source))
            assert any(slot.person for slot in slots), source
            for slot in slots:
                if slot.kind == "noise":
                    assert isinstance(noise.draw(slot.name), str)


@pytest.mark.parametrize(
    ("language", "country", "pattern"),
    [
        ("de", "DE", r"(der|die|das) [A-ZÄÖÜ]"),
        ("fr", "FR", r"(le|la) [^aeéèêiou]|l'"),
        ("es", "ES", r"(el|la) "),
        ("nl", "NL", r"(de|het) "),
        ("en", "GB", r"the "),
    ],
)
def test_determiners_fit_their_nouns(language: str, country: str, pattern: str) -> None:
    noise = Noise(make_random(6, 6), language, country)
    for _ in range(200):
        assert re.match(pattern, noise.draw("the:paper"))
    assert noise.draw("The:paper")[0].isupper()


def test_danish_nouns_take_their_article_as_a_suffix() -> None:
    noise = Noise(make_random(7, 7), "da", "DK")
    for _ in range(100):
        assert re.search(r"(en|et|n|t)\Z", noise.draw("den:paper"))
        assert re.match(r"(en|et) ", noise.draw("en:paper"))


def test_verbs_stand_second_in_main_clauses_and_last_in_subordinate_ones() -> None:
    noise = Noise(make_random(8, 8), "de", "DE")
    verbs = tuple({p.verb for predicates in load_lexicon("de").predicates.values() for p in predicates})
    for _ in range(100):
        assert noise.draw("&paper").split()[-1].endswith(verbs)
        assert noise.draw("^paper").split()[0] in verbs


@pytest.mark.parametrize(
    ("phrase", "changed", "message"),
    [
        ("<weekday>", "<weekdy>", "weekdy"),
        ('"<+Any> (<link>)"', '"[<word>](<link>)"', "no organisation"),
        ('"<+Any> (<link>)"', '"[ Radio <!City> ]"', "no organisation"),
    ],
)
def test_a_phrase_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phrase: str, changed: str, message: str
) -> None:
    source = (Path(lexicons.__file__).parent / "lexicon" / "en.toml").read_text(encoding="utf-8")
    assert phrase in source
    (tmp_path / "lexicon").mkdir()
    (tmp_path / "lexicon" / "xx.toml").write_text(source.replace(phrase, changed, 1), encoding="utf-8")
    monkeypatch.setattr(lexicons, "__file__", str(tmp_path / "lexicon.py"))
    with pytest.raises(SchemaError, match=message):
        load_lexicon("xx")


def test_a_separable_verb_is_one_word_at_the_end_of_a_subordinate_clause() -> None:
    for language, joined in (("de", "ankam|anzeigte|ausfiel"), ("nl", "aankwam|aangaf|uitviel")):
        noise = Noise(make_random(9, 9), language, COUNTRIES[language][0])
        clauses = [noise.draw(f"&{name}") for name in ("paper", "device") for _ in range(150)]
        assert sum(bool(re.search(rf"(?:{joined})\Z", clause)) for clause in clauses) > 10
        particles = load_lexicon(language).particles
        assert not [clause for clause in clauses if clause.split()[-2] in particles]


def test_a_clause_without_subject_follows_a_name_and_agrees_with_nobody() -> None:
    for language in LANGUAGES:
        noise = Noise(make_random(10, 10), language, COUNTRIES[language][0])
        clauses = {noise.draw(f"*{name}") for name in ("figure", "group", "affair") for _ in range(60)}
        assert len(clauses) > 30
        assert not [clause for clause in clauses if "{" in clause]


def test_a_text_that_names_nobody_has_no_clause_that_does() -> None:
    for language in LANGUAGES:
        noise = Noise(make_random(11, 11), language, COUNTRIES[language][0], naming=False)
        for name in ("group", "figure", "affair", "life"):
            for _ in range(60):
                clause = noise.draw(f"+{name}")
                assert clause == drop_marks(clause)


@pytest.mark.parametrize(
    ("language", "before", "after", "expected"),
    [
        ("fr", "Bourse de ", "Ayent", "Bourse d'"),
        ("fr", "il dit que ", "Anne", "il dit qu'"),
        ("fr", "De ", "Évian", "D'"),
        ("fr", "avec le ", "Optatecix", "avec l'"),
        ("fr", "Le ", "Umsys", "L'"),
        ("fr", "l'avis du ", "Elobra", "l'avis de l'"),
        ("fr", "au ", "onzième", "au "),
        ("fr", "code ", "Anne", "code "),
        ("fr", "rue de ", "Lyon", "rue de "),
        ("es", "calle de ", "Ana", "calle de "),
        ("en", "A ", "Italian", "An "),
        ("en", "met a ", "engineer", "met an "),
        ("en", "A ", "European", "A "),
        ("en", "the data ", "Italian", "the data "),
    ],
)
def test_a_word_takes_the_form_that_the_drawn_word_after_it_asks_for(
    language: str, before: str, after: str, expected: str
) -> None:
    assert elide_last(language, before, after) == expected


def test_a_dutch_modal_stands_before_its_infinitives_in_a_subordinate_clause() -> None:
    noise = Noise(make_random(6, 6), "nl", "NL")
    clauses = {noise.draw("sentence") for _ in range(900)}
    assert not any("@" in clause for clause in clauses)
    assert not any(re.search(r"worden afgestempeld moet|wachten kan", clause) for clause in clauses)
    assert any("moet worden afgestempeld" in clause or "worden afgestempeld" in clause for clause in clauses)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "parts",
    [
        [("FIRSTNAME", "Ann"), ("SURNAME", "Leeson")],
        [("SURNAME", "van Wijk")],
        [("COMPANYNAME", "Hartzig & Co")],
        [("CITY", "Lundmark")],
        [("COUNTRY", "Atlantis")],
    ],
)
def test_a_sentence_about_a_value_holds_it_once_as_it_is(language: str, parts: list[tuple[str, str]]) -> None:
    noise = Noise(make_random(7, 7), language, COUNTRIES[language][0])
    told = [noise.draw_about(parts) for _ in range(30)]
    assert len(set(told)) > 20
    value = " ".join(value for _, value in parts)
    assert all(drop_marks(text).count(value) == 1 for text in told if text)
    assert noise.draw_about([("IBAN", "DE1")]) == ""
