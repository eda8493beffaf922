"""Words that one country writes and another does not: British and American, Spanish and Mexican, German and Swiss."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from goldspan.generators.offline.lexicon import load_lexicon, raise_first


@cache
def find_spelling(language: str, country: str) -> Callable[[str], str]:
    """What writes text of the language's files as a country (ISO 3166-1 alpha-2) does; Switzerland has no ß."""
    words = load_lexicon(language).variants.get(country, {})
    longest_first = sorted(words, key=len, reverse=True)
    found = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.IGNORECASE) if words else None
    lowered = {word.lower(): other for word, other in words.items()}

    def replace(match: re.Match[str]) -> str:
        other = lowered[match[0].lower()]
        return raise_first(other) if match[0][0].isupper() else other

    def spell(text: str) -> str:
        text = found.sub(replace, text) if found else text
        return text.replace("ß", "ss") if country == "CH" else text

    return spell
