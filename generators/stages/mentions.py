"""Read coreference as lists of mentions: words and which of their places is meant, resolved to exact spans.

The model repeats nothing of the text, so it cannot change it. What is meant without doubt is mended: an occurrence that
does not matter, a kind that is left out. Everything else is refused with a reason that numbers the mention and quotes
none of its words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.text.alignment import TextSearch
from goldspan.annotation.text.pronouns import guess_mention_kind
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.text.words import splits_word
from goldspan.annotation.types import Entity, Mention, sort_spans
from goldspan.generators.stages.context import AnswerContext, WrongAnswerError
from goldspan.generators.stages.tag_reader import strip_entity_tags

_MENTION_TAG = re.compile(r"</?m\b[^<>]*>")
_MOST_REASONS = 3
_ALIASES = {
    "text": ("text", "mention", "value", "span", "surface", "words"),
    "nth": ("nth", "occurrence", "n", "index"),
    "kind": ("kind", "type", "label"),
}

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Listed:
    """One mention of an answer: `name` for reasons, `places` where its words stand, `nth` from 1 (0: not given)."""

    name: str
    chain: int
    places: tuple[Span, ...]
    loose: tuple[Span, ...]
    nth: int
    kind: str


def name_chains(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The answer as `chains` where it holds mentions in another arrangement or under other names, else None."""
    chains = document.get("chains")
    if isinstance(chains, list):
        lists = [_unwrap(chain) for chain in chains]
    elif isinstance(document.get("mentions"), list):
        lists = list(_group(document["mentions"]).values())
    else:
        return None
    return {"chains": [[_name_mention(entry) for entry in chain] for chain in lists]}


def _unwrap(chain: Any) -> list[Any]:
    if isinstance(chain, Mapping):
        chain = next((value for value in chain.values() if isinstance(value, list)), [chain])
    return chain if isinstance(chain, list) else [chain]


def _group(mentions: Sequence[Any]) -> dict[str, list[Any]]:
    chains: dict[str, list[Any]] = {}
    for number, entry in enumerate(mentions):
        own = f"alone {number}"
        name = str(entry.get("chain", entry.get("cluster", own))) if isinstance(entry, Mapping) else own
        chains.setdefault(name, []).append(entry)
    return chains


def _name_mention(entry: Any) -> Any:
    if isinstance(entry, str):
        return {"text": entry, "nth": 0, "kind": ""}
    if not isinstance(entry, Mapping):
        return entry
    found = {
        name: next((entry[alias] for alias in aliases if entry.get(alias) is not None), None)
        for name, aliases in _ALIASES.items()
    }
    nth = found["nth"]
    found["nth"] = int(nth) if isinstance(nth, str) and nth.isascii() and nth.isdigit() else (0 if nth is None else nth)
    found["kind"] = "" if found["kind"] is None else found["kind"]
    return {name: value for name, value in found.items() if value is not None}


def find_mentions(search: TextSearch, words: str, language: str) -> list[Span]:
    """The places that `nth` counts: where the words stand alone, else where an ending of the language follows them."""
    return search.find(words) or search.find(words, language)


def resolve_chains(
    chains: Sequence[Sequence[Mapping[str, Any]]], before: Tagged, context: AnswerContext, repairs: list[str]
) -> tuple[Mention, ...]:
    """The mentions of all chains as spans, in text order; the clusters are numbered from 1.

    Raises:
        WrongAnswerError: a mention does not stand in the text, its place is not clear or taken, or it cuts an entity.
    """
    search = TextSearch(before.text)
    listed = [
        _list_mention(f"Mention {number} of chain {chain}", chain, entry, search, context, repairs)
        for chain, entries in enumerate(chains, start=1)
        for number, entry in enumerate(entries, start=1)
    ]
    places, reasons = _place_mentions(listed, repairs)
    taken: dict[Span, _Listed] = {}
    mentions: list[Mention] = []
    for mention, place in zip(listed, places, strict=True):
        if place is None:
            continue
        if place in taken:
            if taken[place].chain != mention.chain:
                reasons.append(f"{mention.name} has the same place as m{taken[place].name[1:]}.")
            continue
        taken[place] = mention
        if _cuts_entity(before.entities, *place):
            reasons.append(f"{mention.name} takes in only a part of an entity; give the whole of it.")
        kind = mention.kind or _guess_kind(before, place, context, repairs)
        mentions.append(Mention(*place, kind, str(mention.chain)))
    if reasons:
        raise WrongAnswerError(" ".join(reasons[:_MOST_REASONS]))
    return sort_spans(mentions)


