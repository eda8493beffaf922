"""Entities beyond the brief: ordinary words lose their tag, doubtful ones are asked again, real names stay."""

from __future__ import annotations

import json

import pytest

from goldspan.annotation.labels.schema import build_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.generators.providers.protocol import Answer
from goldspan.generators.stages.answers import judge_answer
from goldspan.generators.stages.context import AnswerContext
from tests.generators.scripted import LABELS
from tests.generators.stages.answer_corpus import DOCUMENTS
from tests.generators.stages.test_answer_corpus import make_brief

BEGIN = {
    "en": "Dear <FIRSTNAME>Hannah</FIRSTNAME>, thank you for your message. ",
    "de": "Liebe <FIRSTNAME>Annegret</FIRSTNAME>, vielen Dank für Ihre Nachricht. ",
    "fr": "Chère <FIRSTNAME>Éloïse</FIRSTNAME>, merci de votre message. ",
    "es": "Querida <FIRSTNAME>Rocío</FIRSTNAME>, gracias por su mensaje. ",
    "nl": "Beste <FIRSTNAME>Femke</FIRSTNAME>, bedankt voor uw bericht. ",
    "da": "Kære <FIRSTNAME>Mette</FIRSTNAME>, tak for din besked. ",
}

WORDS = [
    ("en", "We moved the <FIRSTNAME>meeting</FIRSTNAME> to the second floor."),
    ("en", "She will bring the <SURNAME>contract</SURNAME> herself."),
    ("en", "It is a nice <CITY>city</CITY> and we like it."),
    ("en", "I told <FIRSTNAME>her</FIRSTNAME> that it is late."),
    ("en", "<SURNAME>Regards</SURNAME> from all of us."),
    ("en", "<FIRSTNAME>Subject</FIRSTNAME>: your order."),
    ("en", "Ask for it on <FIRSTNAME>Monday</FIRSTNAME>, please."),
    ("en", "Send it to the <EMAIL>office</EMAIL> today."),
    ("en", "Please call <PHONENUMBER>soon</PHONENUMBER>, it matters."),
    ("en", "She is <AGE>young</AGE> and well."),
    ("en", "The company was <COMPANYNAME>none</COMPANYNAME> of these."),
    ("en", "His birthday is <DATEOFBIRTH>soon</DATEOFBIRTH>."),
    ("en", "I hope you <FIRSTNAME>will</FIRSTNAME> come."),
    ("en", "Tell <FIRSTNAME>Mum</FIRSTNAME> that I said hi."),
    ("de", "Er wohnt in <CITY>der Stadt</CITY> nebenan."),
    ("de", "Wir haben den Brief <SURNAME>heute</SURNAME> bekommen."),
    ("de", "<FIRSTNAME>Frau</FIRSTNAME> und Mann kommen."),
    ("de", "<SURNAME>Sie</SURNAME> kommen doch mit?"),
    ("de", "Die <IBAN>Rechnung</IBAN> ist bezahlt."),
    ("fr", "Le <FIRSTNAME>dossier</FIRSTNAME> est complet."),
    ("fr", "<CITY>Madame</CITY>, je vous écris encore."),
    ("es", "La <SURNAME>reunión</SURNAME> es mañana."),
    ("nl", "Ik stuur het <SURNAME>formulier</SURNAME> morgen."),
    ("da", "Vi ses til <FIRSTNAME>mødet</FIRSTNAME> igen."),
]
DOUBTFUL = [
    ("en", "<STREET>Please come to the office. We are waiting there</STREET>."),
    ("en", "<FIRSTNAME>the man who came with her yesterday</FIRSTNAME> is here."),
    ("en", "I saw <FIRSTNAME>maria</FIRSTNAME> at the station."),
    ("en", "Pay it into <IBAN>GB00BUKB20201555555555</IBAN> this week."),
    ("en", "Write to <EMAIL>hannah@</EMAIL> again."),
    ("en", "She is in <SURNAME>Room 12</SURNAME> now."),
    ("en", "The password is <PASSWORD>welcome</PASSWORD> again."),
    ("en", "Then <FIRSTNAME>The Supervisor</FIRSTNAME> will call you."),
    ("de", "Der <SURNAME>Termin</SURNAME> ist vorbei."),
    ("de", "Die <FIRSTNAME>Besprechung</FIRSTNAME> ist vorbei."),
]
NAMES = [
    ("en", "<FIRSTNAME>Don</FIRSTNAME> <SURNAME>Avila</SURNAME> wrote again."),
    ("es", "Lo cuenta <COMPANYNAME>El País</COMPANYNAME> hoy."),
    ("es", "La parada de <STREET>calle 35</STREET> cambió."),
    ("en", "I met <FIRSTNAME>Marcus</FIRSTNAME> and <FIRSTNAME>Will</FIRSTNAME> in <CITY>Leeds</CITY>."),
    ("en", "She works for <COMPANYNAME>eBay</COMPANYNAME> and is <AGE>forty-two</AGE>."),
    ("en", "He comes from <CITY>The Hague</CITY>; ask <SURNAME>van der Berg</SURNAME>."),
    ("en", "Write to <EMAIL>h.okafor@mailbox.example</EMAIL> or call <PHONENUMBER>07700 900118</PHONENUMBER>."),
    ("en", "My user is <USERNAME>sunflower</USERNAME>."),
    ("de", "Herr <SURNAME>Grünwaldt</SURNAME> aus <CITY>Oberunterbach</CITY> ist <AGE>achtundvierzig</AGE>."),
    ("fr", "Il habite <STREET>rue des Tilleuls</STREET> à <CITY>Angers</CITY>."),
    ("es", "Llamó <FIRSTNAME>María José</FIRSTNAME> <SURNAME>de la Cruz</SURNAME>."),
    ("nl", "Mevrouw <SURNAME>van 't Hof</SURNAME> uit <CITY>'s-Hertogenbosch</CITY>."),
    ("fr", "Il est né à <CITY>La Rochelle</CITY>, dit <SURNAME>D'Artagnan</SURNAME>."),
    ("en", "We met at <COMPANYNAME>The Body Shop</COMPANYNAME> in the <COUNTRY>Netherlands</COUNTRY>."),
    ("nl", "Vraag het aan <FIRSTNAME>Joris</FIRSTNAME>."),
]


