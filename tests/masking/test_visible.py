from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.loops import run_sync
from goldspan.masking.mask import Masker
from goldspan.masking.policy import DeniedTerm, Policy, Recogniser, Rule, load_policy
from goldspan.masking.restore import restore_text
from goldspan.masking.visible import show_text
from tests.masking.lexicon import LexiconPredictor

LABELS = load_labels()


def disguise(text: str, how: str) -> str:
    match how:
        case "alike":
            return text.translate(str.maketrans("aeoS", "аеоЅ"))
        case "wide":
            return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
        case "decomposed":
            return unicodedata.normalize("NFD", text)
        case "bold":
            return "".join(chr(0x1D400 + ord(c) - 65) if "A" <= c <= "Z" else c for c in text)
        case "struck":
            return "".join(f"{c}\u0336" for c in text)
        case "squared":
            return "".join(chr(0x1F130 + ord(c) - 65) if "A" <= c <= "Z" else c for c in text)
        case "black":
            return "".join(chr(0x1F170 + ord(c) - 65) if "A" <= c <= "Z" else c for c in text)
        case "raised":
            return text.translate(str.maketrans("aeilmnotu", "ᵃᵉⁱˡᵐⁿᵒᵗᵘ"))
        case "tags":
            return "".join(chr(0xE0000 + ord(c)) if c.isascii() else c for c in text)
    return how.join(text)


WAYS = [
    "alike",
    "wide",
    "decomposed",
    "bold",
    "struck",
    "squared",
    "black",
    "raised",
    "tags",
    "\u200b",
    "\u00ad",
    "\u2060",
    "\u202a",
    "\u034f",
    "\ufe0f",
]


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("value", ["Müller", "Zoë", "ann.smith@mail.com", "Smith"])
async def test_a_disguised_value_is_masked_whole_and_restored(how: str, value: str) -> None:
    hidden = disguise(value, how)
    text = f"We saw {hidden}, and {value} \u2067too\u2069."
    masked = await Masker(LexiconPredictor(), load_policy("pseudonymise"), LABELS).mask(text)
    kept = masked.text.replace(masked.replacements[0].replacement, "")
    assert len(masked.replacements) == 2
    assert [text[one.start : one.end].strip() for one in masked.replacements] == [hidden, value]
    assert kept.replace(" ,", ",").startswith("We saw, and ")
    assert restore_text(masked.text, masked.mapping).text == text


@given(
    st.lists(st.tuples(st.sampled_from(["Ann", "ü", "x 1", "ﬁ", "e\u0301", "Ａ"]), st.sampled_from(WAYS)), max_size=9)
)
def test_places_of_what_is_shown_cover_the_source_in_order(pieces: list[tuple[str, str]]) -> None:
    source = "".join(disguise(text, how) for text, how in pieces)
    shown = show_text(source)
    if shown is None:
        return
    assert len(shown.text) == len(shown.starts) == len(shown.ends)
    for number in range(len(shown.text)):
        start, end = shown.locate(number, number + 1)
        assert start < end
        first, last = shown.find(start, end)
        assert first <= number < last
        plain = show_text(source[start:end])
        assert (plain.text if plain else source[start:end]) == shown.text[first:last]
    assert list(shown.starts) == sorted(shown.starts)


@pytest.mark.parametrize("sign", ["\u200b", "\ufeff", "\u202c"])
async def test_an_invisible_character_between_values_hides_none(sign: str) -> None:
    """What a reader sees is one word here; what a program reads are two values."""
    masked = await Masker(LexiconPredictor(), load_policy("redact"), LABELS).mask(f"x Ann{sign}Smith.")
    assert masked.text.replace(sign, "") in ("x [REDACTED][REDACTED].", "x [REDACTED].")


async def test_lists_and_recognisers_see_what_a_reader_sees() -> None:
    policy = Policy(
        "own",
        Rule("replace"),
        deny=(DeniedTerm("Falcon", "COMPANYNAME"),),
        recognisers=(Recogniser("TICKET", r"\bT-\d{6}\b"),),
    )
    masked = await Masker(LexiconPredictor(values={}), policy, LABELS).mask("Fal\u00adcon T-12\u200b3456 ok")
    assert masked.text == "[COMPANYNAME] [TICKET] ok"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Smith, SMITH and smith", "[SURNAME], [SURNAME] and smith"),
        ("ann.smith@mail.com or Ann.SMITH@Mail.com", "[EMAIL] or [EMAIL]"),
        ("Ann ANN", "[FIRSTNAME] ANN"),
    ],
)
async def test_repeats_in_other_case(text: str, expected: str) -> None:
    policy = Policy("own", Rule("replace"))
    values = {"Smith": "SURNAME", "ann.smith@mail.com": "EMAIL", "Ann": "FIRSTNAME"}
    assert (await Masker(LexiconPredictor(values=values), policy, LABELS).mask(text)).text == expected