def _list_mention(
    name: str, chain: int, entry: Mapping[str, Any], search: TextSearch, context: AnswerContext, repairs: list[str]
) -> _Listed:
    written = str(entry["text"])
    words = _MENTION_TAG.sub("", strip_entity_tags(written, context.labels)).strip()
    if words != written:
        repairs.append("mention_words")
    kind = str(entry["kind"]).strip().upper()
    if kind and kind not in context.labels.mention_codes:
        known = ", ".join(mention.code for mention in context.labels.mentions)
        raise WrongAnswerError(f"{name} is of an unknown kind; the kinds are {known}.")
    pattern = re.compile(re.escape(words), re.IGNORECASE)
    loose = [match.span() for match in pattern.finditer(search.text)] if words else []
    return _Listed(
        name,
        chain,
        tuple(find_mentions(search, words, context.language)),
        tuple(place for place in loose if not splits_word(search.text, *place)),
        int(entry["nth"]),
        kind,
    )


def _place_mentions(listed: Sequence[_Listed], repairs: list[str]) -> tuple[list[Span | None], list[str]]:
    """The place of each mention, None for one that has none; and why it has none."""
    alike: Counter[tuple[int, tuple[Span, ...]]] = Counter((m.chain, m.places) for m in listed)
    wrong = {(m.chain, m.places) for m in listed if not 1 <= m.nth <= len(m.places)}
    repeated = Counter((m.chain, m.places, m.nth) for m in listed)
    wrong |= {(chain, places) for (chain, places, _), count in repeated.items() if count > 1}
    following: Counter[tuple[int, tuple[Span, ...]]] = Counter()
    found: list[Span | None] = []
    reasons: list[str] = []
    for mention in listed:
        key = mention.chain, mention.places
        count = len(mention.places)
        if key in wrong and count and alike[key] >= count:
            place = mention.places[following[key] % count]
            following[key] += 1
            repairs.append("occurrence")
        elif 1 <= mention.nth <= count:
            place = mention.places[mention.nth - 1]
        elif 1 <= mention.nth <= len(mention.loose) and mention.loose[mention.nth - 1] in mention.places:
            place = mention.loose[mention.nth - 1]
            repairs.append("occurrence")
        else:
            found.append(None)
            reasons.append(_explain(mention, count))
            continue
        found.append(place)
    return found, reasons


def _explain(mention: _Listed, count: int) -> str:
    if not count:
        return f"{mention.name} does not stand in the text; give its words exactly as they stand there."
    given = f"not {mention.nth}" if mention.nth else "and it is not given"
    times = "once" if count == 1 else f"{count} times"
    bounds = "1" if count == 1 else f"from 1 to {count}"
    return f"The words of m{mention.name[1:]} stand {times} in the text, so `nth` must be {bounds}, {given}."


def _cuts_entity(entities: Sequence[Entity], start: int, end: int) -> bool:
    return any(
        entity.start < end and start < entity.end and not (start <= entity.start and entity.end <= end)
        for entity in entities
    )


def _guess_kind(before: Tagged, place: Span, context: AnswerContext, repairs: list[str]) -> str:
    repairs.append("mention_kind")
    start, end = place
    has_entity = any(start <= entity.start and entity.end <= end for entity in before.entities)
    kind = guess_mention_kind(before.text[start:end], has_entity, context.language)
    return kind if kind in context.labels.mention_codes else context.labels.default_mention
