"""From the tags of a token classifier to entities."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from goldspan.annotation.text.words import splits_word_at, trim_span
from goldspan.annotation.types import Entity

_BRIDGE = re.compile(r"(?! \Z|\. )[-.@/_+() :]{1,2}\Z")


@dataclass(frozen=True, slots=True)
class TaggedToken:
    """A token `[start, end)` with its tag (`O`, `B-…`, `I-…`) and the tag's probability."""

    start: int
    end: int
    tag: str
    score: float


def read_tags(
    text: str, tokens: Sequence[TaggedToken], *, threshold: float = 0.5, bridged: frozenset[str] = frozenset()
) -> list[Entity]:
    """Entities in text order, with the tag names as labels and the mean probability as score.

    Tokens of one type are joined when the second one says `I-`, or when no word border lies between them; white space
    may stand between. Types in `bridged` are written as one run of characters (`ann@mail.com`, `536-90-4399`): their
    tokens are joined over one or two marks too, and within a run the type with most probability names it all.
    Borders inside a word are moved outwards to the word's own. Entities below the threshold are left out.
    """
    groups: list[list[TaggedToken]] = []
    for token in tokens:
        if token.tag == "O" or token.end <= token.start:
            continue
        if groups and _continues(text, groups[-1][-1], token, bridged):
            groups[-1].append(token)
        else:
            groups.append([token])
    entities: list[Entity] = []
    for group in groups:
        score = sum(token.score for token in group) / len(group)
        start, end = _widen(text, group[0].start, group[-1].end)
        if entities:
            start = max(start, entities[-1].end)
        if score >= threshold and start < end:
            entities.append(Entity(start, end, _name_group(group), score=round(score, 4)))
    return entities


def _continues(text: str, last: TaggedToken, token: TaggedToken, bridged: frozenset[str]) -> bool:
    between = text[last.end : token.start]
    if last.tag[2:] != token.tag[2:]:
        in_one_run = not between or (_BRIDGE.match(between) is not None and not between.isspace())
        return in_one_run and {last.tag[2:], token.tag[2:]} <= bridged
    if not between:
        return token.tag.startswith("I") or splits_word_at(text, token.start) or token.tag[2:] in bridged
    if between.isspace():
        return token.tag.startswith("I")
    return token.tag[2:] in bridged and _BRIDGE.match(between) is not None


def _name_group(group: Sequence[TaggedToken]) -> str:
    weights: defaultdict[str, float] = defaultdict(float)
    for token in group:
        weights[token.tag[2:]] += token.score * (token.end - token.start)
    return max(sorted(weights), key=lambda name: weights[name])


def _widen(text: str, start: int, end: int) -> tuple[int, int]:
    while splits_word_at(text, start):
        start -= 1
    while splits_word_at(text, end):
        end += 1
    return trim_span(text, start, end)
