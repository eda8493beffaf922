"""Sentences that tell one value, combined from a frame and a name for the value, both of the language's lexicon.

A frame is a template (grammar.py) with these words in it: `{V}` the value, `$key` what it is called, `$Key` and `$KEY`
the same in capitals, `$my` and `$their` a possessive that agrees with it, `$the` its article.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from random import Random

from goldspan.generators.offline.grammar import Template, parse_template
from goldspan.generators.offline.lexicon import Lexicon, Noun, load_lexicon, raise_first
from goldspan.generators.specs.families import EVERY, Family
from goldspan.generators.surrogates.chance import pick

KEY_SHARE = 0.35
"""How often a label with frames of its own is told by its name as others are."""
_FIXED = frozenset({"AGE", "DATEOFBIRTH"})
"""Labels whose values nobody changes: the frames `first_change` and `third_change` are not for them."""
_VOWELS = "aeiouhéèêàâîôû"
_WITH_ARTICLE = frozenset({"en", "fr"})
_IN_SENTENCE = re.compile(r"(?<![:=–(]\s)(?<![:=–(]\s\s)(?<![\n(])(?<!\$key )\{V\}(?=[ .,])")
"""A value within a sentence, where a country has its article in English and French; not one after a colon."""


def draw_frame(
    rng: Random, language: str, country: str, view: str, label: str, family: Family = EVERY
) -> Template | None:
    """A template that tells a value of the label; None if the lexicon has none.

    `view` is `first` (the text's author speaks of a), `third` or `card` (a line of a list).
    """
    lexicon = load_lexicon(language)
    keys = lexicon.keys.get(f"{label}_{country}", lexicon.keys.get(label, ()))
    own = lexicon.frames.get(f"{label}_{view}", ())
    if own and not (keys and rng.random() < KEY_SHARE):
        return _build(language, pick(rng, family.choose(own)), label, Noun("", "", ""))
    if not keys:
        return None
    frames = lexicon.frames[view] + (() if label in _FIXED else lexicon.frames.get(f"{view}_change", ()))
    return _build(language, pick(rng, family.choose(frames)), label, pick(rng, keys))


@cache
def _build(language: str, frame: str, label: str, key: Noun) -> Template:
    lexicon = load_lexicon(language)
    for name, forms in lexicon.owners.items():
        frame = frame.replace(f"${name}", _agree(lexicon, forms, key))
    if language in _WITH_ARTICLE and label == "COUNTRY":
        frame = _IN_SENTENCE.sub("{the COUNTRY}", frame)
    frame = frame.replace("$key", key.word).replace("$Key", raise_first(key.word)).replace("$KEY", key.word.upper())
    return parse_template(frame.replace("{V}", f"{{{label}}}"))


def _agree(lexicon: Lexicon, forms: Mapping[str, str], key: Noun) -> str:
    if lexicon.language == "fr" and key.word[:1].lower() in _VOWELS:
        return forms.get(f"{key.gender}v", forms.get("v", forms.get(key.gender, "")))
    return forms.get(key.gender, forms.get("x", ""))
