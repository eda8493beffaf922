"""Values that the mock model invents: words that stand in no brief, no example and no list."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from goldspan.annotation.labels.schema import Label, LabelSchema
from goldspan.generators.surrogates.chance import make_random, pick

_COUNT = 40
_ONSETS = ("b", "br", "c", "d", "dr", "f", "g", "k", "l", "m", "n", "p", "pr", "r", "s", "st", "t", "tr", "v", "z")
_VOWELS = ("a", "e", "i", "o", "u", "io", "ea")
_CODAS = ("", "", "l", "n", "r", "s", "x")
_ENDINGS = ("an", "ex", "ide", "ine", "is", "on", "or", "um")


def invent_examples(labels: LabelSchema) -> LabelSchema:
    """The label schema with invented words as the examples of each label whose values a language model invents.

    A label with a pattern or a list keeps its own. Same schema, same words.
    """
    return replace(labels, labels=tuple(map(_invent, labels.labels)))


def _invent(label: Label) -> Label:
    if label.values != "model" or label.pattern or label.terms or label.terms_file:
        return label
    is_capital = bool(label.examples) and all(example[:1].isupper() for example in label.examples)
    words = (_coin_word(make_random(0, number, "invention", label.code)) for number in range(_COUNT))
    coined = dict.fromkeys(word.capitalize() if is_capital else word for word in words)
    return replace(label, examples=tuple(word for word in coined if word not in label.examples))


def _coin_word(rng: Random) -> str:
    syllables = (pick(rng, _ONSETS) + pick(rng, _VOWELS) + pick(rng, _CODAS) for _ in range(rng.choice((1, 2))))
    return "".join(syllables) + pick(rng, _ONSETS) + pick(rng, _ENDINGS)
