from __future__ import annotations

import pytest

from goldspan.annotation.checks import check_sample
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.language import find_other_language
from goldspan.annotation.text.residue import find_residue
from goldspan.annotation.types import Sample

TEXTS = {
    "en": "Thank you for your message. We have looked at the account and would like to talk to you about it this week.",
    "de": "Vielen Dank für Ihre Nachricht. Wir haben das Konto geprüft und möchten mit Ihnen darüber sprechen.",
    "fr": "Merci pour votre message. Nous avons regardé le compte et nous aimerions vous en parler cette semaine.",
    "es": "Gracias por su mensaje. Hemos mirado la cuenta y nos gustaría hablar con usted de ello esta semana.",
    "nl": "Bedankt voor uw bericht. Wij hebben naar de rekening gekeken en willen het er deze week met u over hebben.",
    "da": "Tak for din besked. Vi har set på kontoen og vil gerne tale med dig om det i denne uge, hvis du har tid.",
}


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("expected", TEXTS)
def test_each_language_is_told_from_the_others(language, expected):
    other = find_other_language(TEXTS[language], expected)
    assert other == ("" if language == expected else language)


@pytest.mark.parametrize("text", ["", "OK", "Lyon 12.04.2024", "IBAN: GB33BUKB20201555555555", "Ann, Bo, Cy"])
def test_short_texts_are_in_any_language(text):
    assert all(find_other_language(text, language) == "" for language in TEXTS)


def test_other_scripts_are_told_and_unknown_languages_are_left_alone():
    assert find_other_language("尊敬的客户，我们已经收到您的来信，谢谢您的支持。", "en") == "han"
    assert find_other_language("Уважаемый клиент, спасибо за ваше письмо.", "de") == "cyrillic"
    assert find_other_language(TEXTS["en"], "fi") == ""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Dear [Your Name], thank you.", "placeholder"),
        ("Sehr geehrte Frau [Nachname],", "placeholder"),
        ("Call me at XXX-XXX-XXXX.", "placeholder"),
        ("Hello {{name}}, welcome.", "placeholder"),
        ("Hello <your name>, welcome.", "placeholder"),
        ("```json\nDear Ann", "fence"),
        ("Dear Ann</FIRSTNAME>, hello", "tag"),
        ('She said <m c="1">he</m> left', "tag"),
        ('{"tagged_text": "Dear Ann"', "json"),
        ("Sure! Here is the letter:\n\nDear Ann", "preface"),
        ("Here is the requested document:\n\nDear Ann", "preface"),
        ("Hier ist der Brief:\n\nLiebe Ann", "preface"),
        ("I'm sorry, I cannot create such a document.", "preface"),
        ("Dear Ann.\n\nNote: all names are fictional.", "closing"),
    ],
)
def test_traces_are_found(text, kind):
    assert kind in {residue.kind for residue in find_residue(text)}


@pytest.mark.parametrize(
    "text",
    [
        "I hope this finds you well. Let me know if you need anything.",
        "Sure, see you at five. Here I am.",
        "Note: the office is closed on Monday.",
        "Signature: ______ [stamp] (a < b) x > y",
        "Certainly the best pizza in town!",
        "Price: 12 [EUR], order [12345]",
    ],
)
def test_what_people_write_is_no_trace(text):
    assert list(find_residue(text)) == []


def test_samples_are_checked_for_all_three():
    codes = {
        issue.code
        for issue in check_sample(Sample(f"Sure! Here is it:\n[Your Name], {TEXTS['de']}", "en"), load_labels())
    }
    assert codes >= {"placeholder", "model_residue", "other_language"}
