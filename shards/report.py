"""What became of shards: the report of one, which is also the marker of its completion, and the sum of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from goldspan import schemas
from goldspan.annotation.errors import RecordError
from goldspan.shards.storage import Storage

FORMAT = 1
PLAN, REPORT, LOCK = "_run/plan.json", "_run/report.json", "_run/lock"
MARKERS, FAILURES = "_run/done", "_run/failed"
"""What belongs to the run and not to its results; names that begin with `_` are no shards."""

KEPT_REFUSALS = 100


@dataclass(slots=True)
class ShardCounts:
    """What a task counts while it works on a shard: numbers, numbers by name, refused records without their text."""

    counts: Counter[str] = field(default_factory=Counter)
    tallies: dict[str, Counter[str]] = field(default_factory=dict)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, error: RecordError) -> None:
        """Count a refused record; the first hundred are named."""
        self.counts["refused"] += 1
        if len(self.refused) < KEPT_REFUSALS:
            self.refused.append({"line": error.line or 0, "reason": error.reason})

    def tally(self, name: str) -> Counter[str]:
        """Numbers by name, for example entities by label."""
        return self.tallies.setdefault(name, Counter())


@dataclass(frozen=True, slots=True)
class ShardReport:
    """The report of one shard (`schemas/shard-report.schema.json`); `error` says why it was set aside."""

    name: str
    task: str
    plan: str
    input_digest: str = ""
    output: str = ""
    output_digest: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    tallies: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    refused: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0
    peak_mib: float = 0.0
    error: str = ""

    def to_json(self) -> bytes:
        """The report as JSON."""
        return orjson.dumps({"format": FORMAT, **asdict(self)}, option=orjson.OPT_INDENT_2)


def read_report(data: bytes | None) -> ShardReport | None:
    """A report from its JSON; None if there is none, or it is broken or of another format."""
    if data is None:
        return None
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    if not schemas.validator("shard-report").accepts(document):
        return None
    del document["format"]
    return ShardReport(**{**document, "refused": tuple(document["refused"])})


def find_marker(storage: Storage, name: str) -> ShardReport | None:
    """The marker of a finished shard."""
    return read_report(storage.read(f"{MARKERS}/{name}.json"))


def write_marker(storage: Storage, report: ShardReport) -> None:
    """Mark a shard as finished; it is not set aside any more."""
    storage.write(f"{MARKERS}/{report.name}.json", report.to_json())
    storage.remove(f"{FAILURES}/{report.name}.json")


def set_aside(storage: Storage, report: ShardReport) -> None:
    """Record why a shard has no result."""
    storage.remove(f"{MARKERS}/{report.name}.json")
    storage.write(f"{FAILURES}/{report.name}.json", report.to_json())


@dataclass(frozen=True, slots=True)
class ShardSummary:
    """The sum of all shards of a run; `failed` are those set aside, with the reason; `missing` were not worked on.

    `others` names shards that are not in the plan, whose results lie in the folder too.
    """

    task: str
    shards: int
    finished: int
    skipped: int
    missing: int
    failed: Mapping[str, str]
    counts: Mapping[str, int]
    tallies: Mapping[str, Mapping[str, int]]
    refused: tuple[Mapping[str, Any], ...]
    seconds: float
    peak_mib: float
    others: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def merge_reports(task: str, reports: Iterable[ShardReport], shards: int, skipped: int = 0) -> ShardSummary:
    """The sum of reports: counts and tallies add up, of the refused records the first hundred are kept."""
    counts: Counter[str] = Counter()
    tallies: dict[str, Counter[str]] = {}
    refused: list[Mapping[str, Any]] = []
    failed: dict[str, str] = {}
    finished, seconds, peak = 0, 0.0, 0.0
    for report in sorted(reports, key=lambda one: one.name):
        if report.error:
            failed[report.name] = report.error
            continue
        finished += 1
        counts.update(report.counts)
        for name, numbers in report.tallies.items():
            tallies.setdefault(name, Counter()).update(numbers)
        refused += [{"shard": report.name, **one} for one in report.refused]
        seconds, peak = seconds + report.seconds, max(peak, report.peak_mib)
    return ShardSummary(
        task,
        shards,
        finished,
        skipped,
        shards - finished - len(failed),
        failed,
        dict(sorted(counts.items())),
        {name: dict(sorted(numbers.items())) for name, numbers in sorted(tallies.items())},
        tuple(refused[:KEPT_REFUSALS]),
        round(seconds, 3),
        peak,
    )
