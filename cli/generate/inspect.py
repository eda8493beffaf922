"""Read-only `generate` commands: status, watch, list, estimate, preview."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.annotation.wording import format_count
from goldspan.cli.generate.options import GenerationOptions, JobOptions, RunName, read_settings
from goldspan.cli.generate.progress import RunBar
from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.shared.options import DataOption, JsonOption, NewDataOption

if TYPE_CHECKING:
    from goldspan.generators.runs.progress import Progress as RunProgress
    from goldspan.generators.runs.settings import RunSettings

_PREVIEWED = 3


def register(app: typer.Typer) -> None:
    """Add the read-only commands."""
    app.command()(status)
    app.command()(watch)
    app.command("list")(list_runs)
    app.command()(estimate)
    app.command()(preview)


def status(run: RunName = "", data: DataOption = None, json: JsonOption = False) -> None:
    """Show the progress of a run (default: the newest unfinished one, else the newest)."""
    from goldspan.generators.journal.journal import Journal
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.progress import list_reasons, read_progress

    with Journal(find_run(find_workspace(data), run, unfinished=False)) as journal:
        progress, reasons, events = read_progress(journal), list_reasons(journal), journal.list_events()
    if json:
        print_json({**progress.to_dict(), "reasons": reasons, "events": events})
        return
    show_progress(progress)
    for entry in reasons:
        out.print(f"  {entry['count']} × {entry['stage']} {entry['state']}: {entry['reason']}")
    for event in events[-5:]:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["at"]))
        out.print(f"  {when}  {event['kind']}: {event['message']}")


def _read_run(run: str, data: Path | None) -> RunProgress:
    from goldspan.generators.journal.journal import Journal
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.progress import read_progress

    with Journal(find_run(find_workspace(data), run, unfinished=False)) as journal:
        return read_progress(journal)


def show_progress(progress: RunProgress) -> None:
    """One line of the state, and a table of the requests by stage."""
    cost = f" · ${progress.cost:.4f}" if progress.cost else ""
    out.print(
        f"{progress.run}: {progress.state} · {progress.done} of {progress.samples} done · "
        f"{progress.dead} dead letters · {progress.tokens_in:,} + {progress.tokens_out:,} tokens{cost}",
    )
    if progress.notice and not progress.finished:
        out.print(f"  {progress.notice}")
    states = ("pending", "submitted", "ok", "invalid", "repeated", "truncated", "refused", "failed", "missing")
    rows = [[stage, *(counts.get(state, 0) for state in states)] for stage, counts in progress.by_stage.items()]
    print_table(["stage", *states], rows, right=range(1, len(states) + 1))


def watch(
    run: RunName = "",
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between updates")] = 2.0,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Show progress while another process runs a run, until it ends; --json prints the final progress."""
    from goldspan.generators.journal.lock import is_running

    progress = _read_run(run, data)
    folder = find_workspace(data).runs / progress.run
    with RunBar(progress.run) as bar:
        while not progress.finished:
            bar.show(progress)
            running = is_running(folder)
            progress = _read_run(progress.run, data)
            if not running:
                break
            time.sleep(interval)
    if json:
        print_json(progress.to_dict())
        return
    show_progress(progress)
    if not progress.finished:
        say(f"No process is running {progress.run}. `goldspan generate resume {progress.run}` continues it.")


def list_runs(data: DataOption = None, json: JsonOption = False) -> None:
    """List the runs of the workspace, the newest first."""
    from goldspan.generators.runs.folder import list_runs as find_runs

    runs = find_runs(find_workspace(data), lambda error: warn(str(error)))
    if json:
        print_json([progress.to_dict() for progress in runs])
        return
    rows = [[p.run, p.state, p.samples, p.done, p.dead, p.tokens_in + p.tokens_out, f"{p.cost:.4f}"] for p in runs]
    print_table(["run", "state", "samples", "done", "dead", "tokens", "US$"], rows, right=range(2, 7))


@expand_option_groups
def estimate(generation: GenerationOptions, data: NewDataOption = None, json: JsonOption = False) -> None:
    """Estimate requests, tokens and cost of a run. Sends nothing; with --fill-gaps the plan is shown too."""
    settings, schema = read_settings(find_workspace(data), generation)
    warn_of_missing(settings, schema)
    show_plan(settings, schema, json=json)


