"""The state of a campaign: the sum of its runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.campaigns.campaign import Campaign, CampaignRun
from goldspan.generators.journal.journal import Journal
from goldspan.generators.runs.progress import NEVER_BEGUN, Progress, read_progress


@dataclass(frozen=True, slots=True)
class CampaignStatus:
    """`total` is the sum over the runs that were begun, with the samples of all; `states` counts all runs by state."""

    campaign: Campaign
    total: Progress
    states: dict[str, int]
    runs: tuple[Progress, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        total = self.total.to_dict()
        return {
            "campaign": total.pop("run"),
            **total,
            "max_cost": self.campaign.limits.max_cost,
            "max_tokens": self.campaign.limits.max_tokens,
            "runs_by_state": self.states,
            "runs": [run.to_dict() for run in self.runs],
        }


def read_run(workspace: Workspace, run: CampaignRun) -> Progress | None:
    """The progress of a run; None before it was begun."""
    folder = workspace.runs / run.name
    if not (folder / "journal.db").is_file():
        return None
    with Journal(folder) as journal:
        progress = read_progress(journal)
    return None if progress.state == NEVER_BEGUN else progress


def read_status(workspace: Workspace, campaign: Campaign) -> CampaignStatus:
    """Count. States as of runs, which may also be `never begun`."""
    found = [read_run(workspace, run) for run in campaign.list_runs()]
    runs = [run for run in found if run]
    states = Counter(run.state if run else NEVER_BEGUN for run in found)
    return CampaignStatus(campaign, sum_progress(campaign, runs), dict(states), tuple(runs))


def sum_progress(campaign: Campaign, runs: Sequence[Progress]) -> Progress:
    """The progress of all runs together; the notice is that of the first run that has one and is not finished."""
    by_stage: dict[str, dict[str, int]] = {}
    for run in runs:
        for stage, counts in run.by_stage.items():
            sums = by_stage.setdefault(stage, {})
            for state, count in counts.items():
                sums[state] = sums.get(state, 0) + count
    names = ("done", "dead", "open", "pending", "submitted", "answered", "refused", "batches_open")
    sums = {name: sum(getattr(run, name) for run in runs) for name in (*names, "tokens_in", "tokens_out")}
    return Progress(
        run=campaign.name,
        state=_name_state(campaign, runs, sums["batches_open"]),
        samples=campaign.settings.samples,
        cost=sum(run.cost for run in runs),
        by_stage=by_stage,
        notice=next((f"{run.run}: {run.notice}" for run in runs if run.notice and not run.finished), ""),
        **sums,
    )


def _name_state(campaign: Campaign, runs: Sequence[Progress], batches_open: int) -> str:
    if sum(run.samples for run in runs) >= campaign.settings.samples and all(run.finished for run in runs):
        return "finished"
    if batches_open:
        return "waiting"
    return "cancelled" if campaign.cancelled else "unfinished"
