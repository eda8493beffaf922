"""Relations between two documents, among unrelated ones: which of them keep both on one side of a split."""

from __future__ import annotations

import re
import unicodedata

import pytest

from goldspan.annotation.corpus.dedupe import group_related
from goldspan.annotation.corpus.outline import outline_samples
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.text.tagged import parse_tagged
from goldspan.annotation.types import Annotation, Author, Sample
from tests.annotation.corpora import make_unrelated

LETTER = (
    "Dear <FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME>, thank you for your letter of "
    "last week about the damaged "
    "parcel. We have looked at the photographs and agree that the box was crushed before it reached you in "
    "<CITY>Lyon</CITY>. A new lamp leaves our warehouse on Thursday, and a courier will ring "
    "your bell between nine and "
    "noon. Please keep the old packaging until then, because the insurer may want to see it. "
    "If anything is still wrong, "
    "write to <EMAIL>{mail}</EMAIL> or call <PHONENUMBER>{phone}</PHONENUMBER> in the mornings."
)
FIRST = LETTER.format(mail="help@lamps.example", phone="+33 4 72 10 20 30")
OTHER_VALUES = (
    LETTER.format(mail="desk@bulbs.example", phone="+33 4 99 88 77 66")
    .replace("Maria", "Ingrid")
    .replace("Santos", "Vogel")
)
REPLY = (
    "Good morning, I am forwarding the message below because nobody rang on Thursday and the "
    "neighbours saw no van at "
    "all. Could you find out from the depot what happened, and tell me whether the lamp can be "
    "collected instead? I am "
    "at home every afternoon this month, and my sister has a key. Best wishes from a patient customer.\n\n> "
)
FOOTER = "\n\nThis message is confidential. If you are not the addressee, delete it and tell the sender at once."
NOTE = (
    "Patient <FIRSTNAME>Olga</FIRSTNAME> <SURNAME>Petrenko</SURNAME>, insurance number "
    "<SSN>078-05-1120</SSN>, came in with "
    "a swollen ankle after a fall on the stairs."
)
INVOICE = (
    "The invoice for the spring course goes to <FIRSTNAME>Olga</FIRSTNAME> "
    "<SURNAME>Petrenko</SURNAME> and is payable "
    "within a month; her number at the tax office is <SSN>078 05 1120</SSN>."
)
HALF = "The committee met at seven and approved the minutes. The treasurer reported that the roof fund has grown by a "
HALF += "third since the autumn fair, and that two firms have sent offers for the slates."
GERMAN = (
    "Sehr geehrte <FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Garcia</SURNAME>, vielen Dank für "
    "Ihren Brief der letzten Woche über "
    "das beschädigte Paket. Wir haben die Fotos angesehen und stimmen zu, dass der Karton schon vorher zerdrückt war."
)
PARAPHRASE = (
    "Hello <FIRSTNAME>Rosa</FIRSTNAME>, we received what you sent us concerning the broken "
    "delivery. Having checked your "
    "pictures we accept that the carton had been squashed on its way to <CITY>Lyon</CITY>. "
    "Another lamp ships in two days."
)
FRENCH = (
    "<FIRSTNAME>Hélène</FIRSTNAME> <SURNAME>Lefèvre</SURNAME> a été reçue à l'hôpital après une opération très "
    "réussie, et la société a déjà réglé les frais élevés. Rassurée, elle a préféré être rappelée à côté de la mairie."
)
SHORT_FRENCH = "Le dossier de <FIRSTNAME>Hélène</FIRSTNAME> <SURNAME>Lefèvre</SURNAME> reste ouvert."

RELATIONS = {
    "accents as marks of their own": (FRENCH, unicodedata.normalize("NFD", FRENCH)),
    "one name, its accents as marks of their own": (FRENCH, unicodedata.normalize("NFD", SHORT_FRENCH)),
    "other values": (FIRST, OTHER_VALUES),
    "one gold label missing": (FIRST, FIRST.replace("<CITY>Lyon</CITY>", "Lyon")),
    "quoted whole, unlabelled in the quote": (FIRST, REPLY + re.sub(r"</?[A-Z]+>", "", FIRST)),
    "same text in another language field": (FIRST, FIRST),
    "same text in another case": (FIRST, FIRST.replace("Dear", "DEAR").replace("Please keep", "PLEASE KEEP")),
    "three more names": (
        FIRST,
        OTHER_VALUES.replace(
            "</SURNAME>, thank",
            "</SURNAME>, <FIRSTNAME>Jonas</FIRSTNAME> <SURNAME>Berg</SURNAME> and <FIRSTNAME>Ines</FIRSTNAME>, thank",
        ),
    ),
    "one field left out": (
        FIRST,
        OTHER_VALUES.replace(" or call <PHONENUMBER>+33 4 99 88 77 66</PHONENUMBER> in the mornings", ""),
    ),
    "a whole mail quoted in a reply": (FIRST, REPLY + FIRST),
    "half of the text in common": (
        HALF
        + " Then <FIRSTNAME>Otto</FIRSTNAME> showed slides of the new kitchen, and everybody stayed for soup until the "
        "last bus left the square at half past ten in the rain.",
        HALF + " A letter from the school was read aloud; it asks for volunteers who can mend bicycles on Saturday "
        "mornings in <CITY>Bern</CITY> during May and for a few more tents.",
    ),
    "the same person and number": (NOTE, INVOICE),
    "a linked translation": (LETTER.format(mail="a@b.example", phone="1"), GERMAN),
    "a paraphrase": (FIRST, PARAPHRASE),
    "a translation without a link": (FIRST, GERMAN),
}
NOT_FOUND = {
    "a paraphrase": "other words and other values: only a language model could tell",
    "a translation without a link": "no common words; link translations by `translation_of` in the provenance",
}


def make(tagged: str, sample_id: str, language: str = "en", **provenance: str) -> Sample:
    parsed = parse_tagged(tagged, load_labels())
    annotation = Annotation(Author.person("ann"), parsed.entities)
    return Sample(parsed.text, language, annotations=(annotation,), provenance=provenance, sample_id=sample_id)


def is_kept_together(relation: str) -> bool:
    """Whether the two documents of a relation share a group, among 200 unrelated ones."""
    one, other = RELATIONS[relation]
    link = {"translation_of": "a"} if relation == "a linked translation" else {}
    second_language = "de" if "language" in relation or "translation" in relation else "en"
    outlines = outline_samples([make(one, "a", **link), make(other, "b", second_language, **link)])
    groups = group_related([outlines[0], *make_unrelated(200), outlines[1]])
    return bool(groups[0] == groups[-1])


@pytest.mark.parametrize("relation", RELATIONS)
def test_relations_that_keep_two_documents_together(relation: str) -> None:
    assert is_kept_together(relation) == (relation not in NOT_FOUND), NOT_FOUND.get(relation, relation)


def test_a_common_footer_alone_relates_nothing() -> None:
    letters = [re.sub(r"</?[A-Z]+>", "", text) + FOOTER for text in (FIRST, REPLY, HALF + " " * 40, GERMAN, PARAPHRASE)]
    outlines = outline_samples(make(text, str(number)) for number, text in enumerate(letters))
    assert len(set(group_related(outlines).tolist())) == len(letters)


def test_a_number_that_everybody_shares_relates_nothing() -> None:
    texts = [f"{outline.text} <PHONENUMBER>+49 800 330 1000</PHONENUMBER>" for outline in make_unrelated(40)]
    outlines = outline_samples(make(text, str(number)) for number, text in enumerate(texts))
    assert len(set(group_related(outlines).tolist())) == 40
