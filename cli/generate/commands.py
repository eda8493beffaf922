"""`goldspan generate`: write samples with language models or the offline author."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.cli.generate import campaign, inspect, progress, scenarios
from goldspan.cli.generate.options import (
    GenerationOptions,
    JobOptions,
    RunName,
    RunOption,
    read_execution,
    read_settings,
)
from goldspan.cli.shared.console import print_json, say, warn
from goldspan.cli.shared.exits import Exit, exit_for
from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, NewDataOption, make_app

if TYPE_CHECKING:
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.generators.runs.pipeline import RunAction
    from goldspan.generators.runs.settings import RunSettings

app = make_app(
    no_args_is_help=True,
    help="Write samples with language models or the offline author. No answered request is sent or paid twice.",
)


@app.command()
@expand_option_groups
def start(
    generation: GenerationOptions,
    job: JobOptions,
    run: RunOption = "",
    new: Annotated[bool, typer.Option("--new", help="Start a new run beside an earlier one of the same name")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --fill-gaps: do not ask before sending")] = False,
    data: NewDataOption = None,
    json: JsonOption = False,
) -> None:
    """Start a run and run it to its end. The same command again resumes the same run.

    Samples go to annotation_samples/<run>.jsonl in the workspace. Exit codes: 0 done, 4 the provider is still at work,
    5 done with dead letters, 6 budget reached, 130 interrupted.
    """
    from goldspan.generators.runs.executors import fill_prices
    from goldspan.generators.runs.public import prepare_run
    from goldspan.generators.runs.run import Limits

    workspace = find_workspace(data)
    settings, schema = read_settings(workspace, generation)
    settings = fill_prices(settings)
    if settings.plan is not None and not _confirm_plan(settings, schema, yes=yes, json=json):
        raise typer.Exit(Exit.OK)
    folder = prepare_run(settings, run=run, new=new, data=data, limits=Limits(job.max_cost, job.max_tokens))
    inspect.warn_of_prices(settings)
    inspect.warn_of_codes(settings, schema)
    inspect.warn_of_idle_options(settings, job)
    inspect.say_what_is_sent(settings, schema)
    _execute(folder, data, generation.labels, job, json=json)


def _confirm_plan(settings: RunSettings, schema: LabelSchema, *, yes: bool, json: bool) -> bool:
    """Show the plan of a run that fills gaps; False if there is nothing to do or the user declines."""
    if settings.plan is None or not settings.plan.total:
        say("Every label has reached its target in these languages; there is nothing to generate.")
        if json:
            print_json({"outcome": "nothing to do", "samples": 0})
        return False
    if not json:
        inspect.show_plan(settings, schema, json=False)
    return yes or json or typer.confirm("Send this?", default=True, err=True)


@app.command()
@expand_option_groups
def resume(
    job: JobOptions,
    run: RunName = "",
    api_url: Annotated[
        str, typer.Option(help="Confirm the run's address, when it comes from a workspace that you did not make")
    ] = "",
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """Resume a run (default: the newest unfinished one): only missing requests are sent."""
    from goldspan.generators.runs.folder import confirm_run_address, find_run

    folder = find_run(find_workspace(data), run)
    if api_url:
        confirm_run_address(folder, api_url)
    if not run:
        say(f"Resuming {folder.name}, the newest unfinished run.")
    _execute(folder, data, labels, job, json=json)


@app.command()
@expand_option_groups
def retry(
    job: JobOptions,
    run: RunName = "",
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """Retry the dead letters of a run (default: the newest that has any), each with a new budget of attempts."""
    from goldspan.generators.runs.folder import find_dead_letters, find_run
    from goldspan.generators.runs.pipeline import RunAction

    workspace = find_workspace(data)
    folder = find_run(workspace, run) if run else find_dead_letters(workspace)
    if not run:
        say(f"Retrying the dead letters of {folder.name}.")
    _execute(folder, data, labels, job, action=RunAction.RETRY, json=json)


@app.command()
def reconcile(
    run: RunName = "", data: DataOption = None, labels: LabelsOption = None, json: JsonOption = False
) -> None:
    """Look up the batches of a run at the provider and collect their answers; nothing new is sent."""
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.pipeline import RunAction

    folder = find_run(find_workspace(data), run)
    if not run:
        say(f"Reconciling {folder.name}, the newest unfinished run.")
    _execute(folder, data, labels, JobOptions(), action=RunAction.RECONCILE, json=json)


@app.command()
def cancel(
    run: RunName = "",
    abandon: Annotated[
        bool,
        typer.Option("--abandon", help="Give up lost batches without asking the provider; resuming may pay them twice"),
    ] = False,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Cancel a run at its provider (default: the newest unfinished one). Answers received so far are kept."""
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.run import cancel_run

    workspace = find_workspace(data)
    folder = find_run(workspace, run)
    if not run:
        say(f"Cancelling {folder.name}, the newest unfinished run.")
    summary = cancel_run(workspace, folder, abandon=abandon)
    if summary is None:
        say(f"The process that runs {folder.name} was asked to cancel it. `goldspan generate watch` shows progress.")
        if json:
            print_json({"run": folder.name, "outcome": "cancelling"})
    elif json:
        print_json(summary.to_dict())
    else:
        progress.show_summary(summary)


def _execute(
    folder: Path,
    data: Path | None,
    labels: Path | None,
    job: JobOptions,
    *,
    action: RunAction | None = None,
    json: bool,
) -> None:
    from goldspan.generators.runs.pipeline import RunAction as Actions
    from goldspan.generators.runs.pipeline import RunOutcome
    from goldspan.generators.runs.run import Limits, run_generation

    with progress.RunBar(folder.name) as bar:
        summary = run_generation(
            find_workspace(data),
            folder,
            action=action or Actions.GO,
            execution=read_execution(job),
            limits=Limits(job.max_cost, job.max_tokens),
            labels_file=labels,
            on_progress=bar.show,
        )
    if json:
        print_json(summary.to_dict())
    else:
        progress.show_summary(summary)
    if summary.outcome is RunOutcome.STOPPED and action is Actions.RECONCILE:
        raise typer.Exit(Exit.OK)
    if summary.outcome is RunOutcome.BUDGET:
        warn("The budget is reached. `goldspan generate resume` with a larger --max-cost or --max-tokens continues.")
    raise typer.Exit(exit_for(summary.outcome))


inspect.register(app)
scenarios.register(app)
app.add_typer(campaign.app, name="campaign")
