"""`goldspan generate campaign`: several runs of one specification, with one budget and one status."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.tasks.workspace import Workspace, find_workspace
from goldspan.cli.generate import inspect
from goldspan.cli.generate.options import GenerationOptions, JobOptions, read_execution, read_settings
from goldspan.cli.generate.progress import RunBar
from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import exit_for
from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, NewDataOption, make_app

if TYPE_CHECKING:
    from goldspan.generators.campaigns.campaign import Campaign
    from goldspan.generators.campaigns.plan import CampaignPlan
    from goldspan.generators.campaigns.status import CampaignStatus

CampaignName = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="Name of the campaign; default: the newest")]
_SHOWN_RUNS = 20

app = make_app(
    no_args_is_help=True,
    help="Several runs as one campaign: samples in runs of their own, with one budget, one status, resumed and "
    "cancelled together.",
)


@dataclass(frozen=True, slots=True)
class CampaignOptions:
    """How a campaign is divided."""

    name: Annotated[str, typer.Option("--name", help="Name of the campaign; default: made from the settings")] = ""
    run_samples: Annotated[int, typer.Option(min=1, help="Samples of one run")] = 50_000


@dataclass(frozen=True, slots=True)
class ParallelOption:
    """How many runs are at work."""

    parallel: Annotated[
        int, typer.Option(min=1, help="Runs at work at a time (batch); live runs follow one another")
    ] = 8


@app.command()
@expand_option_groups
def start(
    generation: GenerationOptions,
    shape: CampaignOptions,
    job: JobOptions,
    work: ParallelOption,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show files, requests, tokens, cost and days; send and write nothing")
    ] = False,
    data: NewDataOption = None,
    json: JsonOption = False,
) -> None:
    """Start a campaign and run it to its end. The same command again resumes it.

    Each run has a seed and a journal of its own; its samples go to annotation_samples/<campaign>-<number>.jsonl.
    --max-cost and --max-tokens hold for all runs together. Exit codes as of `generate start`.
    """
    from goldspan.generators.campaigns.campaign import Campaign, begin_campaign, name_campaign
    from goldspan.generators.campaigns.plan import plan_campaign
    from goldspan.generators.runs.executors import fill_prices
    from goldspan.generators.runs.run import Limits, check_settings

    workspace = find_workspace(data)
    settings, schema = read_settings(workspace, generation)
    settings = settings if dry_run else fill_prices(settings)
    limits = Limits(job.max_cost, job.max_tokens)
    campaign = Campaign(shape.name or name_campaign(settings), settings, shape.run_samples, limits)
    if dry_run:
        _show_plan(plan_campaign(campaign, schema, work.parallel, read_execution(job)), campaign, json=json)
        return
    check_settings(settings, schema, limits)
    campaign = begin_campaign(workspace, campaign)
    inspect.warn_of_prices(settings)
    inspect.warn_of_codes(settings, schema)
    inspect.warn_of_idle_options(settings, job)
    inspect.say_what_is_sent(settings, schema)
    _execute(workspace, campaign, generation.labels, job, work.parallel, json=json)


@app.command()
@expand_option_groups
def resume(
    job: JobOptions,
    work: ParallelOption,
    campaign: CampaignName = "",
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """Resume a campaign: only missing requests are sent. A larger --max-cost or --max-tokens raises its limit."""
    from goldspan.generators.campaigns.campaign import Campaign as Whole
    from goldspan.generators.campaigns.campaign import begin_campaign, read_campaign
    from goldspan.generators.runs.run import Limits

    workspace = find_workspace(data)
    known = read_campaign(workspace, campaign)
    limits = Limits(job.max_cost, job.max_tokens)
    found = begin_campaign(workspace, Whole(known.name, known.settings, known.run_samples, limits))
    _execute(workspace, found, labels, job, work.parallel, json=json)


@app.command()
def status(campaign: CampaignName = "", data: DataOption = None, json: JsonOption = False) -> None:
    """Show the progress of a campaign and of its runs."""
    from goldspan.generators.campaigns.campaign import read_campaign
    from goldspan.generators.campaigns.status import read_status

    workspace = find_workspace(data)
    _show_status(read_status(workspace, read_campaign(workspace, campaign)), json=json)


@app.command()
def cancel(campaign: CampaignName = "", data: DataOption = None, json: JsonOption = False) -> None:
    """Cancel a campaign: its open runs at the provider, and those not begun. Answers received so far are kept."""
    from goldspan.generators.campaigns.campaign import read_campaign
    from goldspan.generators.campaigns.drive import cancel_campaign

    workspace = find_workspace(data)
    _show_status(cancel_campaign(workspace, read_campaign(workspace, campaign)), json=json)


@app.command("list")
def list_all(data: DataOption = None, json: JsonOption = False) -> None:
    """List the campaigns of the workspace, the newest first."""
    from goldspan.generators.campaigns.campaign import list_campaigns, read_campaign
    from goldspan.generators.campaigns.status import read_status

    workspace = find_workspace(data)
    found = [read_status(workspace, read_campaign(workspace, name)) for name in list_campaigns(workspace)]
    if json:
        print_json([one.to_dict() for one in found])
        return
    rows = [
        [one.total.run, one.total.state, sum(one.states.values()), one.total.samples, one.total.done, one.total.dead]
        for one in found
    ]
    print_table(["campaign", "state", "runs", "samples", "done", "dead"], rows, right=range(2, 6))


def _execute(
    workspace: Workspace, campaign: Campaign, labels: Path | None, job: JobOptions, parallel: int, *, json: bool
) -> None:
    from goldspan.generators.campaigns.drive import run_campaign
    from goldspan.generators.runs.pipeline import RunOutcome

    with RunBar(campaign.name) as bar:
        outcome, found = run_campaign(
            workspace,
            campaign,
            parallel=parallel,
            execution=read_execution(job),
            labels_file=labels,
            on_progress=bar.show,
        )
    if json:
        print_json({"outcome": outcome.value, **found.to_dict()})
    else:
        _show_status(found, json=False)
        if outcome is RunOutcome.BUDGET:
            warn("The budget is reached. `goldspan generate campaign resume` with a larger limit continues.")
        elif outcome is RunOutcome.DEAD_LETTERS:
            warn("`goldspan generate retry RUN` retries the dead letters of a run.")
        elif outcome is not RunOutcome.DONE:
            say(f"`goldspan generate campaign resume {campaign.name}` continues it.")
    raise typer.Exit(exit_for(outcome))


def _show_status(found: CampaignStatus, *, json: bool) -> None:
    if json:
        print_json(found.to_dict())
        return
    inspect.show_progress(found.total)
    states = ", ".join(f"{count} {state}" for state, count in sorted(found.states.items()))
    runs = sum(found.states.values())
    out.print(f"  {runs} run{'s' * (runs != 1)}: {states}")
    open_runs = [run for run in found.runs if not run.finished or run.dead]
    rows = [[run.run, run.state, run.samples, run.done, run.dead, f"{run.cost:.4f}"] for run in open_runs]
    if rows:
        print_table(["run", "state", "samples", "done", "dead", "US$"], rows[:_SHOWN_RUNS], right=range(2, 6))
    if len(rows) > _SHOWN_RUNS:
        say(f"… and {len(rows) - _SHOWN_RUNS} more runs.")


def _show_plan(plan: CampaignPlan, campaign: Campaign, *, json: bool) -> None:
    if json:
        print_json({"campaign": campaign.name, **plan.to_dict()})
        return
    rows: list[tuple[str, str]] = [
        ("samples", f"{plan.samples:,}"),
        ("runs", f"{plan.runs:,}, {min(plan.parallel, plan.runs)} at a time"),
        ("requests", f"{plan.requests:,} in {plan.stages} stages, up to {plan.request_bytes:,} bytes each"),
        ("tokens", f"about {plan.tokens_in:,} + {plan.tokens_out:,}"),
        ("cost", f"about ${plan.cost:,.2f}" if plan.prices_known else "unknown price"),
    ]
    if plan.rows_per_file is not None:
        rows.append(("batches", f"{plan.files:,} or more, up to {plan.rows_per_file:,} requests each"))
        rows.append(("time", f"up to {plan.days:,.1f} days, if every batch takes its whole window"))
    elif plan.days is not None:
        rows.append(("time", f"{plan.days:,.1f} days or more, within the limits a minute"))
    print_table(["", campaign.name], rows)
    say("Nothing was sent. Estimated from the first items, as if every answer were good at once.")
    inspect.warn_of_prices(campaign.settings)