def test_a_plain_text_is_itself() -> None:
    assert show_text("Müller and 😀 \N{WAVING BLACK FLAG}") is None
    assert run_sync(Masker(LexiconPredictor(), load_policy("redact"), LABELS).mask("ü")).text == "ü"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Smith Smi\u00adth SMITH", "[SURNAME_1] [SURNAME_1.2] [SURNAME_1.3]"),
        ("4111 1111 1111 1111, 4111-1111-1111-1111", "[CREDITCARDNUMBER_1], [CREDITCARDNUMBER_1.2]"),
        ("+1 415 555 0132 or 1 (415) 5550132", "[PHONENUMBER_1] or [PHONENUMBER_1.2]"),
    ],
)
async def test_other_spellings_are_one_person_or_thing(text: str, expected: str) -> None:
    masked = await Masker(LexiconPredictor(), load_policy("pseudonymise"), LABELS).mask(text)
    assert masked.text == expected
    assert restore_text(masked.text, masked.mapping).text == text


async def test_a_surrogate_of_a_name_in_capitals_is_the_name_in_capitals() -> None:
    text = "Smith wrote to SMITH and Müller."
    masked = await Masker(LexiconPredictor(), load_policy("surrogates"), LABELS).mask(text)
    first, second, other = (one.replacement for one in masked.replacements)
    assert second == first.upper()
    assert other not in (first, second)
    assert restore_text(masked.text, masked.mapping).text == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Аnn Smіth", "Ann Smith"),
        ("Мüller", "Müller"),
        ("1\u202f2\u00a03", "1 2 3"),
        ("+1 ٤١٥ ५५५", "+1 415 555"),
        ("Москва", None),
        ("Cтрасбург", None),
    ],
)
def test_letters_that_look_alike_and_digits_of_other_scripts(text: str, shown: str | None) -> None:
    seen = show_text(text)
    assert (seen and seen.text) == shown


def test_small_capitals_are_read() -> None:
    shown = show_text("ᴋᴀᴍɪɴꜱᴋɪ")
    assert shown is not None
    assert shown.text == "KAMINSKI"


APART = [" ", ".", "-", "\u2011", "\u00b7", "\u00a0", "\u2009", "\u202f"]


@pytest.mark.parametrize("by", APART)
@pytest.mark.parametrize("letters", ["M ü l l e r", "M u\u0308 l l e r", "S m i t h"])
async def test_a_value_written_apart_is_masked_whole_and_restored(letters: str, by: str) -> None:
    text = f"We saw {letters.replace(' ', by)}, and then (Smith)."
    masked = await Masker(LexiconPredictor(), load_policy("pseudonymise"), LABELS).mask(text)
    assert masked.text.startswith("We saw [SURNAME_1], and then ([SURNAME_")
    assert restore_text(masked.text, masked.mapping).text == text


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("H e r r M ü l l e r", "Herr Müller"),
        ("M a x   M ü l l e r", "Max   Müller"),
        ("N a m e : M Ü L L E R", "Name: MÜLLER"),
        ("J . S m i t h", "J. Smith"),
        ("m a x @ f o o . d e or m-a-x-@-f-o-o-.-d-e", "max@foo.de or max@foo.de"),
        ("M A X @ F O O . D E", "MAX@FOO.DE"),
        ("4 1 1 1 - 1 1 1 1", "4111-1111"),
        ("D E 8 9 3 7 0 4", "DE893704"),
        ("the U S A and A n n", None),
        ("S . S", None),
        ("rows 1 0 1 1 0 1 0 and A   B   C   D", None),
        ("Ab c d e", None),
        ("contents . . . . . . . 5", None),
        ("S m i\nt h", None),
    ],
)
def test_rows_of_single_characters_are_read_as_words(text: str, read: str | None) -> None:
    shown = show_text(text)
    assert (shown and shown.text) == read


@given(
    st.text(st.sampled_from("abzüñß1я"), min_size=4, max_size=12).filter(lambda word: not word.isdigit()),
    st.sampled_from(APART),
    st.sampled_from(["", "We saw ", "(", "x\u00ad, ", "e\u0301t\u00e9 "]),
    st.sampled_from(["", " today.", ")", ", u\u0308ber", "\n1"]),
)
def test_places_of_what_is_written_apart_are_the_whole_row(word: str, by: str, before: str, after: str) -> None:
    row = by.join(word)
    shown = show_text(before + row + after)
    assert shown is not None
    start = shown.text.index(word)
    assert shown.locate(start, start + len(word)) == (len(before), len(before) + len(row))
    assert shown.find(len(before), len(before) + len(row)) == (start, start + len(word))
