from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from goldspan.annotation.errors import ConfigurationError, MaskingError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.text.words import find_occurrences, fold
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.masking.apply import MaskingContext, mask_annotation
from goldspan.masking.keys import draw_key, parse_key
from goldspan.masking.ledger import Ledger
from goldspan.masking.policy import OPERATORS, DeniedTerm, Policy, Recogniser, Rule
from goldspan.masking.repeats import is_telling
from goldspan.masking.restore import restore_text
from goldspan.masking.result import MaskedText
from tests.masking.lexicon import VALUES, annotate
from tests.strategies import samples

LABELS = load_labels()
KEY = parse_key("ab" * 32)
CONTEXT = MaskingContext(LABELS, KEY, "en", "US")
NUMBER, FAKE = Policy("numbers", Rule("number")), Policy("fakes", Rule("fake"))


def mask(text: str, policy: Policy = NUMBER, ledger: Ledger | None = None, **values: str) -> MaskedText:
    return mask_annotation(text, annotate(text, VALUES | values), policy, CONTEXT, ledger)


def test_names_inside_longer_names_are_left_alone() -> None:
    assert mask("Ann met Anna at Ann Street.").text == "[FIRSTNAME_1] met [FIRSTNAME_2] at [FIRSTNAME_1] Street."


def test_a_repeated_value_does_not_corrupt_the_text() -> None:
    assert mask("Ann wrote. Ann left.").text == "[FIRSTNAME_1] wrote. [FIRSTNAME_1] left."


def test_overlapping_entities_are_masked_as_one_with_the_label_of_the_longest() -> None:
    entities = (Entity(5, 9, "FIRSTNAME"), Entity(5, 15, "FULLNAME"), Entity(10, 18, "SURNAME"))
    masked = mask_annotation("Call John Smithers.", Annotation(Author.model("m"), entities), NUMBER, CONTEXT)
    assert masked.text == "Call [FULLNAME_1]."


def test_persons_keep_their_number_over_labels() -> None:
    masked = mask("Bob Jones and Ann Smith: bob@mail.com, ann.smith@mail.com. Mr Jones knows Ann.")
    assert masked.text == (
        "[FIRSTNAME_1] [SURNAME_1] and [FIRSTNAME_2] [SURNAME_2]: [EMAIL_1], [EMAIL_2]. "
        "Mr [SURNAME_1] knows [FIRSTNAME_2]."
    )


def test_two_persons_with_one_surname_are_two() -> None:
    masked = mask("Ann Smith and Bob Smith. Ann waits.")
    assert masked.text == "[FIRSTNAME_1] [SURNAME_1] and [FIRSTNAME_2] [SURNAME_2]. [FIRSTNAME_1] waits."


def test_clusters_decide_who_is_who() -> None:
    text = "Ann Smith called Ann Jones. Ann agreed."
    mentions = [Mention(0, 9, "MENTION", "a"), Mention(17, 26, "MENTION", "b"), Mention(28, 31, "MENTION", "b")]
    masked = mask_annotation(text, annotate(text, VALUES, mentions), NUMBER, CONTEXT)
    assert masked.text == "[FIRSTNAME_1] [SURNAME_1] called [FIRSTNAME_2] [SURNAME_2]. [FIRSTNAME_2] agreed."


def test_pronouns_are_replaced_only_where_the_policy_asks() -> None:
    text = "Ann left. She was late."
    mentions = [Mention(0, 3, "MENTION", "1"), Mention(10, 13, "PRONOUN", "1")]
    annotation = annotate(text, VALUES, mentions)
    assert mask_annotation(text, annotation, NUMBER, CONTEXT).text == "[FIRSTNAME_1] left. She was late."
    with_references = mask_annotation(text, annotation, replace(NUMBER, references=True), CONTEXT)
    assert with_references.text == "[FIRSTNAME_1] left. [PRONOUN_1] was late."
    assert restore_text(with_references.text, with_references.mapping).text == text


def test_the_same_name_in_capitals_has_a_placeholder_of_its_own() -> None:
    masked = mask("Ann and ANN", ANN="FIRSTNAME")
    assert masked.text.startswith("[FIRSTNAME_1] and [FIRSTNAME_")
    assert restore_text(masked.text, masked.mapping).text == "Ann and ANN"


