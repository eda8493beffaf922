"""What a review costs: the actions of a person, and the seconds that they are estimated to take.

    seconds = open + token · tokens + Σ cost of an action · number of such actions

Defaults: adding a span and reading a token by a within-person regression on Wei et al. 2019, table 4 (4.7 s an entity,
0.12 s a word); removing, relabelling and resizing by the keystroke-level model (Card, Moran and Newell 1980); checking
a span that stays is an assumption. Reading and opening cannot be saved, so the time saved is about 0.7 times the edits
saved. `goldspan.evaluation.people.cost_fit` fits the costs to a project's own lead times.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Effort:
    """What a person did with one text, or with several: tokens read, and actions on spans and relations.

    Spans are entities, and mentions that are drawn as regions of their own.
    """

    texts: int = 0
    tokens: int = 0
    accepted: int = 0
    added: int = 0
    removed: int = 0
    relabelled: int = 0
    resized: int = 0
    linked: int = 0
    unlinked: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def edits(self) -> int:
        """Spans and relations that were not left as they were."""
        return self.added + self.removed + self.relabelled + self.resized + self.linked + self.unlinked

    def to_json(self) -> dict[str, int]:
        """Counts by name, and the edits."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"edits": self.edits}


NO_EFFORT = Effort()


@dataclass(frozen=True, slots=True)
class CostModel:
    """Seconds for each action. `source` says where they come from."""

    open: float = 3.0
    token: float = 0.15
    accept: float = 0.4
    add: float = 5.0
    remove: float = 1.5
    relabel: float = 2.5
    resize: float = 4.0
    link: float = 4.0
    unlink: float = 1.5
    source: str = "defaults"

    def estimate(self, effort: Effort) -> float:
        """Estimate the seconds of an effort."""
        return (
            self.open * effort.texts
            + self.token * effort.tokens
            + self.accept * effort.accepted
            + self.add * effort.added
            + self.remove * effort.removed
            + self.relabel * effort.relabelled
            + self.resize * effort.resized
            + self.link * effort.linked
            + self.unlink * effort.unlinked
        )

    def to_json(self) -> dict[str, Any]:
        """Costs by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}


DEFAULT_COSTS = CostModel()
