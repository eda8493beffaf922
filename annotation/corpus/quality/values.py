"""Checks of entity values: check digits, plausibility, formats, values from documentation, label conflicts."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from goldspan.annotation.corpus.quality.result import CheckResult, rate_result
from goldspan.annotation.identity import hash_briefly
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.text.words import fold
from goldspan.annotation.types import Entity, Sample

_CHECKSUMS = frozenset({"credit_card", "iban", "ssn", "national_id", "tax_number"})
_PLAUSIBLE = frozenset({"age", "date_of_birth"})
_DOCUMENTATION = re.compile(
    r"(?:@|//|\b)(?:[\w-]+\.)*example\.(?:com|org|net)\b|\.(?:example|invalid|test)\b|\b555[ .-]?01\d\d\b"
    r"|\b4111[ -]?1111[ -]?1111[ -]?1111\b|\b4532[ -]?1234[ -]?5678[ -]?9012\b|\b123-45-6789\b"
    r"|\bGB82 ?WEST ?1234|\bDE89 ?3704 ?0044",
    re.IGNORECASE,
)
_CONFLICT_LIMIT = 0.02
_INVALID_LIMIT = 0.02
_DOCUMENTATION_LIMIT = 0.05


@dataclass(slots=True)
class ValueCounts:
    """What is counted of the values while samples pass by; values themselves are counted by a hash."""

    checked: Counter[str] = field(default_factory=Counter)
    invalid: Counter[str] = field(default_factory=Counter)
    documentation: Counter[str] = field(default_factory=Counter)
    entities: Counter[str] = field(default_factory=Counter)
    labels_of: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    given_names: Counter[str] = field(default_factory=Counter)

    def add(self, sample: Sample, entities: Sequence[Entity], labels: LabelSchema) -> None:
        """Count the values of one sample."""
        for entity in entities:
            surface = sample.text[entity.start : entity.end]
            self.entities[entity.label] += 1
            key = hash_briefly(fold(surface))
            self.labels_of[key][entity.label] += 1
            if entity.label == "FIRSTNAME":
                self.given_names[key] += 1
            if _DOCUMENTATION.search(surface):
                self.documentation[entity.label] += 1
            validator = labels[entity.label].validator if entity.label in labels else ""
            if validator:
                self.checked[entity.label] += 1
                self.invalid[entity.label] += not check_value(validator, surface, sample.country)

    def merge(self, other: ValueCounts) -> None:
        """Add what was counted elsewhere."""
        for name in ("checked", "invalid", "documentation", "entities", "given_names"):
            getattr(self, name).update(getattr(other, name))
        for key, labels in other.labels_of.items():
            self.labels_of[key].update(labels)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ValueCounts:
        """From JSON."""
        counters = {name: Counter(document[name]) for name in document if name != "labels_of"}
        labels_of = {key: Counter(labels) for key, labels in document["labels_of"].items()}
        return cls(**counters, labels_of=defaultdict(Counter, labels_of))


def judge_values(counts: ValueCounts, labels: LabelSchema) -> list[CheckResult]:
    """The checks of values, from what was counted."""
    validators = {label.code: label.validator for label in labels.entities if label.validator}
    kinds = {
        "invalid_checksum": [code for code, name in validators.items() if name in _CHECKSUMS],
        "implausible_value": [code for code, name in validators.items() if name in _PLAUSIBLE],
        "format_mismatch_country": [
            code for code, name in validators.items() if name not in _CHECKSUMS and name not in _PLAUSIBLE
        ],
    }
    words = {
        "invalid_checksum": "identity, tax, card and account numbers fail their check digits or format",
        "implausible_value": "ages and dates of birth cannot be true",
        "format_mismatch_country": "phone numbers, postcodes, addresses on the net do not have their country's format",
    }
    results = []
    for code, members in kinds.items():
        bad = sum(counts.invalid[label] for label in members)
        total = sum(counts.checked[label] for label in members)
        by_label = {label: counts.invalid[label] for label in members if counts.invalid[label]}
        results.append(rate_result(code, "values", bad, total, _INVALID_LIMIT, words[code], {"by_label": by_label}))
    results.append(
        rate_result(
            "documentation_value",
            "values",
            counts.documentation.total(),
            counts.entities.total(),
            _DOCUMENTATION_LIMIT,
            "values are those of documentation (example.com, 555-01xx, 4111…): they teach the wrong shape",
            {"by_label": dict(counts.documentation.most_common())},
        )
    )
    return [*results, judge_conflicts(counts)]


def judge_conflicts(counts: ValueCounts) -> CheckResult:
    """Surfaces that carry different labels in different places.

    `entropy` is the mean over all entities of the label entropy of their surface, divided by the logarithm of the
    number of its labels: 0 when every surface has one label, 1 when all are evenly torn.
    """
    total = sum(labels.total() for labels in counts.labels_of.values())
    minority = entropy = 0.0
    pairs: Counter[str] = Counter()
    for found in counts.labels_of.values():
        if len(found) > 1:
            size = found.total()
            minority += size - max(found.values())
            entropy += size * -sum(n / size * math.log(n / size) for n in found.values()) / math.log(len(found))
            pairs[" / ".join(sorted(found))] += 1
    info = {"entropy": entropy / total if total else 0.0, "surfaces_by_labels": dict(pairs.most_common(20))}
    what = "entities carry another label than the same surface elsewhere"
    return rate_result("label_conflict", "consistency", int(minority), total, _CONFLICT_LIMIT, what, info)


def judge_names(counts: ValueCounts) -> CheckResult:
    """How much of all given names the ten most frequent ones make up; language models love a few names."""
    total = counts.given_names.total()
    top = sum(n for _, n in counts.given_names.most_common(10))
    share = top / total if total else 0.0
    flag = share > 0.3 and len(counts.given_names) > 10 and total >= 100
    summary = f"The ten most frequent given names make up {share:.1%} of {total} (30% is the limit, from 100 names on)."
    info = {"share": share, "names": len(counts.given_names), "total": total}
    return CheckResult("value_concentration", "diversity", 1 - share, flag, summary, info)