def test_a_persona_agrees_with_itself() -> None:
    text = "Ann Smith (ann.smith@mail.com) and Bob Jones. Ann smiled, BOB did not. Ms Smith left."
    masked = mask(text, FAKE, BOB="FIRSTNAME")
    by_place = {text[one.start : one.end]: one.replacement for one in masked.replacements}
    assert len({one.replacement for one in masked.replacements if text[one.start : one.end] == "Ann"}) == 1
    assert len({one.replacement for one in masked.replacements if text[one.start : one.end] == "Smith"}) == 1
    local, _, domain = by_place["ann.smith@mail.com"].partition("@")
    assert domain in {"example.com", "example.org", "example.net"}
    assert fold(by_place["Ann"])[0] in local
    assert by_place["BOB"].isupper()
    assert not {fold(value) for value in by_place} & {fold(value) for value in by_place.values()}


@pytest.mark.parametrize(
    ("number", "country", "kept"),
    [("+49 30 1234567", "DE", "+49 "), ("+4930123456789", "DE", "+49"), ("+44 20 7946 0958", "GB", "+44 ")],
)
def test_a_surrogate_of_a_telephone_number_stays_in_its_country(number: str, country: str, kept: str) -> None:
    for seed in range(5):
        annotation = annotate(f"call {number}", {number: "PHONENUMBER"})
        context = MaskingContext(LABELS, parse_key(f"{seed:02x}" * 32), "", country)
        (one,) = mask_annotation(f"call {number}", annotation, FAKE, context).replacements
        assert one.replacement.startswith(kept)
        assert len(one.replacement) == len(number)
        assert check_value("phone", one.replacement, country) == check_value("phone", number, country)


@pytest.mark.parametrize(("language", "country"), [("", "DE"), ("de", ""), ("", "")])
def test_a_date_with_dots_begins_with_its_day(language: str, country: str) -> None:
    for seed in range(8):
        context = MaskingContext(LABELS, parse_key(f"{seed:02x}" * 32), language, country)
        annotation = annotate("born 03.04.1988", {"03.04.1988": "DATEOFBIRTH"})
        day, month, _ = mask_annotation("born 03.04.1988", annotation, FAKE, context).text[5:].split(".")
        assert 1 <= int(day) <= 31
        assert 1 <= int(month) <= 12


def test_surrogates_keep_form_and_check_digits() -> None:
    text = "Card 4111 1111 1111 1111, IBAN DE89 3704 0044 0532 0130 00, born 3 March 1988, +1 415 555 0132."
    replaced = {one.label: one.replacement for one in mask(text, FAKE).replacements}
    assert check_value("credit_card", replaced["CREDITCARDNUMBER"])
    assert [len(part) for part in replaced["CREDITCARDNUMBER"].split(" ")] == [4, 4, 4, 4]
    assert check_value("iban", replaced["IBAN"])
    assert replaced["IBAN"].startswith("DE")
    assert replaced["DATEOFBIRTH"].split()[0].isdigit()
    assert replaced["DATEOFBIRTH"].split()[1].isalpha()
    assert check_value("phone", replaced["PHONENUMBER"], "US")


def test_the_surrogate_of_an_iban_written_apart_keeps_its_country() -> None:
    iban = " ".join("DE89370400440532013000")
    [one] = mask_annotation(iban, annotate(iban, {iban: "IBAN"}), FAKE, CONTEXT).replacements
    assert one.replacement.startswith("D E ")
    assert check_value("iban", one.replacement.replace(" ", ""))


def test_a_key_gives_the_same_surrogates_in_every_text() -> None:
    one, other = mask("Ann Smith was here.", FAKE), mask("We saw Ann Smith again.", FAKE)
    assert [r.replacement for r in one.replacements] == [r.replacement for r in other.replacements]
    strange = mask_annotation("Ann Smith", annotate("Ann Smith", VALUES), FAKE, replace(CONTEXT, key=draw_key()))
    assert [r.replacement for r in strange.replacements] != [r.replacement for r in one.replacements]


def test_a_number_in_other_groups_has_the_same_digits() -> None:
    text = "+49 30 1234567, +49301234567, +49 (0)30 1234567"
    spans = [(0, 14), (16, 28), (30, 47)]
    entities = tuple(Entity(*span, "PHONENUMBER", score=1.0) for span in spans)
    masked = mask_annotation(text, Annotation(Author.model("x"), entities), FAKE, CONTEXT)
    first, second, third = (one.replacement for one in masked.replacements)
    assert (second, third.replace("(0)", "")) == (first.replace(" ", ""), first)
    assert restore_text(masked.text, masked.mapping).text == text


