"""What became of the shards of a plan, as their markers say; for engines that report nothing themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from goldspan.shards.plan import ShardPlan, open_output
from goldspan.shards.report import FAILURES, ShardReport, find_marker, read_report


def list_markers(plan: ShardPlan) -> dict[str, ShardReport | None]:
    """The marker of every shard, before a run."""
    output = open_output(plan)
    return {shard.name: find_marker(output, shard.name) for shard in plan.shards}


def list_outcomes(
    plan: ShardPlan, before: Mapping[str, ShardReport | None] | None = None
) -> Iterator[tuple[ShardReport, bool]]:
    """The report of every shard that is finished or set aside, and whether its marker is the one from before."""
    output = open_output(plan)
    for shard in plan.shards:
        failure = read_report(output.read(f"{FAILURES}/{shard.name}.json"))
        marker = find_marker(output, shard.name)
        found = failure or (marker if marker and marker.plan == plan.fingerprint else None)
        if found:
            yield found, before is not None and found == before[shard.name]