def judge(language: str, written: str, *, given: str = ""):
    gold = parse_tagged(given or BEGIN[language], LABELS)
    content = json.dumps({"tagged_text": (given or BEGIN[language]) + written}, ensure_ascii=False)
    return judge_answer(Answer("id", content=content), "draft", AnswerContext(LABELS, make_brief(gold, language)))


def list_values(tagged: str) -> list[tuple[str, str]]:
    read = parse_tagged(tagged, LABELS)
    return [(read.text[e.start : e.end], e.label) for e in read.entities]


@pytest.mark.parametrize(("language", "written"), WORDS)
def test_an_ordinary_word_loses_its_tag_and_this_is_recorded(language: str, written: str):
    verdict = judge(language, written)
    assert verdict.state == "ok", verdict.reason
    assert list_values(verdict.result["tagged_text"]) == list_values(BEGIN[language])
    assert "untagged_word" in verdict.result["repairs"]


@pytest.mark.parametrize(("language", "written"), DOUBTFUL)
def test_what_may_be_a_value_is_asked_again_with_the_label_and_no_text(language: str, written: str):
    verdict = judge(language, written)
    assert verdict.state == "invalid"
    (value, label), *_ = list_values(written)
    assert label in verdict.reason
    assert value not in verdict.reason


@pytest.mark.parametrize(("language", "written"), DOUBTFUL)
def test_after_the_last_attempt_it_loses_its_tag_unless_it_is_a_number(language: str, written: str):
    gold = parse_tagged(BEGIN[language], LABELS)
    context = AnswerContext(LABELS, make_brief(gold, language), is_final=True)
    content = json.dumps({"tagged_text": BEGIN[language] + written}, ensure_ascii=False)
    verdict = judge_answer(Answer("id", content=content), "draft", context)
    assert verdict.state == "ok", verdict.reason
    kept = [pair for pair in list_values(written) if pair[1] in {"IBAN", "EMAIL"}]
    assert list_values(verdict.result["tagged_text"]) == list_values(BEGIN[language]) + kept


