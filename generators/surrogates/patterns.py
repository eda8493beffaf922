"""Values for labels without a generator of their own, shaped like the label's hints."""

from __future__ import annotations

import re
from random import Random

from goldspan.annotation.labels.schema import Label
from goldspan.generators.surrogates.chance import CAPITALS, DIGITS, draw_digits, draw_from

_EXAMPLE = re.compile(r"(?<![\w-])(?=[\w/.-]*\d)[A-Za-z0-9](?:[\w/.-]*[A-Za-z0-9])?(?![\w-])")


def draw_like(rng: Random, example: str) -> str:
    """A value of the example's shape: each digit drawn anew; letters kept in a leading code, else drawn anew."""
    prefix = re.match(r"[A-Z]{2,}(?=[-/. \d])", example)
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


def has_number_example(label: Label) -> bool:
    """True if a hint holds an example of a number (`MRN-123456`): at least half of its characters are digits."""
    examples = [example for hint in label.hints for example in _EXAMPLE.findall(hint) if len(example) >= 4]
    return any(
        2 * sum(character.isdigit() for character in example) >= sum(character.isalnum() for character in example)
        for example in examples
    )


def has_words_alone(label: Label) -> bool:
    """True if the label has examples, some of which are words, and no hint shows a number."""
    return any(not _EXAMPLE.fullmatch(example) for example in label.examples) and not has_number_example(label)


def draw_by_pattern(rng: Random, label: Label) -> str:
    """A value for any label: shaped as an example in its hints (`MRN-123456`) or examples, else initials and digits."""
    for hint in label.hints:
        examples = [example for example in _EXAMPLE.findall(hint) if len(example) >= 4]
        if examples:
            return draw_like(rng, max(examples, key=len))
    if label.examples:
        return draw_like(rng, label.examples[rng.randrange(len(label.examples))])
    initials = "".join(word[0] for word in label.code.split("_"))[:3]
    return f"{initials}-{draw_digits(rng, 3)}{draw_from(rng, CAPITALS, 2)}{draw_digits(rng, 3)}"