def test_a_surrogate_is_never_a_real_value_of_the_text() -> None:
    first = mask("Ann Smith was here.", FAKE)
    taken = first.replacements[0].replacement
    text = f"Ann Smith met {taken} here."
    masked = mask_annotation(text, annotate(text, VALUES | {taken: "FIRSTNAME"}), FAKE, CONTEXT)
    assert taken not in masked.text
    kept = mask_annotation(text, annotate(text, VALUES), FAKE, CONTEXT)
    assert kept.text.count(taken) == 1
    assert restore_text(kept.text, kept.mapping).text == text


def test_a_surrogate_inside_a_word_is_taken_back() -> None:
    text = "Annas Haus, AnnSmith"
    entities = (Entity(0, 3, "FIRSTNAME"), Entity(12, 15, "FIRSTNAME"), Entity(15, 20, "SURNAME"))
    masked = mask_annotation(text, Annotation(Author.model("m"), entities), FAKE, CONTEXT)
    assert restore_text(masked.text, masked.mapping).text == text


def test_texts_of_one_ledger_share_their_replacements() -> None:
    ledger = Ledger()
    assert mask("Ann Smith", ledger=ledger).text == "[FIRSTNAME_1] [SURNAME_1]"
    assert mask("Bob and Ann Smith", ledger=ledger).text == "[FIRSTNAME_2] and [FIRSTNAME_1] [SURNAME_1]"


def test_text_that_looks_like_a_known_placeholder_stays_apart() -> None:
    ledger = Ledger()
    mask("Ann", ledger=ledger)
    text = "[FIRSTNAME_1] is a placeholder, Ann a name"
    masked = mask(text, ledger=ledger)
    assert masked.text == "[LITERAL_1] is a placeholder, [FIRSTNAME_1] a name"
    assert restore_text(masked.text, ledger).text == text


def test_a_fresh_placeholder_is_not_one_that_the_text_holds() -> None:
    text = "[FIRSTNAME_1] stood here before Ann"
    masked = mask(text)
    assert masked.text == "[FIRSTNAME_1] stood here before [FIRSTNAME_2]"
    assert restore_text(masked.text, masked.mapping).text == text


def test_allow_list_deny_list_and_thresholds() -> None:
    policy = replace(
        NUMBER,
        allow=("ANN",),
        deny=(DeniedTerm("project falcon", "COMPANYNAME"),),
        labels={"CITY": Rule("number", threshold=0.95)},
    )
    masked = mask("Ann from Berlin met Bob of Project Falcon.", policy)
    assert masked.text == "Ann from Berlin met [FIRSTNAME_1] of [COMPANYNAME_1]."
    assert masked.below_threshold == 1


def test_a_denied_term_is_masked_even_where_its_label_is_kept_or_it_is_allowed() -> None:
    policy = replace(NUMBER, labels={"CITY": Rule("keep")}, allow=("Berlin",), deny=(DeniedTerm("Berlin", "CITY"),))
    assert mask("in Berlin", policy).text == "in [CITY]"


def test_a_recogniser_needs_its_validator_and_its_context() -> None:
    card = Recogniser("CARD", r"\d{4}(?: \d{4}){3}", validator="credit_card")
    badge = Recogniser("BADGE", r"\b(\d{4})\b", context=("badge",), window=10)
    policy = replace(NUMBER, recognisers=(card, badge))
    masked = mask_annotation(
        "4111 1111 1111 1112 and 4111 1111 1111 1111; badge 1234; since 1999, not 5678",
        Annotation(Author.model("m")),
        policy,
        CONTEXT,
    )
    assert masked.text == "4111 1111 1111 1112 and [CARD_1]; badge [BADGE_1]; since 1999, not 5678"


def test_a_recogniser_that_takes_too_long_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goldspan.masking.detection.PATTERN_SECONDS", 0.05)
    policy = replace(NUMBER, recognisers=(Recogniser("X", r"((a|a)+)+b"),))
    with pytest.raises(MaskingError, match="recogniser of X"):
        mask_annotation("a" * 60, Annotation(Author.model("m")), policy, CONTEXT)


def test_a_label_that_nobody_knows_is_masked() -> None:
    annotation = Annotation(Author.model("m"), (Entity(0, 3, "SOMETHING_NEW"),))
    assert mask_annotation("xyz", annotation, NUMBER, CONTEXT).text == "[SOMETHING_NEW_1]"


