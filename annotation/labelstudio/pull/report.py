"""Options and result of a pull."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from goldspan.annotation.labelstudio.api.refusals import RefusedSample
from goldspan.annotation.labelstudio.pull.ranking import RankingPolicy
from goldspan.annotation.labelstudio.pull.records import Lint
from goldspan.annotation.tombstones import NOTHING, Tombstones


@dataclass(frozen=True, slots=True)
class PullOptions:
    """Options of a pull.

    `project` is an id or a title. `full` fetches every task instead of those changed since the last pull; only it
    sees predictions added later to tasks that nobody has touched. `untouched`
    also brings tasks that nobody has worked on. `snap` moves spans that cut a word to word borders. `take_remote`
    lets Label Studio win where both sides edited a record. What `erased` recognises is refused.
    """

    project: int | str
    output: Path | None = None
    full: bool = False
    untouched: bool = False
    snap: bool = False
    take_remote: bool = False
    policy: RankingPolicy = field(default_factory=RankingPolicy)
    erased: Tombstones = NOTHING


@dataclass(frozen=True, slots=True)
class PullReport:
    """Result of a pull; `annotations`, `drafts` etc. count what was fetched this time.

    `other_results` counts what annotators gave besides spans (choices, notes, ratings, relations of the team's own);
    it is kept verbatim. `refused` names every task of the project that cannot be read, also those of earlier pulls.
    `projects` are those of an adoption; `project` is the first of them.
    """

    project: int
    title: str
    file: Path
    full: bool
    added: int = 0
    updated: int = 0
    removed: int = 0
    unchanged: int = 0
    total: int = 0
    annotations: int = 0
    drafts: int = 0
    cancelled: int = 0
    empty: int = 0
    snapped: int = 0
    other_results: int = 0
    conflicts: tuple[str, ...] = ()
    conflict_file: Path | None = None
    refused: tuple[RefusedSample, ...] = ()
    lint_counts: dict[str, int] = field(default_factory=dict)
    lints: tuple[Lint, ...] = ()
    watermark: str = ""
    projects: tuple[int, ...] = ()
