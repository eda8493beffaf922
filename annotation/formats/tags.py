"""Tokens and their tags: BIO, IOB1, BIOES, BILOU, BMEWO in one decoder, and texts made of tokens."""

from __future__ import annotations

from collections.abc import Sequence

import regex

_UNSPACED = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー々\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}、。，．！？：；「」『』（）《》〈〉・…]"
)
_NAME = regex.compile(r"\p{Lu}[\p{Lu}\d_-]+\Z")
OUTSIDE = frozenset({"O", "_", "-", ""})

Place = tuple[int, int]


def join_tokens(tokens: Sequence[str]) -> tuple[str, list[Place]]:
    """A text of tokens and the place of each: single spaces between them, none inside scripts without spaces."""
    pieces: list[str] = []
    places: list[Place] = []
    length = 0
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else ""
        if before and token and not (_UNSPACED.match(before[-1]) and _UNSPACED.match(token[0])):
            pieces.append(" ")
            length += 1
        places.append((length, length + len(token)))
        pieces.append(token)
        length += len(token)
    return "".join(pieces), places


def place_tokens(text: str, tokens: Sequence[str]) -> list[Place] | None:
    """The place of each token in a text that has them in order with white space between; None if it has not."""
    places: list[Place] = []
    cursor = 0
    for token in tokens:
        start = text.find(token, cursor)
        if start < 0 or text[cursor:start].strip():
            return None
        cursor = start + len(token)
        places.append((start, cursor))
    return places


def is_tag(value: str) -> bool:
    """True if a value is a tag of one of the schemes."""
    return value in OUTSIDE or (len(value) > 2 and value[0] in "BIESLUMW" and value[1] in "-_")


def is_plain_column(values: Sequence[str]) -> bool:
    """True for tags without a prefix (`PERSON PERSON O`): `O`, and names in capitals."""
    names = set(values) - {"O"}
    return "O" in values and bool(names) and all(_NAME.match(name) and not is_tag(name) for name in names)


def decode_tags(tags: Sequence[str], places: Sequence[Place]) -> list[tuple[int, int, str]]:
    """Spans as start, end and label from the tags of tokens.

    Lenient, so that one rule reads every scheme: `B`, `S`, `U`, `W` and a change of label begin a span, `I`, `M`, `E`
    and `L` of the same label continue one, `S`, `U`, `W`, `E` and `L` end it. A tag without a prefix is a label of its
    own token run (`PER PER O`).

    Raises:
        ValueError: a tag has another form.
    """
    spans: list[tuple[int, int, str]] = []
    open_label = ""
    for tag, (start, end) in zip(tags, places, strict=True):
        if tag in OUTSIDE:
            open_label = ""
            continue
        prefix, label = (tag[0], tag[2:]) if is_tag(tag) else ("I", tag)
        if not label:
            raise ValueError(f"{tag!r} is no tag")
        if prefix in "IMEL" and open_label == label:
            spans[-1] = (spans[-1][0], end, label)
        else:
            spans.append((start, end, label))
        open_label = label if prefix in "BIM" else ""
    return spans
