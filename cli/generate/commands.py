"""`goldspan generate`: let language models (or the offline author) write samples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.cli.generate import inspect as generate_views
from goldspan.cli.generate.options import (
    ApiUrl,
    Attempts,
    FillGaps,
    JobOptions,
    Languages,
    MaxCost,
    MaxTokens,
    MaxWorkers,
    Mode,
    Model,
    NoWait,
    OutputTokens,
    PollInterval,
    PriceIn,
    PriceOut,
    Provider,
    RequestsPerMinute,
    Review,
    RunName,
    RunOption,
    Samples,
    Seed,
    Temperature,
    TokensPerMinute,
    Window,
    read_settings,
)
from goldspan.cli.shared.console import print_json, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import HELP, DataOption, JsonOption, LabelsOption

if TYPE_CHECKING:
    from goldspan.generators.runs.pipeline import RunAction

app = typer.Typer(
    no_args_is_help=True,
    context_settings=HELP,
    help="Let language models, or the offline author, write samples. Nothing that was answered is asked or paid twice.",
)
generate_views.register(app)


@app.command()
def start(
    samples: Samples = 100,
    provider: Provider = "offline",
    model: Model = "",
    languages: Languages = "en",
    seed: Seed = 0,
    review: Review = False,
    fill_gaps: FillGaps = False,
    mode: Mode = "",
    api_url: ApiUrl = "",
    window: Window = "",
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    temperature: Temperature = None,
    output_tokens: OutputTokens = 4096,
    attempts: Attempts = 3,
    max_workers: MaxWorkers = None,
    requests_per_minute: RequestsPerMinute = None,
    tokens_per_minute: TokensPerMinute = None,
    poll_interval: PollInterval = 0.0,
    no_wait: NoWait = False,
    run: RunOption = "",
    new: Annotated[bool, typer.Option("--new", help="Begin afresh, beside an earlier run of the same name")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="With --fill-gaps: do not ask before sending")] = False,
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """Begin a run and drive it to its end. The same command again goes on with the same run.

    Samples go to annotation_samples/<run>.jsonl in the workspace. Exit codes: 0 done, 4 the provider is still at work,
    5 done with dead letters, 6 budget reached, 130 interrupted.
    """
    from goldspan.generators.runs.public import prepare_run
    from goldspan.generators.runs.run import Limits

    workspace = find_workspace(data)
    settings, schema = read_settings(
        workspace, samples, provider, model, languages, seed, review, fill_gaps, mode, api_url, window,
        price_in, price_out, temperature, output_tokens, attempts, labels,
    )  # fmt: skip
    if settings.plan is not None:
        if not settings.plan.total:
            say("Every label has reached its target in these languages; there is nothing to generate.")
            if json:
                print_json({"outcome": "nothing to do", "samples": 0})
            raise typer.Exit(Exit.OK)
        if not json:
            generate_views.show_plan(settings, schema, json=False)
        if not (yes or json) and not typer.confirm("Send this?", default=True, err=True):
            raise typer.Exit(Exit.OK)
    folder = prepare_run(settings, run=run, new=new, data=data, limits=Limits(max_cost, max_tokens))
    generate_views.warn_of_prices(settings)
    job = JobOptions(max_workers, requests_per_minute, tokens_per_minute, poll_interval, no_wait, max_cost, max_tokens)
    _drive(folder, data, labels, job, json=json)


@app.command()
def resume(
    run: RunName = "",
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_workers: MaxWorkers = None,
    requests_per_minute: RequestsPerMinute = None,
    tokens_per_minute: TokensPerMinute = None,
    poll_interval: PollInterval = 0.0,
    no_wait: NoWait = False,
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """Go on with a run (default: the newest unfinished one): only what is missing is asked."""
    from goldspan.generators.runs.folder import find_run

    folder = find_run(find_workspace(data), run)
    if not run:
        say(f"Resuming {folder.name}, the newest unfinished run.")
    job = JobOptions(max_workers, requests_per_minute, tokens_per_minute, poll_interval, no_wait, max_cost, max_tokens)
    _drive(folder, data, labels, job, json=json)


@app.command()
def retry(
    run: RunName = "",
    max_cost: MaxCost = None,
    max_tokens: MaxTokens = None,
    max_workers: MaxWorkers = None,
    poll_interval: PollInterval = 0.0,
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """Ask the dead letters of a run again (default: the newest that has any), each with a new budget of attempts."""
    from goldspan.generators.runs.folder import find_dead_letters, find_run
    from goldspan.generators.runs.pipeline import RunAction

    workspace = find_workspace(data)
    folder = find_run(workspace, run) if run else find_dead_letters(workspace)
    if not run:
        say(f"Asking the dead letters of {folder.name} again.")
    job = JobOptions(max_workers, None, None, poll_interval, False, max_cost, max_tokens)
    _drive(folder, data, labels, job, task=RunAction.RETRY, json=json)


@app.command()
def reconcile(
    run: RunName = "", data: DataOption = None, labels: LabelsOption = None, json: JsonOption = False
) -> None:
    """Ask the provider what became of the batches of a run and collect what is there; nothing new is sent."""
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.pipeline import RunAction

    folder = find_run(find_workspace(data), run)
    if not run:
        say(f"Reconciling {folder.name}, the newest unfinished run.")
    _drive(folder, data, labels, JobOptions(), task=RunAction.RECONCILE, json=json)


@app.command()
def cancel(run: RunName = "", data: DataOption = None, json: JsonOption = False) -> None:
    """Cancel a run at its provider (default: the newest unfinished one). What has been answered is kept."""
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.run import cancel_run

    workspace = find_workspace(data)
    folder = find_run(workspace, run)
    if not run:
        say(f"Cancelling {folder.name}, the newest unfinished run.")
    summary = cancel_run(workspace, folder)
    if summary is None:
        say(f"The process that drives {folder.name} was asked to cancel it; `goldspan generate watch` looks on.")
        if json:
            print_json({"run": folder.name, "outcome": "cancelling"})
    elif json:
        print_json(summary.to_dict())
    else:
        generate_views.show_summary(summary)


def _drive(
    folder: Path, data: Path | None, labels: Path | None, job: JobOptions, *, task: RunAction | None = None, json: bool
) -> None:
    from goldspan.generators.runs.executors import ExecutionOptions
    from goldspan.generators.runs.pipeline import RunAction as Tasks
    from goldspan.generators.runs.pipeline import RunOutcome
    from goldspan.generators.runs.run import Limits, run_generation

    working = ExecutionOptions(
        job.max_workers, job.poll_interval, job.requests_per_minute, job.tokens_per_minute, wait=not job.no_wait
    )
    with generate_views.ProgressLine(folder.name) as line:
        summary = run_generation(
            find_workspace(data),
            folder,
            task=task or Tasks.GO,
            working=working,
            limits=Limits(job.max_cost, job.max_tokens),
            labels_file=labels,
            on_progress=line.show,
        )
    if json:
        print_json(summary.to_dict())
    else:
        generate_views.show_summary(summary)
    if summary.outcome is RunOutcome.STOPPED and task is Tasks.RECONCILE:
        raise typer.Exit(Exit.OK)
    if summary.outcome is RunOutcome.BUDGET:
        warn("The budget is reached. `goldspan generate resume` with a larger --max-cost or --max-tokens goes on.")
    exits = {
        RunOutcome.DONE: Exit.OK,
        RunOutcome.DEAD_LETTERS: Exit.DEAD_LETTERS,
        RunOutcome.WAITING: Exit.WAITING,
        RunOutcome.BUDGET: Exit.BUDGET_REACHED,
        RunOutcome.CANCELLED: Exit.OK,
        RunOutcome.STOPPED: Exit.INTERRUPTED,
    }
    raise typer.Exit(exits[summary.outcome])
