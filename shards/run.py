"""Run a task over shards on an engine, and read what became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import orjson

from goldspan.annotation.errors import ConfigurationError, StateError
from goldspan.annotation.files import explain_disk, make_private_folder
from goldspan.annotation.locks import try_lock
from goldspan.annotation.wording import format_count
from goldspan.shards.engines.base import ENGINES, Engine, EngineOptions
from goldspan.shards.engines.outcome import list_outcomes
from goldspan.shards.plan import Shard, ShardPlan, make_plan, open_output
from goldspan.shards.report import KEPT_REFUSALS, LOCK, MARKERS, PLAN, REPORT, ShardReport, ShardSummary, merge_reports
from goldspan.shards.storage import Storage, fetch_plain, open_storage
from goldspan.shards.tasks.check import count_repeated_ids

OnReport = Callable[[ShardReport, bool], None]
"""Called with each shard's report as it ends, and whether it was skipped."""


@dataclass(frozen=True, slots=True)
class ShardWork:
    """Which shards to work on, where the results go, and with which engine.

    `shards` are those of `list_shards`. `output` is the folder of the results, which no shard lies in: a path or an
    address. `engine` is `local`, `datatrove`, `metaflow` or a plug-in's. Without `labels_file`, the label schema is the
    one that `load_labels()` finds. `on_report` is called with each report.
    """

    shards: tuple[Shard, ...]
    output: str
    engine: str = "local"
    options: EngineOptions = field(default_factory=EngineOptions)
    labels_file: Path | None = None
    on_report: OnReport | None = None

    def run(self, task: str, settings: Mapping[str, Any], output: str = "") -> ShardSummary:
        """Run a task over every shard, and write one merged report beside the results.

        Run it again to go on: finished shards are skipped by marker and digest, those set aside are tried again.

        Args:
            task: `annotate`, `mask`, `check`, `import`, `export`, or a plug-in's.
            settings: the task's settings.
            output: another folder for the results.

        Raises:
            UnknownNameError: there is no such task or engine.
            InputError: a shard lies in the folder of the results.
            ConfigurationError: the task cannot be opened.
            StateError: the results cannot be written, or another run of this machine writes there.
        """
        plan = make_plan(task, settings, self.shards, output or self.output, self.labels_file)
        run = cast("Engine", ENGINES.load(self.engine))
        storage = open_output(plan)
        with _hold(storage), _replace_plan(storage, plan):
            reports: list[ShardReport] = []
            skipped = 0
            for report, was_done in run(plan, self.options):
                reports.append(report)
                skipped += was_done
                if self.on_report:
                    self.on_report(report, was_done)
            summary = summarise(plan, reports, skipped)
            storage.write(REPORT, orjson.dumps(summary.to_dict(), option=orjson.OPT_INDENT_2))
        return summary

    def run_all(self, task: str, settings: Mapping[str, Any], output: str = "") -> ShardSummary:
        """`run` for tasks whose results mean something only together.

        Raises:
            StateError: a shard was set aside or is missing, as while a cluster is at work on it.
        """
        summary = self.run(task, settings, output)
        if summary.missing:
            raise StateError(
                f"{summary.missing} of {summary.shards} shards are missing. Run the same command again; where a "
                "cluster is at work on them, when it is done."
            )
        if summary.failed:
            name, reason = next(iter(summary.failed.items()))
            raise StateError(f"Set aside: {format_count(len(summary.failed), 'shard')}, first {name}: {reason}")
        return summary


@contextmanager
def _hold(output: Storage) -> Iterator[None]:
    """Let no other run write to a folder of this machine during the block."""
    if output.local is None:
        yield
        return
    path = output.local / LOCK
    with explain_disk(path):
        make_private_folder(path.parent)
        lock = try_lock(path)
    if lock is None:
        raise StateError(f"Another run writes to {output.address}. Wait for it, or give another folder.")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _replace_plan(storage: Storage, plan: ShardPlan) -> Iterator[None]:
    """Write the plan of the block; the one before stays if the task cannot be opened, and no shard was worked on."""
    before = storage.read(PLAN)
    storage.write(PLAN, plan.to_json())
    try:
        yield
    except ConfigurationError:
        if before is None:
            storage.remove(PLAN)
        else:
            storage.write(PLAN, before)
        raise


def read_summary(plan: ShardPlan) -> ShardSummary:
    """What the markers say of a plan: finished, set aside, missing."""
    return summarise(plan, [report for report, _ in list_outcomes(plan)], 0)


def summarise(plan: ShardPlan, reports: Iterable[ShardReport], skipped: int) -> ShardSummary:
    """The merged report of a plan, with what only all shards together show."""
    reports = list(reports)
    summary = replace(merge_reports(plan.task, reports, len(plan.shards), skipped), others=_list_others(plan))
    if plan.task != "check":
        return summary
    storage = open_output(plan)
    contents = {}
    for report in sorted(reports, key=lambda one: one.name):
        if not report.error:
            with fetch_plain(storage, report.output) as plain:
                contents[report.name] = plain.read_bytes()
    counts, refused = dict(summary.counts), list(summary.refused)
    for name, count in count_repeated_ids(contents).items():
        counts["refused"] = counts.get("refused", 0) + count
        refused.append({"shard": name, "line": 0, "reason": f"{count} of its sample ids stand in an earlier shard too"})
    return replace(summary, counts=counts, refused=tuple(refused[:KEPT_REFUSALS]))


def _list_others(plan: ShardPlan) -> tuple[str, ...]:
    known = {f"{shard.name}.json" for shard in plan.shards}
    markers = open_storage(f"{plan.output}/{MARKERS}").list_files()
    return tuple(file.name.removesuffix(".json") for file in markers if file.name not in known)
