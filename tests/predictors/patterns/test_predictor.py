from __future__ import annotations

from itertools import pairwise
from time import process_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from goldspan.annotation.checks import check_annotation
from goldspan.annotation.labels.schema import build_labels, load_labels
from goldspan.annotation.text.tagged import parse_tagged, render_tagged
from goldspan.annotation.types import Author
from goldspan.predictors.base import TextInput
from goldspan.predictors.patterns.predictor import RegexPredictor

LABELS = load_labels()
PREDICTOR = RegexPredictor(LABELS)

DOCUMENTS = [
    (
        "en",
        "US",
        "Hi, I'm Ann Lee (<AGE>42</AGE> years old), born on <DATEOFBIRTH>May 12, 1981</DATEOFBIRTH>. SSN: "
        "<SSN>536-90-4399</SSN>, passport number <PASSPORTID>C01X00T47</PASSPORTID>. Call me at "
        "<PHONENUMBER>(212) 555-0187</PHONENUMBER> or <PHONENUMBER>+1 650-253-0000</PHONENUMBER>. Mail "
        "<EMAIL>ann.lee+x@mail.example.com</EMAIL>. I live at <BUILDINGNUM>350</BUILDINGNUM> "
        "<STREET>Fifth Avenue</STREET>, <CITY>New York</CITY>, <STATE>NY</STATE> <ZIP>10118</ZIP>. Plate: "
        "<LICENSEPLATENUM>ABC-1234</LICENSEPLATENUM>. Driver's license no. "
        "<DRIVERLICENSENUM>D1234567</DRIVERLICENSENUM>. See <URL>https://example.com/x(y)</URL>.",
    ),
    (
        "en",
        "US",
        "Card <CREDITCARDNUMBER>4539 1488 0343 6467</CREDITCARDNUMBER>. My password is "
        "<PASSWORD>Tr0ub4dor&3!</PASSWORD> and API key <SECURITYTOKEN>sk-abcDEF1234567890abcd</SECURITYTOKEN>. "
        "The verification code is <SECURITYTOKEN>493021</SECURITYTOKEN>. User name: <USERNAME>ann.lee_81</USERNAME>.",
    ),
    (
        "en",
        "GB",
        "NI number <SSN>QQ 12 34 56 C</SSN>, <BUILDINGNUM>12</BUILDINGNUM> <STREET>Baker Street</STREET>, London "
        "<ZIP>NW1 6XE</ZIP>, driving licence <DRIVERLICENSENUM>MORGA657054SM9IJ</DRIVERLICENSENUM>, car "
        "<LICENSEPLATENUM>AB12 CDE</LICENSEPLATENUM>.",
    ),
    (
        "de",
        "DE",
        "Sehr geehrte Frau Müller, geboren am <DATEOFBIRTH>3. März 1975</DATEOFBIRTH>, wohnhaft in der "
        "<STREET>Lindenstraße</STREET> <BUILDINGNUM>12b</BUILDINGNUM>, <ZIP>10115</ZIP> <CITY>Berlin</CITY>. Ihre "
        "Steuer-ID lautet <TAXNUM>86 095 742 719</TAXNUM>, IBAN <IBAN>DE89 3704 0044 0532 0130 00</IBAN>. Kennzeichen "
        "<LICENSEPLATENUM>B-MW 1234</LICENSEPLATENUM>. Telefon: <PHONENUMBER>030 1234567</PHONENUMBER>. "
        "Personalausweisnummer: <IDCARDNUM>T220001293</IDCARDNUM>. Sozialversicherungsnummer "
        "<SSN>65 170839 J 003</SSN>. Die <AGE>42</AGE>-jährige Ärztin arbeitet bei der "
        "<COMPANYNAME>Muster & Söhne GmbH</COMPANYNAME>.",
    ),
    (
        "fr",
        "FR",
        "Mme Dupont, née le <DATEOFBIRTH>12/05/1981</DATEOFBIRTH>, habite <BUILDINGNUM>12 bis</BUILDINGNUM> "
        "<STREET>rue de la Paix</STREET>, <ZIP>75002</ZIP> <CITY>Paris</CITY>. N° de sécurité sociale : "
        "<SSN>2 81 05 75 116 123 45</SSN>. Tél. <PHONENUMBER>06 12 34 56 78</PHONENUMBER>. Elle a <AGE>42</AGE> ans. "
        "Passeport n° <PASSPORTID>12AB34567</PASSPORTID>. Plaque <LICENSEPLATENUM>AB-123-CD</LICENSEPLATENUM>. "
        "mot de passe : <PASSWORD>S3cret!x</PASSWORD>",
    ),
    (
        "es",
        "ES",
        "Don Luis, con DNI <NATIONALID>12345678Z</NATIONALID>, nacido el "
        "<DATEOFBIRTH>3 de marzo de 1975</DATEOFBIRTH>, "
        "vive en <STREET>Calle Mayor</STREET> <BUILDINGNUM>5</BUILDINGNUM>, <ZIP>28013</ZIP> <CITY>Madrid</CITY>. "
        "Tiene <AGE>48</AGE> años. Móvil: <PHONENUMBER>612 345 678</PHONENUMBER>. Matrícula "
        "<LICENSEPLATENUM>1234 BCD</LICENSEPLATENUM>.",
    ),
    (
        "nl",
        "NL",
        "Jan woont aan de <STREET>Keizersgracht</STREET> <BUILDINGNUM>12</BUILDINGNUM>, <ZIP>1015 CN</ZIP> "
        "<CITY>Amsterdam</CITY>, BSN <NATIONALID>111222333</NATIONALID>, tel. <PHONENUMBER>06-12345678</PHONENUMBER>, "
        "kenteken <LICENSEPLATENUM>XX-123-Y</LICENSEPLATENUM>. Hij is <AGE>42</AGE> jaar oud, geboren op "
        "<DATEOFBIRTH>3 maart 1981</DATEOFBIRTH>.",
    ),
    (
        "da",
        "DK",
        "Født <DATEOFBIRTH>3. marts 1981</DATEOFBIRTH>, CPR-nummer <NATIONALID>010181-1234</NATIONALID>, bor på "
        "<STREET>Vestergade</STREET> <BUILDINGNUM>12</BUILDINGNUM>, <ZIP>8000</ZIP> <CITY>Aarhus C</CITY>. Tlf. "
        "<PHONENUMBER>20 12 34 56</PHONENUMBER>. Kørekort nr. <DRIVERLICENSENUM>12345678</DRIVERLICENSENUM>. "
        "Brugernavn: <USERNAME>jens_81</USERNAME>",
    ),
]

