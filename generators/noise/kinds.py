"""Kinds of noise: what typing, scanning and speaking do to text. Each gives edits; rates are shares of words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from random import Random

from goldspan.generators.noise.edits import Edit
from goldspan.generators.surrogates.chance import pick

_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]{3,}")
_NEAR = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
"""Neighbours on a keyboard."""
_SCANNED = (
    ("rn", "m"),
    ("m", "rn"),
    ("cl", "d"),
    ("l", "1"),
    ("I", "l"),
    ("O", "0"),
    ("e", "c"),
    ("h", "b"),
    ("ii", "ü"),
)
"""What recognition takes for what."""
_SPECIAL = {"ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "œ": "oe", "Ø": "Oe", "Æ": "Ae", "Å": "Aa", "ł": "l"}
FILLERS: Mapping[str, tuple[str, ...]] = {
    "en": ("um", "uh", "you know", "I mean", "like", "erm"),
    "de": ("äh", "ähm", "also", "halt", "sozusagen"),
    "fr": ("euh", "ben", "enfin", "disons", "quoi"),
    "es": ("eh", "este", "o sea", "pues", "bueno"),
    "nl": ("eh", "uhm", "zeg maar", "nou", "dus"),
    "da": ("øh", "altså", "ikke", "hmm", "jo"),
}

Kind = Callable[[Random, str, int, int, float, str], list[Edit]]
"""Edits of one free stretch: random numbers, text, start, end, rate, language."""


def make_typos(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Swapped, dropped, doubled and neighbouring letters inside words."""
    edits = []
    for match in _WORD.finditer(text, start, end):
        if rng.random() < rate:
            place = rng.randrange(match.start() + 1, match.end() - 1)
            two, letter = text[place : place + 2], text[place]
            kind = rng.random()
            if kind < 0.3 and two[0] != two[1]:
                edits.append(Edit(place, place + 2, two[::-1]))
            elif kind < 0.55:
                edits.append(Edit(place, place + 1, ""))
            elif kind < 0.75:
                edits.append(Edit(place, place + 1, letter * 2))
            elif near := _NEAR.get(letter):
                edits.append(Edit(place, place + 1, pick(rng, near)))
    return edits


def drop_diacritics(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Letters without their marks, word by word: `é` as `e`, `ß` as `ss`."""
    edits = []
    for match in _WORD.finditer(text, start, end):
        if rng.random() < rate:
            for place in range(*match.span()):
                plain = _SPECIAL.get(text[place]) or _strip_marks(text[place])
                if plain != text[place]:
                    edits.append(Edit(place, place + 1, plain))
    return edits


def _strip_marks(letter: str) -> str:
    return "".join(part for part in unicodedata.normalize("NFD", letter) if not unicodedata.combining(part)) or letter


def misread_letters(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """One letter or pair of a word read as another, as scanners do."""
    edits = []
    for match in _WORD.finditer(text, start, end):
        if rng.random() < rate:
            shuffled = rng.sample(_SCANNED, len(_SCANNED))
            found = next(((old, new) for old, new in shuffled if old in match[0]), None)
            if found:
                place = text.index(found[0], match.start())
                edits.append(Edit(place, place + len(found[0]), found[1]))
    return edits


def break_words(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Long words divided by a hyphen at the end of a line."""
    edits = []
    for match in _WORD.finditer(text, start, end):
        if len(match[0]) > 6 and rng.random() < rate:
            place = rng.randrange(match.start() + 3, match.end() - 2)
            edits.append(Edit(place, place, "-\n"))
    return edits


def break_lines(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Blanks between words as line breaks."""
    return [
        Edit(place, place + 1, "\n")
        for place in range(start + 1, end - 1)
        if text[place] == " " and text[place - 1].isalnum() and text[place + 1].isalnum() and rng.random() < rate
    ]


def add_fillers(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Hesitations between words, and words said twice."""
    edits = []
    for match in re.finditer(r"(?<=\w) (?=\w)", text[start:end]):
        if rng.random() < rate:
            place = start + match.start()
            word = re.search(r"\w+\Z", text[start:place])
            said = word[0].lower() if word and rng.random() < 0.3 else pick(rng, FILLERS.get(language, FILLERS["en"]))
            edits.append(Edit(place, place, f" {said}" if rng.random() < 0.5 else f", {said},"))
    return edits


def drop_punctuation(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Commas and full stops left out where words go on."""
    return [
        Edit(place, place + 1, "")
        for place in range(start, end - 1)
        if text[place] in ",.;" and text[place + 1] in " \n" and rng.random() < rate
    ]


def lower_case(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Words in small letters."""
    return _change_case(rng, text, start, end, rate, str.lower)


def title_case(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Words with a capital, as in English headlines; short ones stay small."""
    return _change_case(rng, text, start, end, rate, lambda word: word[0].upper() + word[1:] if len(word) > 3 else word)


def upper_case(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """Words in capitals."""
    return _change_case(rng, text, start, end, rate, str.upper)


def _change_case(rng: Random, text: str, start: int, end: int, rate: float, change: Callable[[str], str]) -> list[Edit]:
    return [
        Edit(match.start(), match.end(), change(match[0]))
        for match in _LETTERS.finditer(text, start, end)
        if change(match[0]) != match[0] and rng.random() < rate
    ]


def quote_lines(rng: Random, text: str, start: int, end: int, rate: float, language: str) -> list[Edit]:
    """`> ` before every line, as mail programs quote; one decision for the whole text."""
    places = ([0] if start == 0 else []) + [place + 1 for place in range(start, end - 1) if text[place] == "\n"]
    return [Edit(place, place, "> ") for place in places]


KINDS: Mapping[str, Kind] = {
    "typos": make_typos,
    "diacritics": drop_diacritics,
    "ocr": misread_letters,
    "hyphenation": break_words,
    "lines": break_lines,
    "fillers": add_fillers,
    "punctuation": drop_punctuation,
    "lower": lower_case,
    "upper": upper_case,
    "title": title_case,
    "quote": quote_lines,
}
"""Kinds of noise by name."""
