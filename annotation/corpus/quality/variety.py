"""How much a data set can teach: sentences and contexts that do not repeat, words that go on being new, names that also
stand outside entities, and mentions that a simple rule does not resolve.

All measures are taken per language, on texts whose entities are replaced by their labels; the worst language counts.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, lgamma
from typing import NamedTuple

from goldspan.annotation.corpus.carriers import find_carriers
from goldspan.annotation.corpus.quality.result import CheckResult
from goldspan.annotation.identity import make_skeleton
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Annotation, Entity, Mention, Sample, sort_spans

MIN_SAMPLES = 200
"""Samples of a language from which its measures are judged; smaller sets are reported only."""
DRAWN = 100
"""Mentions of a label that its contexts are counted for."""

_GROUP = "variety"
_NAMED = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
_LABEL = re.compile(r"<[A-Z][A-Z0-9_]*>")
_TOKEN = re.compile(r"<[A-Z][A-Z0-9_]*>|\w+")
_WORD = re.compile(r"[^\W\d_]+")
_BREAK = re.compile(r"(?<=[.!?])\s+|\n+")
_MIN_SENTENCE = 20
_MIN_VOCABULARY = 100


class Bounds(NamedTuple):
    """Bounds of the measures; what is worse is flagged, and the gate uses the same (`[data]` of gate.toml)."""

    sentence_repeats: float = 0.25
    vocabulary_growth: float = 0.35
    contexts: float = 50.0
    lookup: float = 0.25
    names_outside: float = 0.05
    recent_person: float = 0.75


BOUNDS = Bounds()


@dataclass(slots=True)
class _Language:
    samples: int = 0
    sentences: int = 0
    distinct: set[int] = field(default_factory=set)
    vocabulary: dict[str, int] = field(default_factory=dict)
    """Words, and the number of the first sample that has each."""
    contexts: dict[str, Counter[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(Counter))
    carriers: Counter[int] = field(default_factory=Counter)
    told: list[tuple[int, int]] = field(default_factory=list)
    """Carriers that hold entities: key, number of entities."""
    names: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    plain: list[str] = field(default_factory=list)
    resolved: int = 0
    mentions: int = 0


class VarietyCounts:
    """Collects what the measures need, sample by sample; plain texts are kept in memory."""

    def __init__(self, labels: LabelSchema) -> None:
        self._groups = {label.code: label.group for label in labels.entities}
        self._languages: dict[str, _Language] = defaultdict(_Language)

    def add(self, sample: Sample, annotation: Annotation | None) -> None:
        """Count one sample as the annotation shows it."""
        entities = annotation.entities if annotation else ()
        found = self._languages[sample.language]
        found.samples += 1
        skeleton = make_skeleton(sample.text, entities)
        self._add_words(found, skeleton)
        self._add_contexts(found, skeleton)
        for key, names in find_carriers(sample.text, entities):
            found.carriers[key] += 1
            if names:
                found.told.append((key, len(names)))
        self._add_names(found, sample.text, entities)
        if annotation:
            resolved, total = count_recent(annotation)
            found.resolved += resolved
            found.mentions += total

    def _add_words(self, found: _Language, skeleton: str) -> None:
        sentences = [" ".join(part.split()).casefold() for part in _BREAK.split(skeleton)]
        long = [hash(sentence) for sentence in sentences if len(sentence) >= _MIN_SENTENCE]
        found.sentences += len(long)
        found.distinct.update(long)
        for word in _WORD.findall(_LABEL.sub(" ", skeleton).casefold()):
            found.vocabulary.setdefault(word, found.samples)

    def _add_contexts(self, found: _Language, skeleton: str) -> None:
        before = ("", "")
        for token in _TOKEN.findall(skeleton):
            if token.startswith("<"):
                found.contexts[token[1:-1]][before] += 1
            before = (before[1], token if token.startswith("<") else token.casefold())

    def _add_names(self, found: _Language, text: str, entities: Sequence[Entity]) -> None:
        cursor, pieces = 0, []
        for entity in sort_spans(entities):
            surface = text[entity.start : entity.end]
            if self._groups.get(entity.label) in _NAMED and surface[0].isupper() and not any(map(str.isdigit, surface)):
                found.names[self._groups[entity.label]].add(surface)
            if entity.start >= cursor:
                pieces.append(text[cursor : entity.start])
                cursor = entity.end
        pieces.append(text[cursor:])
        found.plain.append("\ufffc".join(pieces))

    def measure(self) -> dict[str, LanguageVariety]:
        """The measures of each language."""
        return {language: _measure(found) for language, found in sorted(self._languages.items())}


@dataclass(frozen=True, slots=True)
class LanguageVariety:
    """The measures of one language.

    `sentence_repeats`: share of sentences (20 characters and more) that an earlier one repeats but for its entities.
    `vocabulary_growth`: new words that the second half of the samples brings, as a share of those of the first half;
    words of names that are entities somewhere are not counted.
    `contexts`: for each label, the distinct pairs of words before it among 100 mentions (expected number of a random
    hundred: Hurlbert 1971, equation 4; of fewer mentions than that, in proportion).
    `lookup`: share of entities whose sentence stands elsewhere but for its entities.
    `names_outside`: share of the names of people, places and organisations that also stand outside entities, by group
    and of `all`, which is what is judged.
    `recent_person`: share of coreferent pronouns and noun phrases that the most recent name resolves.
    """

    samples: int
    sentence_repeats: float
    vocabulary_growth: float
    contexts: Mapping[str, float]
    lookup: float
    names_outside: Mapping[str, float]
    recent_person: float | None

    @property
    def is_judged(self) -> bool:
        """True if there are samples enough for a judgement."""
        return self.samples >= MIN_SAMPLES


def _measure(found: _Language) -> LanguageVariety:
    half, whole = _count_words(found)
    entities = sum(count for _, count in found.told)
    looked_up = sum(count for key, count in found.told if found.carriers[key] > 1)
    return LanguageVariety(
        found.samples,
        1 - len(found.distinct) / found.sentences if found.sentences else 0.0,
        whole / half - 1 if half >= _MIN_VOCABULARY else 0.0,
        {label: rarefy(counts.values(), DRAWN) for label, counts in sorted(found.contexts.items())},
        looked_up / entities if entities else 0.0,
        _share_outside(found.names, found.plain),
        found.resolved / found.mentions if found.mentions else None,
    )


def _count_words(found: _Language) -> tuple[int, int]:
    """The vocabulary of the first half of the samples and of all; words of names of entities are none."""
    surfaces = (surface for surfaces in found.names.values() for surface in surfaces)
    names = {word for surface in surfaces for word in _WORD.findall(surface.casefold())}
    first = [number for word, number in found.vocabulary.items() if word not in names]
    return sum(number <= (found.samples + 1) // 2 for number in first), len(first)


def rarefy(counts: Iterable[int], drawn: int) -> float:
    """The expected number of kinds among `drawn` things taken at random (Hurlbert 1971, equation 4).

    E = Σ 1 - C(N - nᵢ, drawn) / C(N, drawn). Of fewer things than `drawn`, the kinds there are, in proportion.
    """
    numbers = [count for count in counts if count]
    total = sum(numbers)
    if total <= drawn:
        return len(numbers) * drawn / total if total else 0.0
    whole = _log_choose(total, drawn)
    return sum(
        1 - (exp(_log_choose(total - number, drawn) - whole) if total - number >= drawn else 0.0) for number in numbers
    )


def _log_choose(total: int, drawn: int) -> float:
    return lgamma(total + 1) - lgamma(drawn + 1) - lgamma(total - drawn + 1)


def _share_outside(names: Mapping[str, set[str]], plain: Sequence[str]) -> dict[str, float]:
    by_word: dict[str, list[str]] = defaultdict(list)
    for surface in {surface for surfaces in names.values() for surface in surfaces}:
        first = _WORD.search(surface)
        if first and first.start() == 0:
            by_word[first[0]].append(surface)
    outside: set[str] = set()
    for text in plain:
        for match in _WORD.finditer(text):
            for surface in by_word.get(match[0], ()):
                end = match.start() + len(surface)
                if (
                    surface not in outside
                    and text.startswith(surface, match.start())
                    and not text[end : end + 1].isalnum()
                ):
                    outside.add(surface)
    every = {surface for surfaces in names.values() for surface in surfaces}
    shares = {group: len(surfaces & outside) / len(surfaces) for group, surfaces in sorted(names.items())}
    return shares | ({"all": len(outside) / len(every)} if every else {})


def count_recent(annotation: Annotation) -> tuple[int, int]:
    """Mentions without a name that the most recent name resolves, and all that are counted.

    A mention counts if its cluster has another one before it and a name stands before it. The most recent name is the
    last mention of kind MENTION that begins before it.
    """
    resolved = total = 0
    seen: set[str] = set()
    recent: Mention | None = None
    for mention in sort_spans(annotation.mentions):
        if not mention.cluster:
            continue
        if mention.label == "MENTION":
            recent = mention
        elif mention.cluster in seen and recent is not None:
            total += 1
            resolved += recent.cluster == mention.cluster
        seen.add(mention.cluster)
    return resolved, total


def judge_variety(counts: VarietyCounts) -> list[CheckResult]:
    """All measures as checks; a language with fewer than 200 samples is reported and not judged."""
    measured = counts.measure()
    large = any(variety.is_judged for variety in measured.values())
    return [
        _judge(name, question, find_values(measured, name, all_sizes=not large), getattr(BOUNDS, name), at_least, large)
        for name, (question, at_least) in MEASURES.items()
    ]


MEASURES: Mapping[str, tuple[str, bool]] = {
    "sentence_repeats": ("of the sentences repeat another but for its entities", False),
    "vocabulary_growth": ("is what the second half of the samples adds to the words of the first", True),
    "contexts": ("distinct pairs of words stand before 100 mentions of a label", True),
    "lookup": ("of the entities stand in a sentence that is known from elsewhere", False),
    "names_outside": ("of the names of people, places and organisations stand outside entities too", True),
    "recent_person": ("of the coreferent mentions are resolved by the most recent name", False),
}
"""The measures, what each says, and whether its bound is a least."""


def find_values(measured: Mapping[str, LanguageVariety], name: str, *, all_sizes: bool = True) -> dict[str, float]:
    """The values of a measure by language, and by label or group where it has several."""
    values: dict[str, float] = {}
    for language, variety in measured.items():
        if not (all_sizes or variety.is_judged):
            continue
        value = getattr(variety, name)
        if name == "names_outside":
            values |= {language: value["all"]} if value else {}
        elif isinstance(value, Mapping):
            values |= {f"{language} {part}": number for part, number in value.items()}
        elif value is not None:
            values[language] = value
    return values


def _judge(
    name: str, question: str, values: Mapping[str, float], bound: float, at_least: bool, large: bool
) -> CheckResult:
    if not values:
        return CheckResult(name, _GROUP, 1.0, False, "Nothing to measure.", {})
    worst = (min if at_least else max)(values, key=lambda place: values[place])
    value = values[worst]
    flag = large and (value < bound if at_least else value > bound)
    shown, limit = (f"{value:.0f}", f"{bound:.0f}") if bound > 1 else (f"{value:.1%}", f"{bound:.0%}")
    score = min(value / bound, 1.0) if at_least else min(max(1 - value, 0.0), 1.0)
    kind = "least" if at_least else "most"
    summary = f"{shown} {question} ({worst}, the worst; {limit} at {kind})."
    return CheckResult(name, _GROUP, score, flag, summary, {"values": dict(values), "bound": bound})