NOTHING = [
    ("en", "US", "The meeting on May 12, 2024 starts at 10:30 and costs $1,250.00 for 15 people."),
    ("en", "US", "Order 4532-1234-5678-9012 was shipped; the version is 1.2.3-rc4 and build 20240512."),
    ("en", "US", "The project ran for 12 years and the contract for 3 years; we have 42 open tickets."),
    ("en", "GB", "The password policy was changed. Please reset your password soon."),
    ("en", "US", "Your token will expire, so log in again. Our user name rules are strict."),
    ("de", "DE", "Die Rechnung 2024-0815 vom 03.05.2024 beläuft sich auf 1.234,56 Euro bei 10 Jahren Laufzeit."),
    ("de", "DE", "IBAN DE89 3704 0044 0532 0130 01 hat eine falsche Prüfziffer."),
    ("de", "DE", "Ich habe nie die Nummer 1234567 gewählt, das Blatt 2024-1234 fehlt."),
    ("fr", "FR", "Je n'ai pas reçu le colis 1234567 du 12.05.2024."),
    ("en", "US", "The tin holds 12345 beans; the passport office opens on 12.05.2024."),
    ("fr", "FR", "Depuis 10 ans, le passeport est exigé; le 12/05/2024 est férié. Article 12 du code civil."),
    ("es", "ES", "El 3 de marzo de 2024 hubo 1500 personas; lleva 10 años en la empresa con 5 años de experiencia."),
    ("nl", "NL", "Op 3 maart 2024 kwamen er 1500 mensen, na 12 jaar wachten."),
    ("da", "DK", "Den 3. marts 2024 kom 1500 gæster, efter 12 år."),
]


