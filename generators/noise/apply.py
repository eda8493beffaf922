"""Noise after tagging: annotated text as typing, scanning, speaking or software would leave it, offsets exact."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from random import Random

from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import Tagged
from goldspan.generators.noise.edits import Edit, apply_edits, find_free, spare_spans
from goldspan.generators.noise.kinds import KINDS
from goldspan.generators.noise.wrappers import WRAPPERS

REGISTERS: Mapping[str, Mapping[str, float]] = {
    "typed": {"typos": 0.03},
    "hasty": {"typos": 0.04, "lower": 0.9, "punctuation": 0.6, "diacritics": 0.3},
    "scanned": {"ocr": 0.05, "hyphenation": 0.03, "lines": 0.08},
    "spoken": {"fillers": 0.06, "punctuation": 0.9, "lower": 1.0},
    "capitals": {"upper": 1.0},
    "emphatic": {"upper": 0.06},
    "headline": {"title": 1.0},
    "quoted": {"quote": 1.0},
    **{name: {name: 1.0} for name in WRAPPERS},
}
"""Kinds of noise that come together, with their rates; wrappers stand alone."""


def find_changeable(labels: LabelSchema) -> frozenset[str]:
    """The labels whose values noise may change: those without a check and without a pattern."""
    return labels.entity_codes - find_checked(labels)


def find_checked(labels: LabelSchema) -> frozenset[str]:
    """The labels whose values have a check or a pattern, which a changed character could break."""
    return frozenset(label.code for label in labels.entities if label.validator or label.pattern)


def add_noise(
    tagged: Tagged,
    rng: Random,
    rates: Mapping[str, float],
    language: str,
    inside: Iterable[str] = (),
    checked: Container[str] = (),
) -> Tagged:
    """The text with noise of each kind at its rate (a share of words, 0 to 1), one kind after the other.

    Values keep every character unless their label is in `inside`; wrappers also escape values whose label is not in
    `checked`. Equal random state, equal text. `language` (ISO 639-1) decides the fillers.

    Raises:
        UnknownNameError: there is no such kind.
    """
    for kind, rate in rates.items():
        if kind in WRAPPERS:
            tagged = WRAPPERS[kind](tagged, rng, language, checked) if rng.random() < rate else tagged
            continue
        if kind not in KINDS:
            raise UnknownNameError("kind of noise", kind, [*KINDS, *WRAPPERS])
        edits: list[Edit] = []
        for start, end in find_free(tagged, frozenset(inside)):
            edits += KINDS[kind](rng, tagged.text, start, end, rate, language)
        tagged = apply_edits(tagged, spare_spans(tagged, edits))
    return tagged
