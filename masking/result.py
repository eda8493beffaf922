"""What masking a text gives: the masked text, each replacement, and how to undo them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class FoundSpan:
    """A stretch that is masked; `source` as in `Replacement`. `named`: the masked value that an identifier holds."""

    start: int
    end: int
    label: str
    score: float | None = None
    source: str = "model"
    named: str = ""


@dataclass(frozen=True, slots=True)
class Replacement:
    """One replaced stretch: `[start, end)` in the original and `[masked_start, masked_end)` in the masked text.

    `source` says what found it: `model`, `recogniser`, `deny`, `repeat` (another occurrence of a masked value),
    `identifier` (a name for machines that holds one), `reference` or `literal` (text that looks like a replacement).
    `referent` numbers the person or thing within the text, from 1.
    """

    start: int
    end: int
    masked_start: int
    masked_end: int
    label: str
    operator: str
    replacement: str
    source: str
    referent: int
    score: float | None = None

    def describe(self) -> dict[str, Any]:
        """The replacement as JSON, without the original."""
        return {
            "start": self.start,
            "end": self.end,
            "masked_start": self.masked_start,
            "masked_end": self.masked_end,
            "label": self.label,
            "operator": self.operator,
            "replacement": self.replacement,
            "source": self.source,
            "referent": self.referent,
            "score": self.score,
        }


@dataclass(frozen=True, slots=True)
class MaskedText:
    """A masked text.

    `mapping` takes replacements back to originals; it is personal data and no part of the repr. `below_threshold`
    counts entities that were found and left because of their score. `unread_labels` are labels of the schema that the
    policy masks and the predictor cannot give. `complete` says that the whole text was read and every entity was
    masked as the policy says: anything else is an error and gives no `MaskedText`.
    """

    text: str
    replacements: tuple[Replacement, ...]
    policy: str
    policy_fingerprint: str
    model_version: str
    mapping: Mapping[str, str] = field(default_factory=dict, repr=False)
    below_threshold: int = 0
    unread_labels: tuple[str, ...] = ()
    complete: bool = True

    @property
    def counts(self) -> dict[str, int]:
        """Replacements by label."""
        return dict(sorted(Counter(one.label for one in self.replacements).items()))

    def describe(self) -> dict[str, Any]:
        """The result as JSON: the masked text and its replacements, no originals."""
        return {"masked_text": self.text, "entities": [one.describe() for one in self.replacements], **self.summarise()}

    def summarise(self) -> dict[str, Any]:
        """Counts, versions and completeness: what may stand in a log or report."""
        return {
            "counts": self.counts,
            "referents": len({one.referent for one in self.replacements}),
            "below_threshold": self.below_threshold,
            "unread_labels": list(self.unread_labels),
            "policy": self.policy,
            "policy_fingerprint": self.policy_fingerprint,
            "model_version": self.model_version,
            "complete": self.complete,
        }