def test_repeats_that_the_model_missed_are_masked() -> None:
    text = "Ann came. Then Ann left, and Anna stayed. 12 of 12."
    entities = (Entity(0, 3, "FIRSTNAME"), Entity(42, 44, "BUILDINGNUM"))
    masked = mask_annotation(text, Annotation(Author.model("m"), entities), NUMBER, CONTEXT)
    assert masked.text == "[FIRSTNAME_1] came. Then [FIRSTNAME_1] left, and Anna stayed. [BUILDINGNUM_1] of 12."
    assert [one.source for one in masked.replacements] == ["model", "repeat", "model"]


@pytest.mark.parametrize("place", [(0, 4), (2, 2), (-1, 2), (3, 1)])
def test_a_span_outside_the_text_is_an_error(place: tuple[int, int]) -> None:
    with pytest.raises(MaskingError):
        mask_annotation("Ann", Annotation(Author.model("m"), (Entity(*place, "FIRSTNAME"),)), NUMBER, CONTEXT)


@pytest.mark.parametrize("operator", ["hash", "encrypt", "shift_date"])
def test_an_operator_without_its_key_is_an_error(operator: str) -> None:
    with pytest.raises(ConfigurationError, match="GOLDSPAN_MASKING_KEY"):
        mask_annotation("x", Annotation(Author.model("m")), Policy("p", Rule(operator)), MaskingContext(LABELS))


def test_dates_of_one_person_keep_their_intervals() -> None:
    text = "Ann was born 3 March 1988 and came on 2020-01-31, left 02/10/2020."
    values = VALUES | {"2020-01-31": "DATE", "02/10/2020": "DATE"}
    masked = mask_annotation(text, annotate(text, values), Policy("d", Rule("keep"), {
        "DATEOFBIRTH": Rule("shift_date"), "DATE": Rule("shift_date")}), CONTEXT)  # fmt: skip
    from goldspan.masking.dates import parse_date

    moved = [parse_date(one.replacement, "en", "US") for one in masked.replacements]
    real = [parse_date(text[one.start : one.end], "en", "US") for one in masked.replacements]
    shifts = {(new.day - old.day).days for new, old in zip(moved, real, strict=True) if new and old}
    assert len(shifts) == 1
    assert 1 <= abs(shifts.pop()) <= 180


@given(samples(), st.sampled_from(OPERATORS))
@example(Sample("\r\n", "en", annotations=(Annotation(Author.model("m"), (Entity(0, 1, "CITY"),)),)), "number")
def test_what_is_not_replaced_is_verbatim_and_what_is_masked_is_gone(sample: Sample, operator: str) -> None:
    policy = Policy("p", Rule(operator, kind="date") if operator == "generalise" else Rule(operator))
    masked = mask_annotation(sample.text, sample.annotations[0], policy, CONTEXT)
    assert masked.complete
    cursor = masked_cursor = 0
    kept = []
    for one in masked.replacements:
        kept.append(sample.text[cursor : one.start])
        assert masked.text[masked_cursor : one.masked_start] == kept[-1]
        assert masked.text[one.masked_start : one.masked_end] == one.replacement
        cursor, masked_cursor = one.end, one.masked_end
    assert masked.text[masked_cursor:] == sample.text[cursor:]
    if operator == "keep":
        assert masked.text == sample.text
        return
    covered = {n for one in masked.replacements for n in range(one.start, one.end)}
    for entity in sample.annotations[0].entities:
        assert covered.issuperset(range(entity.start, entity.end))
        value = sample.text[entity.start : entity.end]
        if is_telling(value):
            assert not list(find_occurrences("\0".join([*kept, sample.text[cursor:]]), value))


@given(st.lists(samples(), min_size=1, max_size=3), st.sampled_from(["number", "fake", "encrypt"]))
def test_reversible_masking_is_taken_back_exactly(texts: list[Sample], operator: str) -> None:
    ledger, policy = Ledger(key=KEY), Policy("p", Rule(operator))
    masked = [mask_annotation(one.text, one.annotations[0], policy, CONTEXT, ledger).text for one in texts]
    assert [restore_text(text, ledger, KEY).text for text in masked] == [one.text for one in texts]


@given(samples())
def test_one_referent_and_value_has_one_replacement(sample: Sample) -> None:
    masked = mask_annotation(sample.text, sample.annotations[0], FAKE, CONTEXT)
    seen: dict[tuple[str, int, str], str] = {}
    for one in masked.replacements:
        key = (one.label, one.referent, sample.text[one.start : one.end])
        assert seen.setdefault(key, one.replacement) == one.replacement
