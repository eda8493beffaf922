"""Elision and contraction of prepositions: d'Alice, qu'Anne, del señor, al señor."""

from __future__ import annotations

_ELIDING = {"de": "d'", "que": "qu'", "De": "D'", "Que": "Qu'"}
_VOWELS = "aàâeéèêëiîïoôuùûœæh"
_CONTRACTED = {"de": "del", "a": "al", "De": "Del", "A": "Al"}


def elide_last(language: str, text: str, after: str) -> str:
    """The text before `after`, its last word elided if that is a French preposition or conjunction that must be."""
    before, _, last = text.removesuffix(" ").rpartition(" ")
    if language != "fr" or not text.endswith(" ") or last not in _ELIDING or after[:1].lower() not in _VOWELS:
        return text
    return f"{before} {_ELIDING[last]}".lstrip()


def elide(language: str, preposition: str, title: str, word: str) -> str:
    """The preposition, and the title if there is one, as they stand before the word, blank included."""
    if language == "fr" and preposition in _ELIDING and (title or word)[:1].lower() in _VOWELS:
        return _ELIDING[preposition] + (f"{title} " if title else "")
    if language == "es" and preposition in _CONTRACTED and title.startswith("el "):
        return f"{_CONTRACTED[preposition]} {title[3:]} "
    return f"{preposition} {title} " if title else f"{preposition} "