def show_plan(settings: RunSettings, labels: LabelSchema, *, json: bool) -> None:
    """The plan of a run and its estimated cost."""
    from goldspan.generators.runs.estimate import estimate_run

    guess = estimate_run(settings, labels)
    cells = settings.plan.to_dict() if settings.plan else []
    if json:
        print_json({**guess.to_dict(), "samples": settings.samples, "plan": cells})
        return
    if settings.plan:
        rows = [
            [cell.language, cell.document_type, cell.samples, " ".join(cell.labels)] for cell in settings.plan.cells
        ]
        print_table(["language", "document type", "samples", "labels"], rows[:40], right=[2])
        if len(rows) > 40:
            say(f"… and {len(rows) - 40} more kinds.")
    cost = f"about ${guess.cost:.2f}" if guess.prices_known else "at an unknown price"
    say(
        f"{format_count(settings.samples, 'sample')}, {format_count(guess.requests, 'request')}, "
        f"about {guess.tokens_in:,} + {guess.tokens_out:,} tokens, {cost}. "
        f"Estimated from {guess.tried} items, as if every answer were good at once."
    )
    warn_of_prices(settings)


def say_what_is_sent(settings: RunSettings, labels: LabelSchema) -> None:
    """Name the own texts that are part of the prompts, and the languages for which they hold nothing."""
    own = [name for name in (settings.seeds, settings.examples_file, settings.paraphrase_file) if name]
    if own and settings.provider != "offline":
        say(f"Prompts to {settings.provider} hold passages, samples or values of {' and '.join(own)}.")
    warn_of_missing(settings, labels)


def warn_of_codes(settings: RunSettings, labels: LabelSchema) -> None:
    """Warn of labels for which the offline author makes up codes."""
    from goldspan.generators.surrogates.values import has_value_source

    without = [
        label.code
        for label in labels.entities
        if label.chance > 0 and not has_value_source(label) and not label.examples
    ]
    if settings.provider == "offline" and without:
        warn(
            f"There is no source of values for {', '.join(without)}: the texts hold made-up codes. Give each label "
            "`terms`, a `pattern` or `examples` in the label schema."
        )


def warn_of_idle_options(settings: RunSettings, job: JobOptions) -> None:
    """Warn of options of the other mode than the run's."""
    batch = {"--no-wait": job.no_wait, "--poll-interval": job.poll_interval}
    live = {
        "--max-workers": job.max_workers,
        "--requests-per-minute": job.requests_per_minute,
        "--tokens-per-minute": job.tokens_per_minute,
    }
    for mode, options in (("batch", batch), ("live", live)):
        if given := [name for name, value in options.items() if value and settings.mode != mode]:
            have = "have" if len(given) > 1 else "has"
            warn(f"{', '.join(given)} {have} no effect: this run is not in {mode} mode.")


def warn_of_missing(settings: RunSettings, labels: LabelSchema) -> None:
    """Warn of languages of a run for which an own file holds nothing.

    Raises:
        InputError: it holds nothing for any of them.
    """
    from goldspan.generators.runs.content import find_missing

    for path, languages in find_missing(settings, labels).items():
        warn(f"{path} holds nothing in {', '.join(languages)}: briefs in these languages go without it.")


def warn_of_prices(settings: RunSettings) -> None:
    """Warn when costs cannot be computed."""
    from goldspan.generators.providers.profiles import find_profile
    from goldspan.generators.runs.executors import find_prices, knows_prices

    if knows_prices(settings):
        return
    prices = find_prices(settings)
    basis = f"those of {find_profile(settings.provider).default_model}" if prices.completion else "unknown"
    warn(f"Prices are {basis}: give --price-in and --price-out for {settings.model} to see what it costs.")


@expand_option_groups
def preview(generation: GenerationOptions, data: NewDataOption = None, json: JsonOption = False) -> None:
    """Print the exact requests of three items and the estimated cost of the run. Sends nothing.

    Requests after the draft are shown with a text by the offline author in place of the model's draft.
    """
    from goldspan.generators.runs.estimate import estimate_run, preview_item, render_request

    settings, schema = read_settings(find_workspace(data), generation)
    warn_of_missing(settings, schema)
    asked = [pair for item in range(min(_PREVIEWED, settings.samples)) for pair in preview_item(settings, schema, item)]
    if json:
        requests = [request.batch_line for request, _ in asked]
        print_json({"requests": requests, "estimate": estimate_run(settings, schema).to_dict()})
        return
    for request, _ in asked:
        out.print(render_request(request))
    show_plan(settings, schema, json=False)
