"""Values for labels without a generator of their own, shaped like the label's hints."""

from __future__ import annotations

import re
from random import Random

from goldspan.annotation.labels.schema import Label
from goldspan.generators.surrogates.chance import CAPITALS, DIGITS, draw_digits, draw_from, pick

_EXAMPLE = re.compile(r"(?<![\w-])(?=[\w/.-]*\d)[A-Za-z0-9](?:[\w/.-]*[A-Za-z0-9])?(?![\w-])")

_MEASURE = re.compile(
    r"(?<![\w.,-])(?:[€$£] ?\d[\d.,]*\d|[€$£] ?\d|\d(?:[\d.,]*\d)? ?(?:[€$£%‰]|(?:"
    r"[kmµ]?g|mg/kg|m[gl]/d?l|[cm]?l|[nµcdk]?m[²³]?|km/h|mph|°[CF]|[kMG]?W|kWh|[mk]?V|m?A|mAh|[kMG]?Hz|[kMGT]?B|"
    r"lbs?|oz|ft|psi|k?bar|h?Pa|mmHg|bpm|rpm|dB|ms|min|USD|EUR|GBP|CHF|DKK|kr)(?![\w/])))"
)
"""A number with its unit or currency: `4.2 kg`, `€ 25`."""
_NUMBERED = re.compile(r"[^\W\d_]+\.? ?\d+")
"""A word with a number, where it is the whole of a hint or an example: `level 12`."""
_MEASURE_DIGIT = re.compile(r"(?<![\d.,])([1-9])|\d")
"""A digit of a number; the group is a first one that is not 0."""


def draw_like(rng: Random, example: str) -> str:
    """A value of the example's shape: each digit drawn anew; letters kept in a leading code, else drawn anew.

    A measure (`4.2 kg`) keeps its unit, a numbered word (`level 12`) the word; a first digit that is not 0 stays none.
    """
    if _is_measure(example):
        return _draw_measure(rng, example)
    prefix = re.match(r"[A-Z]{2,}(?=[-/. \d])|[a-z](?=\d)", example)
    kept = prefix.end() if prefix else 0
    drawn = [
        draw_from(rng, DIGITS, 1)
        if character.isdigit()
        else draw_from(rng, CAPITALS if character.isupper() else CAPITALS.lower(), 1)
        if character.isascii() and character.isalpha()
        else character
        for character in example[kept:]
    ]
    return example[:kept] + "".join(drawn)


def _is_measure(example: str) -> bool:
    return bool(_MEASURE.fullmatch(example) or (_NUMBERED.fullmatch(example) and not _EXAMPLE.fullmatch(example)))


def _list_measures(label: Label) -> list[str]:
    """Measures within the hints, and hints that are numbered words."""
    within = [found[0] for hint in label.hints for found in _MEASURE.finditer(hint)]
    return within or [hint for hint in label.hints if _is_measure(hint)]


def _draw_measure(rng: Random, example: str) -> str:
    return _MEASURE_DIGIT.sub(lambda digit: draw_from(rng, DIGITS[1:] if digit[1] else DIGITS, 1), example)


def has_number_example(label: Label) -> bool:
    """True if a hint holds a measure (`4.2 kg`) or a number (`MRN-123456`): at least half of it are digits."""
    if _list_measures(label):
        return True
    examples = [example for hint in label.hints for example in _EXAMPLE.findall(hint) if len(example) >= 4]
    return any(
        2 * sum(character.isdigit() for character in example) >= sum(character.isalnum() for character in example)
        for example in examples
    )


def has_words_alone(label: Label) -> bool:
    """True if the label has examples, some of which are words, and no hint shows a number."""
    is_shaped = (_EXAMPLE.fullmatch(example) or _is_measure(example) for example in label.examples)
    return not all(is_shaped) and not has_number_example(label)


def draw_by_pattern(rng: Random, label: Label) -> str:
    """A value for any label: shaped as an example in its hints (`MRN-123456`) or examples, else initials and digits."""
    if measures := _list_measures(label):
        return draw_like(rng, pick(rng, measures))
    for hint in label.hints:
        examples = [example for example in _EXAMPLE.findall(hint) if len(example) >= 4]
        if examples:
            return draw_like(rng, max(examples, key=len))
    if label.examples:
        return draw_like(rng, label.examples[rng.randrange(len(label.examples))])
    initials = "".join(word[0] for word in label.code.split("_"))[:3]
    return f"{initials}-{draw_digits(rng, 3)}{draw_from(rng, CAPITALS, 2)}{draw_digits(rng, 3)}"
