from __future__ import annotations

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import Tagged
from goldspan.generators.offline.author import compose_document
from goldspan.generators.offline.lexicon import load_lexicon
from goldspan.generators.offline.noise import Noise
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import SpecConstraints
from goldspan.generators.surrogates.chance import make_random
from goldspan.generators.surrogates.world import COUNTRIES

LABELS = load_labels()
NAMES = {"FIRSTNAME", "SURNAME"}
OPENINGS = {
    "en": ("no way", "shoutout to", "told you"), "de": ("ich sag doch", "grüße an", "alle sagen:"),
    "fr": ("non mais", "bisous à", "tout le monde dit"), "es": ("lo dije,", "saludos a", "todos dicen"),
    "nl": ("nee joh", "groetjes aan", "iedereen zegt"), "da": ("jeg sagde det jo", "hilsen til", "alle siger"),
}  # fmt: skip


def compose_all(language: str, document_type: str, count: int) -> list[Tagged]:
    wanted = SpecConstraints(language=language, document_type=document_type, hard_negative=False)
    return [compose_document(draw_spec(5, index, (language,), LABELS, wanted=wanted), LABELS) for index in range(count)]


@pytest.mark.parametrize("language", ["en", "de"])
def test_headlines_have_words_with_capitals_that_are_no_names(language: str):
    heads = [document.text.split("\n")[0] for document in compose_all(language, "news", 120)]
    words = [[word for word in head.split() if word.isalpha() and len(word) > 3] for head in heads]
    titled = [head for head in words if len(head) > 2 and all(word[0].isupper() for word in head)]
    assert any(word.isupper() for head in titled for word in head)
    assert language != "en" or len(titled) > 10


def test_posts_name_pages_and_people_by_their_handle():
    documents = [document for language in ("en", "fr") for document in compose_all(language, "post", 250)]
    links = [(d, d.text.index("https://")) for d in documents if "https://" in d.text]
    free = [d for d, at in links if not any(e.start <= at < e.end for e in d.entities)]
    assert len(free) > 5
    handles = [d.text[e.start : e.end] for d in documents for e in d.entities if e.label == "USERNAME"]
    assert sum(handle.startswith("@") for handle in handles) > 5


@pytest.mark.parametrize("language", COUNTRIES)
def test_letters_greet_people_by_name_and_notes_can_be_messages(language: str):
    letters, notes = compose_all(language, "support_email", 60), compose_all(language, "note", 60)
    head = {id(d): d.text[: d.text.find("\n\n", 25) + 1] for d in letters}
    greeted = [d for d in letters if any(e.label in NAMES and e.end <= len(head[id(d)]) for e in d.entities)]
    assert len(greeted) > 15
    signed = [d for d in notes if any(e.label in NAMES and e.end == len(d.text) for e in d.entities)]
    assert 3 < len(signed) < 50


@pytest.mark.parametrize("language", COUNTRIES)
def test_informal_texts_talk_about_others(language: str):
    openings = [" ".join(talk.split("<")[0].split()) for talk in OPENINGS[language]]
    texts = [d.text.casefold() for kind in ("post", "forum_post") for d in compose_all(language, kind, 150)]
    assert sum(any(opening in text for opening in openings) for text in texts) > 3


@pytest.mark.parametrize("language", COUNTRIES)
def test_texts_about_nobody_greet_nobody(language: str):
    lexicon = load_lexicon(language)
    nameless = {str(phrase[0]) for phrase in lexicon.phrases["greeting"] if len(phrase) == 1}
    noise = Noise(make_random(2, 0, language), language, COUNTRIES[language][0], naming=False)
    assert {noise.draw("greeting") for _ in range(60)} == nameless
