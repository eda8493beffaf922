"""What a word becomes before the next one: d'Alice, qu'Anne, l'Umsys, del señor, al señor, an actor."""

from __future__ import annotations

_ELIDING = {"de": "d'", "que": "qu'", "De": "D'", "Que": "Qu'"}
_ARTICLES = {"le": "l'", "Le": "L'", "du": "de l'", "Du": "De l'", "au": "à l'", "Au": "À l'"}
_BEFORE_VOWELS = {"fr": _ELIDING | _ARTICLES, "en": {"a": "an ", "A": "An "}}
_VOWELS = "aàâeéèêëiîïoôuùûœæh"
_ENGLISH_VOWELS = "aeiou"
_CONSONANTAL = {"en": ("uni", "use", "eu", "uk", "us", "one", "uz", "ug"), "fr": ("huit", "onz")}
"""Beginnings of words that are spelled with a vowel and spoken as if with a consonant."""
_CONTRACTED = {"de": "del", "a": "al", "De": "Del", "A": "Al"}


def elide_last(language: str, text: str, after: str) -> str:
    """The text with its last word as it stands before `after`: French `de`, `que`, `le` elided, English `a`, `an`."""
    before, _, last = text.removesuffix(" ").rpartition(" ")
    if not text.endswith(" ") or last not in _BEFORE_VOWELS.get(language, {}):
        return text
    if after.casefold().startswith(_CONSONANTAL.get(language, ())):
        return text
    if after[:1].casefold() not in (_ENGLISH_VOWELS if language == "en" else _VOWELS):
        return text
    return f"{before} {_BEFORE_VOWELS[language][last]}".lstrip()


def elide(language: str, preposition: str, title: str, word: str) -> str:
    """The preposition, and the title if there is one, as they stand before the word, blank included."""
    if language == "fr" and preposition in _ELIDING and (title or word)[:1].lower() in _VOWELS:
        return _ELIDING[preposition] + (f"{title} " if title else "")
    if language == "es" and preposition in _CONTRACTED and title.startswith("el "):
        return f"{_CONTRACTED[preposition]} {title[3:]} "
    return f"{preposition} {title} " if title else f"{preposition} "