@pytest.mark.parametrize(("language", "country", "tagged"), DOCUMENTS)
def test_documents_are_read_exactly(language: str, country: str, tagged: str) -> None:
    expected = parse_tagged(tagged, LABELS)
    annotation = PREDICTOR.predict_sync(expected.text, language, country)
    assert render_tagged(expected.text, annotation.entities) == tagged
    assert annotation.author == Author.model("regex-1")


@pytest.mark.parametrize(("language", "country", "text"), NOTHING)
def test_plain_numbers_and_dates_are_left_alone(language: str, country: str, text: str) -> None:
    assert PREDICTOR.predict_sync(text, language, country).entities == ()


def test_the_country_decides_which_forms_count() -> None:
    text = "Sie fährt B-MW 1234."
    assert [e.label for e in PREDICTOR.predict_sync(text, "de", "DE").entities] == ["LICENSEPLATENUM"]
    assert PREDICTOR.predict_sync(text, "en", "US").entities == ()


def test_without_a_country_the_language_speaks() -> None:
    assert [e.label for e in PREDICTOR.predict_sync("Ruf 030 1234567 an", "de").entities] == ["PHONENUMBER"]
    assert [e.label for e in PREDICTOR.predict_sync("+49 30 1234567 ist frei").entities] == ["PHONENUMBER"]


def test_invalid_check_digits_are_no_card_and_no_account() -> None:
    text = "GB82 WEST 1234 5698 7654 33, 4539 1488 0343 6468"
    assert {e.label for e in PREDICTOR.predict_sync(text, "en", "GB").entities}.isdisjoint({"IBAN", "CREDITCARDNUMBER"})


@pytest.mark.parametrize(
    ("country", "text", "label", "values"),
    [
        ("GB", "4111111111111111 5500005555555559", "CREDITCARDNUMBER", ["4111111111111111", "5500005555555559"]),
        ("DE", "Karte 4111 1111 1111 1111 12/27", "CREDITCARDNUMBER", ["4111 1111 1111 1111"]),
        ("GB", "4111.1111.1111.1111", "CREDITCARDNUMBER", ["4111.1111.1111.1111"]),
        ("GB", "４１１１１１１１１１１１１１１１", "CREDITCARDNUMBER", ["４１１１１１１１１１１１１１１１"]),
        ("GB", "4111\u00a01111\u20091111\u202f1111", "CREDITCARDNUMBER", ["4111\u00a01111\u20091111\u202f1111"]),
        ("US", "Amex 3782 822463 10005 exp 05/27", "CREDITCARDNUMBER", ["3782 822463 10005"]),
        ("DE", "DE89 3704 0044 0532 0130 00 NL91 ABNA 0417 1643 00", "IBAN",
         ["DE89 3704 0044 0532 0130 00", "NL91 ABNA 0417 1643 00"]),
        ("DE", "DE89\u00a03704\u202f0044 0532 0130 00 und", "IBAN", ["DE89\u00a03704\u202f0044 0532 0130 00"]),
        ("GB", "Tel 020 7946 0018 05/06/2024", "PHONENUMBER", ["020 7946 0018"]),
        ("GB", "020 7946 0018 020 7946 0019", "PHONENUMBER", ["020 7946 0018", "020 7946 0019"]),
        ("FR", "Tel. 06\u202f12\u202f34\u202f56\u202f78", "PHONENUMBER", ["06\u202f12\u202f34\u202f56\u202f78"]),
        ("DE", "Urlaub 03.03 - 17.07.15, 04.06.-07.06", "PHONENUMBER", []),
        ("DE", "vom 01.02.2024 - 03.04.2024 und 2024-05-06", "PHONENUMBER", []),
    ],
)  # fmt: skip
def test_candidates_are_as_wide_as_the_checkers(country: str, text: str, label: str, values: list[str]) -> None:
    entities = PREDICTOR.predict_sync(text, "", country).entities
    assert [text[e.start : e.end] for e in entities if e.label == label] == values