@pytest.mark.parametrize(("language", "written"), NAMES)
def test_names_that_the_text_adds_stay(language: str, written: str):
    verdict = judge(language, written)
    assert verdict.state == "ok", verdict.reason
    assert list_values(verdict.result["tagged_text"]) == list_values(BEGIN[language] + written)


def test_a_chat_in_small_letters_may_add_names_in_small_letters():
    chat = "hey it's <FIRSTNAME>priya</FIRSTNAME>, call me. "
    verdict = judge("en", "and tell <FIRSTNAME>tom</FIRSTNAME> in <CITY>leeds</CITY>", given=chat)
    assert verdict.state == "ok", verdict.reason
    assert ("tom", "FIRSTNAME") in list_values(verdict.result["tagged_text"])


@pytest.mark.parametrize(("language", "gold"), DOCUMENTS)
def test_every_plain_small_word_of_a_document_that_is_tagged_too_is_never_accepted(language: str, gold: str):
    """Every word that is written small and is tagged beside the right values: none of these tags is accepted."""
    brief = make_brief(parse_tagged(gold, LABELS), language)
    plain = [word for part in gold.split(" ") if (word := part).isalpha() and word.islower() and len(word) > 3]
    for number, word in enumerate(dict.fromkeys(plain)):
        label = ("FIRSTNAME", "SURNAME", "CITY", "PHONENUMBER", "EMAIL")[number % 5]
        written = gold.replace(f" {word} ", f" <{label}>{word}</{label}> ", 1)
        content = json.dumps({"tagged_text": written}, ensure_ascii=False)
        verdict = judge_answer(Answer("id", content=content), "draft", AnswerContext(LABELS, brief))
        accepted = verdict.result and (word, label) in list_values(verdict.result["tagged_text"])
        assert not accepted, (word, label)


OWN = build_labels(
    {
        "version": 1,
        "labels": {
            "GENE": {"name": "Gene", "examples": ["BRCA1", "WAS"]},
            "DISEASE": {"name": "Disease", "values": "model"},
            "PROFESSION": {"name": "Profession", "group": "PERSON"},
            "DRUG": {"name": "Drug", "values": "list", "terms": ["aspirin", "ibuprofen"]},
            "ORDER_ID": {"name": "Order number", "pattern": "ORD-[0-9]{4}"},
        },
    }
)


@pytest.mark.parametrize(
    ("written", "kept", "state"),
    [
        ("The <DISEASE>diabetes</DISEASE> of the <PROFESSION>nurse</PROFESSION> got worse.", 2, "ok"),
        ("The gene <GENE>WAS</GENE> was read.", 1, "ok"),
        ("It <GENE>was</GENE> read, and <DISEASE>he</DISEASE> is well.", 0, "ok"),
        ("He takes <DRUG>aspirin</DRUG> and <DRUG>water</DRUG>.", 1, "ok"),
        ("Order <ORDER_ID>ORD-1234</ORDER_ID> came.", 1, "ok"),
        ("Order <ORDER_ID>number 12</ORDER_ID> came.", 0, "invalid"),
    ],
)
def test_labels_of_ones_own_follow_their_pattern_and_list_alone(written: str, kept: int, state: str):
    context = AnswerContext(OWN, {"language": "en", "values": []})
    verdict = judge_answer(Answer("id", content=json.dumps({"tagged_text": written})), "draft", context)
    assert verdict.state == state, verdict.reason
    if verdict.result:
        assert len(parse_tagged(verdict.result["tagged_text"], OWN).entities) == kept
