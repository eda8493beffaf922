"""`goldspan finetune`: tune a language model on a bundle, at a provider or on this machine."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.cli.shared.console import err, out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit, exit_for
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, make_app
from goldspan.cli.shared.signals import halt_on_signals
from goldspan.cli.training.tuning_output import (
    describe_view,
    ignore_job,
    report_job,
    show_plan,
    show_problems,
    show_summary,
)

if TYPE_CHECKING:
    from goldspan.training.finetuning.plan import TuningPlan
    from goldspan.training.finetuning.run import TuningSchedule

app = make_app(
    no_args_is_help=True, help="Fine-tune a language model on a bundle. Nothing is uploaded or paid for twice."
)

RunName = Annotated[str, typer.Argument(metavar="RUN", help="Name of the run; default: the newest unfinished one")]
PollOption = Annotated[float, typer.Option(min=0, help="Seconds between polls; 0: 10 s, growing to 60 s")]
NoWaitOption = Annotated[bool, typer.Option("--no-wait", help="Leave the job with the provider and return (exit 4)")]
CostOption = Annotated[
    float | None, typer.Option(min=0, help="Agree to pay at most so many US dollars; nothing is paid beyond")
]


@app.command()
def start(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help="A folder, or a name in bundles/. Default: the newest")
    ] = None,
    model: Annotated[str, typer.Option(help="The base model; for local a folder or Hub id")] = "",
    provider: Annotated[str, typer.Option(help="together, openai, mistral or local")] = "together",
    epochs: Annotated[int, typer.Option(min=1, max=20, help="How often the rows are read")] = 3,
    learning_rate: Annotated[
        float | None, typer.Option(min=0, help="Default: the provider's; OpenAI: a factor")
    ] = None,
    seed: Annotated[int, typer.Option(help="Random seed of the training")] = 0,
    api_url: Annotated[str, typer.Option(help="Another address than the provider's own")] = "",
    price: Annotated[float | None, typer.Option(min=0, help="US dollars per million trained tokens")] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="A tokenizer.json that counts the tokens exactly")] = None,
    option: Annotated[list[str] | None, typer.Option(help="Of the local engine: key=value; repeatable")] = None,
    run: Annotated[str, typer.Option(help="Name of the run and of models/<run>. Default: the next number")] = "",
    max_cost: CostOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Agree to the estimated price without a question")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and count the rows, print the price; no more")
    ] = False,
    no_wait: NoWaitOption = False,
    poll_interval: PollOption = 0.0,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the rows, estimate the price, and train. The same command with the same --run resumes the run.

    Exit codes: 0 done, 1 failed, 4 the provider is at work, 6 over the budget, 130 interrupted.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.training.finetuning.folder import begin_run, name_run
    from goldspan.training.finetuning.plan import plan_tuning
    from goldspan.training.finetuning.public import choose_tuning_bundle
    from goldspan.training.finetuning.settings import TuningSettings

    settings = TuningSettings(
        provider=provider,
        model=model,
        api_url=api_url,
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        price=price,
        tokenizer=tokenizer,
        options=",".join(option or ()),
        max_cost=max_cost,
    )
    workspace = find_workspace(data)
    plan = plan_tuning(choose_tuning_bundle(workspace, bundle), settings, load_labels(labels), workspace.root)
    excess = plan.find_excess()
    if dry_run or not as_json:
        show_plan(plan, excess, as_json=as_json)
    if dry_run:
        raise typer.Exit(Exit.BUDGET_REACHED if excess else Exit.OK)
    if excess:
        warn(f"Nothing was sent: {excess}.")
        raise typer.Exit(Exit.BUDGET_REACHED)
    _ask_consent(plan, yes=yes)
    folder = begin_run(workspace, plan, run or name_run(workspace), {"yes": yes, "max_cost": max_cost})
    _drive(folder, data, labels, poll_interval=poll_interval, no_wait=no_wait, as_json=as_json)


@app.command()
def resume(
    run: RunName = "",
    max_cost: CostOption = None,
    api_url: Annotated[
        str, typer.Option(help="Confirm the run's address, when it comes from a workspace that you did not make")
    ] = "",
    no_wait: NoWaitOption = False,
    poll_interval: PollOption = 0.0,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Resume a run after an interruption, a crash or a lost reply."""
    from goldspan.training.finetuning.folder import confirm_run_address, find_tuning_run

    folder = find_tuning_run(find_workspace(data), run)
    if api_url:
        confirm_run_address(folder, api_url)
    if not run:
        say(f"Resuming {folder.name}, the newest unfinished run.")
    _drive(folder, data, labels, poll_interval=poll_interval, no_wait=no_wait, as_json=as_json, max_cost=max_cost)