def test_what_follows_an_iban_is_not_part_of_it() -> None:
    text = "IBAN NL91 ABNA 0417 1643 00 BIC ABNANL2A"
    (entity,) = PREDICTOR.predict_sync(text, "nl", "NL").entities
    assert text[entity.start : entity.end] == "NL91 ABNA 0417 1643 00"


def test_labels_that_the_schema_lacks_are_left_out() -> None:
    labels = build_labels({"labels": {"EMAIL": {"name": "E-mail"}}})
    entities = RegexPredictor(labels).predict_sync("ann@example.com, +1 650-253-0000", "en", "US").entities
    assert [entity.label for entity in entities] == ["EMAIL"]


@given(
    st.text(alphabet="aB1 2-.@/:\nIBANSSNpassport number is €\U0001f600é0123456789", max_size=200),
    st.sampled_from(["", "en", "de", "fr", "es", "nl", "da"]),
)
def test_entities_lie_in_the_text_and_never_overlap(text: str, language: str) -> None:
    entities = PREDICTOR.predict_sync(text, language).entities
    assert all(0 <= e.start < e.end <= len(text) for e in entities)
    assert all(one.end <= other.start for one, other in pairwise(entities))
    assert all(text[e.start : e.end] == text[e.start : e.end].strip() for e in entities)


def test_a_long_run_of_digits_and_hyphens_costs_no_square_of_its_length() -> None:
    begun = process_time()
    assert PREDICTOR.predict_sync("1-" * 20_000, "en", "US").entities == ()
    assert process_time() - begun < 5


@given(st.text("L7424287 +49-()@.xÄ 20", max_size=60), st.sampled_from(["en", "de", "tr"]))
@example("ring her L7424287 is the id card", "en")
@example("Ref A7424287B, 2024", "en")
def test_no_entity_begins_or_ends_inside_a_word(text: str, language: str) -> None:
    found = PREDICTOR.predict_batch([TextInput(text, language, "")])[0]
    codes = {issue.code for issue in check_annotation(text, found, LABELS, language)}
    assert "inside_word" not in codes


@pytest.mark.parametrize("value", ["ann@example.org", "https://x.org/a", "4111 1111 1111 1111", "+1 415 555 0132"])
@pytest.mark.parametrize("mark", ["_", "__", "*", "**", "~~", "`"])
def test_marks_of_emphasis_hide_no_value(value: str, mark: str) -> None:
    text = f"call {mark}{value}{mark} now"
    found = PREDICTOR.predict_sync(text, "en", "US").entities
    assert any(value in text[one.start : one.end] for one in found)


def test_numbers_inside_names_of_programs_are_no_cards() -> None:
    text = "x_4111111111111111 4111111111111111_x img_4111111111111111_2"
    assert not [e for e in PREDICTOR.predict_sync(text).entities if e.label == "CREDITCARDNUMBER"]


@given(
    document=st.sampled_from(DOCUMENTS),
    words=st.lists(st.sampled_from(["Nothing", "is", "here", "said"])),
    cut=st.integers(0, 9),
)
def test_prose_without_digits_before_a_text_changes_nothing(
    document: tuple[str, str, str], words: list[str], cut: int
) -> None:
    language, country, tagged = document
    text = parse_tagged(tagged, LABELS).text
    before = " ".join(words * 12)[cut:] + ".\n"
    found = PREDICTOR.predict_sync(before + text, language, country).entities
    moved = [(entity.start - len(before), entity.end - len(before), entity.label) for entity in found]
    alone = PREDICTOR.predict_sync(text, language, country).entities
    assert moved == [(entity.start, entity.end, entity.label) for entity in alone]
