"""How well a prediction hides personal data, whatever label it gives.

Counted in characters (code points) covered by any span, micro over documents, as the public PII masking benchmark
(PIIMB) does; entity recall by identifier kind follows Pilán et al. 2022 (TAB): an entity is hidden only if all its
occurrences are. Empty denominators are treated as in `scores.spans`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, Mention
from goldspan.evaluation.matching.levels import find_identifier_kind, find_referent, unite
from goldspan.evaluation.matching.match import LabelledSpan
from goldspan.evaluation.scores.spans import combine_f, divide

Stretches = tuple[tuple[int, int], ...]
KINDS = ("direct", "quasi")


@dataclass(frozen=True, slots=True)
class MaskingCounts:
    """Characters of one document or of many, and entities by identifier kind as (hidden, all).

    `exposed` counts documents in which gold characters leaked, `sensitive` those that have any.
    """

    characters: int = 0
    gold: int = 0
    masked: int = 0
    hidden: int = 0
    sensitive: int = 0
    exposed: int = 0
    entities: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def __add__(self, other: MaskingCounts) -> MaskingCounts:
        return MaskingCounts(
            self.characters + other.characters,
            self.gold + other.gold,
            self.masked + other.masked,
            self.hidden + other.hidden,
            self.sensitive + other.sensitive,
            self.exposed + other.exposed,
            {kind: _add(self.entities.get(kind), other.entities.get(kind)) for kind in KINDS},
        )

    @property
    def precision(self) -> float | None:
        """Share of the masked characters that are personal."""
        return divide(self.hidden, self.masked)

    @property
    def recall(self) -> float | None:
        """Share of the personal characters that are masked."""
        return divide(self.hidden, self.gold)

    def measure_f(self, beta: float) -> float | None:
        """F_beta over characters; None if nothing is personal and nothing masked."""
        if not self.gold and not self.masked:
            return None
        return combine_f(self.precision or 0.0, self.recall or 0.0, beta)

    @property
    def leakage_rate(self) -> float | None:
        """Share of the personal characters that stay readable."""
        return divide(self.gold - self.hidden, self.gold)

    @property
    def zero_leak_rate(self) -> float | None:
        """Share of the documents with personal data in which not one character of it stays readable."""
        return divide(self.sensitive - self.exposed, self.sensitive)

    @property
    def over_masking_rate(self) -> float | None:
        """Share of the characters that are not personal and masked all the same."""
        return divide(self.masked - self.hidden, self.characters - self.gold)

    def measure_entity_recall(self, kind: str) -> float | None:
        """Share of the entities of an identifier kind that are hidden wherever they occur."""
        hidden, total = self.entities.get(kind, (0, 0))
        return divide(hidden, total)

    def describe(self, beta: float) -> dict[str, Any]:
        """The numbers as they stand in a result file."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1_score": self.measure_f(1.0),
            "f_beta": self.measure_f(beta),
            "beta": beta,
            "leakage_rate": self.leakage_rate,
            "zero_leak_rate": self.zero_leak_rate,
            "over_masking_rate": self.over_masking_rate,
            "entity_recall": {kind: self.measure_entity_recall(kind) for kind in KINDS},
            "characters": self.characters,
            "personal_characters": self.gold,
            "masked_characters": self.masked,
        }


def count_masking(
    length: int,
    gold: Iterable[Entity],
    predicted: Iterable[LabelledSpan],
    labels: LabelSchema,
    mentions: Iterable[Mention] = (),
) -> MaskingCounts:
    """Counts of one document of `length` code points.

    Labels of kind `none` are not personal data and count on neither side. `mentions` say which entities are one
    person or thing; without them each entity stands for itself. What lies outside the text masks nothing.
    """
    personal = [entity for entity in gold if find_identifier_kind(entity.label, labels) != "none"]
    wanted, masks = unite(personal), _clip(_unite_hiding(predicted, labels), length)
    characters, hidden = measure_stretches(wanted), measure_shared(wanted, masks)
    return MaskingCounts(
        characters=length,
        gold=characters,
        masked=measure_stretches(masks),
        hidden=hidden,
        sensitive=int(characters > 0),
        exposed=int(hidden < characters),
        entities=_count_entities(personal, masks, labels, tuple(mentions)),
    )


def count_leaks_by_label(
    gold: Iterable[Entity], predicted: Iterable[LabelledSpan], labels: LabelSchema
) -> dict[str, tuple[int, int]]:
    """Characters of each label of personal data in one document as (leaked, all), whatever such label hides them."""
    masks = _unite_hiding(predicted, labels)
    leaks: dict[str, tuple[int, int]] = {}
    for entity in gold:
        if find_identifier_kind(entity.label, labels) == "none":
            continue
        size = entity.end - entity.start
        leaked = size - measure_shared(((entity.start, entity.end),), masks)
        leaks[entity.label] = _add(leaks.get(entity.label), (leaked, size))
    return leaks


def measure_stretches(stretches: Stretches) -> int:
    """Number of characters in united stretches."""
    return sum(end - start for start, end in stretches)


def measure_shared(one: Stretches, other: Stretches) -> int:
    """Number of characters in both; each side united and in order."""
    shared = i = j = 0
    while i < len(one) and j < len(other):
        shared += max(0, min(one[i][1], other[j][1]) - max(one[i][0], other[j][0]))
        if one[i][1] <= other[j][1]:
            i += 1
        else:
            j += 1
    return shared


def _unite_hiding(predicted: Iterable[LabelledSpan], labels: LabelSchema) -> Stretches:
    """The characters that are masked: those of labels of personal data."""
    return unite(span for span in predicted if find_identifier_kind(span.label, labels) != "none")


def _clip(stretches: Stretches, length: int) -> Stretches:
    return tuple((max(start, 0), min(end, length)) for start, end in stretches if start < length and end > 0)


def _count_entities(
    personal: Iterable[Entity], masks: Stretches, labels: LabelSchema, mentions: tuple[Mention, ...]
) -> dict[str, tuple[int, int]]:
    hidden: dict[tuple[str, Any], bool] = {}
    for entity in personal:
        kind = find_identifier_kind(entity.label, labels)
        unit = (kind, find_referent(entity, mentions) or (entity.start, entity.end))
        size = entity.end - entity.start
        whole = measure_shared(((entity.start, entity.end),), masks) == size
        hidden[unit] = hidden.get(unit, True) and whole
    counts: dict[str, tuple[int, int]] = dict.fromkeys(KINDS, (0, 0))
    for (kind, _), whole in hidden.items():
        counts[kind] = _add(counts[kind], (int(whole), 1))
    return counts


def _add(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int]:
    a, b = one or (0, 0), other or (0, 0)
    return a[0] + b[0], a[1] + b[1]
