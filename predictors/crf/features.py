"""What a linear-chain CRF sees of each token: its form, its neighbours, and what another predictor says.

The last makes it a stacked model (Wolpert 1992): it learns from few reviews where the predictor beneath it is right.
"""

from __future__ import annotations

from collections.abc import Sequence

from goldspan.annotation.corpus.uncertainty import find_tokens
from goldspan.annotation.types import Entity

Token = tuple[int, int]
OUTSIDE = "O"
_LONGEST = 24
"""Characters of a word that are looked at."""


def tag_tokens(tokens: Sequence[Token], entities: Sequence[Entity]) -> list[str]:
    """One BIO tag a token: that of the first entity it overlaps, `O` without one. Entities are in text order."""
    tags = [OUTSIDE] * len(tokens)
    place = 0
    for entity in sorted(entities, key=lambda e: (e.start, -e.end)):
        while place < len(tokens) and tokens[place][1] <= entity.start:
            place += 1
        first = place
        while place < len(tokens) and tokens[place][0] < entity.end:
            tags[place] = f"{'B' if place == first else 'I'}-{entity.label}"
            place += 1
    return tags


def read_tags(tokens: Sequence[Token], tags: Sequence[str]) -> list[tuple[int, int, str]]:
    """Runs of one label as (first token, token behind the last, label); an `I` that follows no such run begins one."""
    runs: list[tuple[int, int, str]] = []
    for place, tag in enumerate(tags[: len(tokens)]):
        if tag == OUTSIDE:
            continue
        label = tag[2:]
        if tag.startswith("I-") and runs and runs[-1][1] == place and runs[-1][2] == label:
            runs[-1] = (runs[-1][0], place + 1, label)
        else:
            runs.append((place, place + 1, label))
    return runs


def describe_text(text: str, language: str, beneath: Sequence[Entity]) -> tuple[list[Token], list[list[str]]]:
    """The tokens of a text and the features of each.

    Args:
        text: the verbatim text.
        language: ISO 639-1, may be empty.
        beneath: the entities of the predictor beneath; empty without one.

    """
    tokens = find_tokens(text)
    words = [text[start:end][:_LONGEST] for start, end in tokens]
    lower = [word.lower() for word in words]
    shapes = [make_shape(word) for word in words]
    opinions = tag_tokens(tokens, beneath)
    rows = []
    for place, word in enumerate(words):
        low, shape = lower[place], shapes[place]
        row = ["bias", f"w={low}", f"s={shape}", f"l={min(len(word), 12)}", f"g={language}"]
        row += [f"p{size}={low[:size]}" for size in (1, 2, 3)] + [f"e{size}={low[-size:]}" for size in (1, 2, 3, 4)]
        if place == 0 or "\n" in text[tokens[place - 1][1] : tokens[place][0]]:
            row.append("first")
        before = lower[place - 1] if place else ""
        after = lower[place + 1] if place + 1 < len(lower) else ""
        row += [f"w-1={before}", f"w+1={after}", f"ws={before}|{shape}"]
        row += [f"s-1={shapes[place - 1] if place else ''}", f"s+1={shapes[place + 1] if after else ''}"]
        if beneath:
            row += _describe_opinions(opinions, place, shape)
        rows.append(row)
    return tokens, rows


def make_shape(word: str) -> str:
    """The form of a word: capitals as X, small letters as x, digits as 0; runs longer than four are shortened."""
    shape: list[str] = []
    for character in word:
        kind = "X" if character.isupper() else "x" if character.islower() else "0" if character.isdigit() else character
        if shape[-4:] != [kind] * 4:
            shape.append(kind)
    return "".join(shape)


def _describe_opinions(opinions: Sequence[str], place: int, shape: str) -> list[str]:
    before = opinions[place - 1] if place else ""
    after = opinions[place + 1] if place + 1 < len(opinions) else ""
    mine = opinions[place]
    return [
        f"t={mine}",
        f"t-1={before}",
        f"t+1={after}",
        f"tt={before}|{mine}",
        f"ta={mine}|{after}",
        f"ts={mine}|{shape}",
    ]
