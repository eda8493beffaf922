from __future__ import annotations

import re

import pytest

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.generators.surrogates.online import make_slug
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.keys import MaskingKey
from goldspan.masking.ledger import Ledger
from goldspan.masking.policy import load_policy
from goldspan.masking.restore import restore_text
from goldspan.masking.result import MaskedText

LABELS = load_labels()
KEY = MaskingKey(b"k" * 32)
CODES = {"F": "FIRSTNAME", "S": "SURNAME", "E": "EMAIL", "U": "USERNAME"}
DOCUMENTS = {
    "en": [
        "Dear Dr <F:Ann> <S:Miller>",
        "<S:Miller>, <F:Ann>",
        "Mrs <S:Miller>'s letter, <F:A>. <S:Miller>",
        "<E:ann.miller@mail.com> or <U:amiller88>",
        "<S:MILLER> <F:Ann>",
    ],
    "de": [
        "Frau <F:Anna> <S:Müller>",
        "<S:Müllers> Akte, <F:Annas> Wunsch",
        "Fr. <S:Mueller>",
        "<E:anna.mueller@mail.de>",
        "<F:A.> <S:Müller>",
        "<S:Mül-\nler>",
    ],
    "fr": ["Madame <F:Hélène> <S:Lefèvre>", "M. <S:LEFEVRE> <F:Helene>", "d'<F:Hélène>", "<E:h.lefevre@mail.fr>"],
    "es": ["Doña <F:María> <S:García López>", "Sra. <S:García>", "<F:Maria> <S:Garcia>", "<E:maria.garcia@mail.es>"],
    "nl": ["Mevr. <F:Sanne> <S:van den Berg>", "Mevrouw <S:Van den Berg>", "<S:Berg>", "<E:s.vandenberg@mail.nl>"],
    "da": [
        "<F:Søren> <S:Ågård>",
        "<S:Aagaard>",
        "<F:Soren> <S:Agard>",
        "<S:Ågårds> brev",
        "<E:soeren.aagaard@mail.dk>",
    ],
}


def mask_documents(
    documents: list[str], policy: str, language: str = "", ledger: Ledger | None = None
) -> list[MaskedText]:
    ledger = ledger or Ledger()
    masked = []
    for document in documents:
        parts = re.split(r"<([FSEU]):([^>]+)>", document)
        text, entities = "", []
        for between, code, value in zip(parts[::3], [*parts[1::3], ""], [*parts[2::3], ""], strict=True):
            text += between
            if code:
                entities.append(Entity(len(text), len(text) + len(value), CODES[code], 1.0))
            text += value
        annotation = Annotation(Author.model("x"), tuple(entities))
        context = MaskingContext(LABELS, KEY, language)
        masked.append(mask_annotation(text, annotation, load_policy(policy), context, ledger))
        assert restore_text(masked[-1].text, ledger, KEY).text == text
    return masked


@pytest.mark.parametrize("language", DOCUMENTS)
def test_a_person_has_one_number_in_all_texts_however_the_name_is_written(language: str) -> None:
    for one in mask_documents(DOCUMENTS[language], "pseudonymise", language):
        assert {re.sub(r"\D+(\d+).*", r"\1", replacement.replacement) for replacement in one.replacements} == {"1"}


@pytest.mark.parametrize("language", DOCUMENTS)
def test_the_invented_address_is_that_of_the_invented_person(language: str) -> None:
    masked = mask_documents(DOCUMENTS[language], "surrogates", language)
    names = [make_slug(word) for one in masked[0].replacements for word in one.replacement.split()]
    addresses = [one.replacement for text in masked for one in text.replacements if one.label in ("EMAIL", "USERNAME")]
    assert addresses
    assert all(any(name in make_slug(address) for name in names) for address in addresses)


def test_a_name_that_several_have_means_none_of_them_for_sure() -> None:
    documents = ["<F:Ann> <S:Miller>", "<F:Bob> <S:Miller>", "<S:Miller>", "<F:A.> <S:Miller>", "<F:Bob>"]
    found = [[one.replacement for one in text.replacements] for text in mask_documents(documents, "pseudonymise")]
    assert found == [
        ["[FIRSTNAME_1]", "[SURNAME_1]"],
        ["[FIRSTNAME_2]", "[SURNAME_2]"],
        ["[SURNAME_3]"],
        ["[FIRSTNAME_1.2]", "[SURNAME_1]"],
        ["[FIRSTNAME_2]"],
    ]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<F:Jan> <S:Smit>", "<F:Jans>"),
        ("<F:Ann> <S:Peter>", "<F:Bob> <S:Peters>"),
        ("<S:Berger>", "<S:Berg>"),
        ("<F:Jean-Luc>", "<F:Jean>"),
    ],
)
def test_names_that_are_only_alike_are_of_two_persons(one: str, other: str) -> None:
    first, second = mask_documents([one, other], "pseudonymise")
    assert not {replacement.replacement for replacement in first.replacements} & {
        replacement.replacement for replacement in second.replacements
    }
