from __future__ import annotations

from goldspan.masking.restore import restore_text


def test_the_longest_replacement_wins_and_words_stay_whole() -> None:
    mapping = {"Ann": "Eva", "Anna": "Ida", "Ann Lee": "Eva Roth"}
    restored = restore_text("Anna, Ann Lee and Ann; Annabel and Hannah stay.", mapping)
    assert restored.text == "Ida, Eva Roth and Eva; Annabel and Hannah stay."
    assert restored.restored == 3


def test_what_was_put_back_is_not_replaced_again() -> None:
    assert restore_text("Ann and Eva", {"Ann": "Eva", "Eva": "Ann"}).text == "Eva and Ann"


def test_unknown_placeholders_are_named() -> None:
    restored = restore_text("[FIRSTNAME_1] [FIRSTNAME_7] [FIRSTNAME_1.2] [CITY_1]", {"[FIRSTNAME_1]": "Ann"})
    assert restored.text == "Ann [FIRSTNAME_7] [FIRSTNAME_1.2] [CITY_1]"
    assert restored.unknown == ("[FIRSTNAME_7]", "[FIRSTNAME_1.2]", "[CITY_1]")


def test_a_placeholder_is_not_found_in_a_longer_one() -> None:
    assert restore_text("[FIRSTNAME_12]", {"[FIRSTNAME_1]": "Ann"}).text == "[FIRSTNAME_12]"