@app.command()
def status(run: RunName = "", data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show a run as recorded in its journal; the provider is not asked."""
    from goldspan.training.finetuning.folder import find_tuning_run, read_status
    from goldspan.training.finetuning.journal import TuningJournal
    from goldspan.training.finetuning.public import describe_job

    folder = find_tuning_run(find_workspace(data), run, unfinished=False)
    found = read_status(folder)
    with TuningJournal(folder) as journal:
        messages, events, checkpoints = journal.list_messages(), journal.list_events(), journal.list_checkpoints()
        expected_end = journal.read_job().expected_end
    if as_json:
        print_json(
            {
                "run": found.run,
                "outcome": found.outcome,
                "phase": found.phase,
                "quote": found.quote,
                "currency": found.currency,
                "expected_end": expected_end,
                "job": describe_view(found.job, folder),
                "messages": [{"at": m.at, "level": m.level, "kind": m.kind, "message": m.message} for m in messages],
                "checkpoints": [{"step": c.step, "model": c.model, "metrics": dict(c.metrics)} for c in checkpoints],
                "events": events,
            }
        )
        return
    out.print(f"{found.run}: {found.outcome or found.phase} · {describe_job(found.job)}")
    if found.quote is not None:
        out.print(f"  quoted price: {found.quote:.2f} {found.currency}")
    if expected_end and not found.outcome:
        out.print(f"  expected to end: {time.strftime('%Y-%m-%d %H:%M', time.localtime(expected_end))}")
    show_problems(found.job, folder)
    lines = [(event["at"], f"{event['kind']}: {event['message']}") for event in events[-5:]]
    lines += [(message.at, f"provider: {message.message}") for message in messages[-10:]]
    for at, line in sorted(lines):
        out.print(f"  {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(at))}  {line}")
    if checkpoints:
        newest = checkpoints[-1]
        out.print(f"  {len(checkpoints)} checkpoints, the newest at step {newest.step} {newest.model}")


@app.command()
def watch(
    run: RunName = "",
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between looks at the journal")] = 2.0,
    data: DataOption = None,
) -> None:
    """Follow a run that another process drives, until it ends or that process does."""
    from goldspan.generators.journal.lock import is_running
    from goldspan.training.finetuning.folder import find_tuning_run, read_status
    from goldspan.training.finetuning.public import describe_job

    folder = find_tuning_run(find_workspace(data), run, unfinished=False)
    shown = ""
    while True:
        is_driven = is_running(folder)
        found = read_status(folder)
        if (line := f"{found.run}: {describe_job(found.job)}") != shown:
            shown = line
            out.print(line)
        if found.outcome:
            say(f"{found.run} has ended: {found.outcome}.")
            return
        if not is_driven:
            say(f"No process drives {found.run}. `goldspan finetune resume {found.run}` goes on.")
            raise typer.Exit(Exit.WAITING)
        time.sleep(interval)


@app.command()
def cancel(
    run: RunName = "", poll_interval: PollOption = 0.0, data: DataOption = None, as_json: JsonOption = False
) -> None:
    """Cancel a run at its provider. A job that succeeds before it can be cancelled is kept."""
    from goldspan.training.finetuning.folder import find_tuning_run
    from goldspan.training.finetuning.public import cancel_tuning

    folder = find_tuning_run(find_workspace(data), run)
    summary = cancel_tuning(
        folder, schedule=_make_schedule(poll_interval), on_job=ignore_job if as_json else report_job
    )
    if summary is None:
        say(f"The process that drives {folder.name} was asked to cancel it.")
        if as_json:
            print_json({"run": folder.name, "outcome": "cancelling"})
        return
    show_summary(summary, folder, "", as_json=as_json)


@app.command("list")
def list_all(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the fine-tuning runs of the workspace, the newest last."""
    from goldspan.training.finetuning.folder import list_tuning_runs

    found = list_tuning_runs(find_workspace(data), on_error=_warn_of)
    rows = [
        {
            "run": run.run,
            "state": run.outcome or str(run.job.state),
            "provider": run.settings["settings"]["provider"],
            "model": run.settings["settings"]["model"],
            "tuned": run.job.output_model,
            "quote": run.quote,
        }
        for run in found
    ]
    if as_json:
        print_json(rows)
        return
    columns = ("run", "state", "provider", "model", "tuned")
    quotes = ("–" if run.quote is None else f"{run.quote:.2f} {run.currency}" for run in found)
    shown = ([*(row[column] for column in columns), quote] for row, quote in zip(rows, quotes, strict=True))
    print_table([*columns, "quote"], shown, right=(5,))


def _warn_of(error: GoldspanError) -> None:
    warn(str(error))


def _ask_consent(plan: TuningPlan, *, yes: bool) -> None:
    from goldspan.training.finetuning.public import require_consent

    if yes or not err.is_terminal or plan.settings.max_cost is not None:
        require_consent(plan, consent=yes)
    elif not typer.confirm("Send and pay this?", default=False, err=True):
        raise typer.Exit(Exit.OK)


def _drive(
    folder: Path,
    data: Path | None,
    labels: Path | None,
    *,
    poll_interval: float,
    no_wait: bool,
    as_json: bool,
    max_cost: float | None = None,
) -> None:
    from goldspan.training.finetuning.public import drive_run
    from goldspan.training.finetuning.run import TuningOutcome
    from goldspan.training.methods.fine_tuning import publish_run

    with halt_on_signals() as halt:
        summary = drive_run(
            folder,
            max_cost=max_cost,
            wait=not no_wait,
            schedule=_make_schedule(poll_interval),
            halt=halt,
            on_job=ignore_job if as_json else report_job,
        )
    published = ""
    if summary.outcome is TuningOutcome.DONE:
        published = str(publish_run(find_workspace(data), folder, labels, lambda line: None).folder)
    show_summary(summary, folder, published, as_json=as_json)
    raise typer.Exit(exit_for(summary.outcome))


def _make_schedule(poll_interval: float) -> TuningSchedule:
    from goldspan.training.finetuning.run import TuningSchedule as Schedule

    return Schedule(first_poll=poll_interval, last_poll=poll_interval) if poll_interval else Schedule()
