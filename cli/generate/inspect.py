"""What the `generate` commands show: progress, status, plans, estimates."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import find_workspace
from goldspan.cli.generate.options import (
    FillGaps,
    Languages,
    Mode,
    Model,
    OutputTokens,
    PriceIn,
    PriceOut,
    Provider,
    Review,
    RunName,
    Samples,
    Seed,
    Temperature,
    Window,
    read_settings,
)
from goldspan.cli.shared.console import err, out, print_json, print_table, say, warn
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption

if TYPE_CHECKING:
    from goldspan.generators.runs.pipeline import Summary
    from goldspan.generators.runs.progress import Progress as RunProgress
    from goldspan.generators.runs.settings import RunSettings

_PREVIEWED = 3


def register(app: typer.Typer) -> None:
    """Add the commands that only look."""
    app.command()(status)
    app.command()(watch)
    app.command("list")(list_runs)
    app.command()(estimate)
    app.command()(preview)


class ProgressLine:
    """One live line on stderr: done, refused, tokens, rate, time left, cost."""

    def __init__(self, name: str) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
        )
        self._progress = Progress(*columns, console=err, transient=not err.is_terminal, disable=not err.is_terminal)
        self._task = self._progress.add_task(name, total=None, note="")
        self._began = time.monotonic()
        self._first: RunProgress | None = None

    def __enter__(self) -> ProgressLine:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, progress: RunProgress) -> None:
        """Redraw."""
        self._first = self._first or progress
        seconds = max(time.monotonic() - self._began, 0.001)
        ended = progress.done + progress.dead
        rate = (progress.answered - self._first.answered) / seconds
        speed = (ended - self._first.done - self._first.dead) / seconds
        note = [
            f"{progress.refused} refused",
            f"{progress.tokens_in + progress.tokens_out:,} tokens",
            f"{rate:.1f} answers/s",
        ]
        if progress.cost:
            note.append(f"${progress.cost:.4f}")
        if progress.batches_open:
            note.append(f"{progress.batches_open} batches open")
        if speed:
            note.append(f"{format_seconds((progress.samples - ended) / speed)} left")
        self._progress.update(self._task, completed=ended, total=progress.samples, note=" · ".join(note))


def format_seconds(seconds: float) -> str:
    """`42 s`, `3 min`, `2 h 5 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def show_summary(summary: Summary) -> None:
    """What a run has come to, and what to do next."""
    progress, written = summary.progress, summary.written
    cost = f", ${progress.cost:.4f}" if progress.cost else ""
    say(
        f"{progress.run}: {summary.outcome.value}. {progress.done} of {progress.samples} done, "
        f"{progress.dead} dead letters, {progress.refused} answers refused and asked again or given up, "
        f"{progress.tokens_in + progress.tokens_out:,} tokens{cost}."
    )
    repeats = f" ({written.duplicates} repeats left out)" if written.duplicates else ""
    say(f"{written.samples} samples in {escape(str(summary.samples))}{repeats}")
    if written.dead:
        warn(
            f"Dead letters with their reasons: {summary.dead_letters}. "
            f"`goldspan generate retry {progress.run}` asks them again."
        )
    elif not progress.finished:
        say(f"`goldspan generate resume {progress.run}` goes on.")


def status(run: RunName = "", data: DataOption = None, json: JsonOption = False) -> None:
    """How far a run is (default: the newest unfinished one, else the newest), counted in its journal."""
    from goldspan.generators.journal.journal import Journal
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.progress import list_reasons, read_progress

    with Journal(find_run(find_workspace(data), run, unfinished=False)) as journal:
        progress, reasons, events = read_progress(journal), list_reasons(journal), journal.list_events()
    if json:
        print_json({**progress.to_dict(), "reasons": reasons, "events": events})
        return
    _print_progress(progress)
    for entry in reasons:
        out.out(f"  {entry['count']} × {entry['stage']} {entry['state']}: {entry['reason']}", highlight=False)
    for event in events[-5:]:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event["at"]))
        out.out(f"  {when}  {event['kind']}: {event['message']}", highlight=False)


def _look(run: str, data: Path | None) -> RunProgress:
    from goldspan.generators.journal.journal import Journal
    from goldspan.generators.runs.folder import find_run
    from goldspan.generators.runs.progress import read_progress

    with Journal(find_run(find_workspace(data), run, unfinished=False)) as journal:
        return read_progress(journal)


def _print_progress(progress: RunProgress) -> None:
    cost = f" · ${progress.cost:.4f}" if progress.cost else ""
    out.out(
        f"{progress.run}: {progress.state} · {progress.done} of {progress.samples} done · "
        f"{progress.dead} dead letters · {progress.tokens_in:,} + {progress.tokens_out:,} tokens{cost}",
        highlight=False,
    )
    states = ("pending", "submitted", "ok", "invalid", "truncated", "refused", "failed", "missing")
    rows = [[stage, *(counts.get(state, 0) for state in states)] for stage, counts in progress.by_stage.items()]
    print_table(["stage", *states], rows, right=range(1, 9))


def watch(
    run: RunName = "",
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between looks")] = 2.0,
    data: DataOption = None,
    json: JsonOption = False,
) -> None:
    """Look on while another process drives a run, until it ends; with --json, how far it is then."""
    from goldspan.generators.journal.lock import is_driven

    progress = _look(run, data)
    folder = find_workspace(data).runs / progress.run
    with ProgressLine(progress.run) as line:
        while not progress.finished:
            line.show(progress)
            driven = is_driven(folder)
            progress = _look(progress.run, data)
            if not driven:
                break
            time.sleep(interval)
    if json:
        print_json(progress.to_dict())
        return
    _print_progress(progress)
    if not progress.finished:
        say(f"No process drives {progress.run}. `goldspan generate resume {progress.run}` goes on.")


def list_runs(data: DataOption = None, json: JsonOption = False) -> None:
    """All runs of the workspace, the newest first."""
    from goldspan.generators.runs.folder import list_runs as find_runs

    runs = find_runs(find_workspace(data), lambda error: warn(str(error)))
    if json:
        print_json([progress.to_dict() for progress in runs])
        return
    rows = [[p.run, p.state, p.samples, p.done, p.dead, p.tokens_in + p.tokens_out, f"{p.cost:.4f}"] for p in runs]
    print_table(["run", "state", "samples", "done", "dead", "tokens", "US$"], rows, right=range(2, 7))


def estimate(
    samples: Samples = 100,
    provider: Provider = "offline",
    model: Model = "",
    languages: Languages = "en",
    seed: Seed = 0,
    review: Review = False,
    fill_gaps: FillGaps = False,
    mode: Mode = "",
    window: Window = "",
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """What a run would ask and cost. Sends nothing; with --fill-gaps the plan is shown too."""
    settings, schema = read_settings(
        find_workspace(data), samples, provider, model, languages, seed, review, fill_gaps, mode, "", window,
        price_in, price_out, None, 4096, 3, labels,
    )  # fmt: skip
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
        f"{settings.samples} samples, {guess.requests} requests, "
        f"about {guess.tokens_in:,} + {guess.tokens_out:,} tokens, {cost}. "
        f"Estimated from {guess.tried} items, as if every answer were good at once."
    )
    warn_of_prices(settings)


def warn_of_prices(settings: RunSettings) -> None:
    """Say when costs cannot be known."""
    from goldspan.generators.providers.profiles import find_profile
    from goldspan.generators.runs.executors import find_prices, knows_prices

    if knows_prices(settings):
        return
    prices = find_prices(settings)
    basis = f"those of {find_profile(settings.provider).default_model}" if prices.completion else "unknown"
    warn(f"Prices are {basis}: give --price-in and --price-out for {settings.model} to see what it costs.")


def preview(
    samples: Samples = 100,
    provider: Provider = "offline",
    model: Model = "",
    languages: Languages = "en",
    seed: Seed = 0,
    review: Review = False,
    fill_gaps: FillGaps = False,
    mode: Mode = "",
    window: Window = "",
    price_in: PriceIn = None,
    price_out: PriceOut = None,
    temperature: Temperature = None,
    output_tokens: OutputTokens = 4096,
    data: DataOption = None,
    labels: LabelsOption = None,
    json: JsonOption = False,
) -> None:
    """The exact requests of three items, and what the whole run would cost. Sends nothing.

    Requests after the draft are shown with a text by the offline author in place of the model's draft.
    """
    from goldspan.generators.runs.estimate import estimate_run, preview_item, render_request

    settings, schema = read_settings(
        find_workspace(data), samples, provider, model, languages, seed, review, fill_gaps, mode, "", window,
        price_in, price_out, temperature, output_tokens, 3, labels,
    )  # fmt: skip
    asked = [pair for item in range(min(_PREVIEWED, settings.samples)) for pair in preview_item(settings, schema, item)]
    if json:
        requests = [request.batch_line for request, _ in asked]
        print_json({"requests": requests, "estimate": estimate_run(settings, schema).to_dict()})
        return
    for request, _ in asked:
        out.out(render_request(request), highlight=False)
    show_plan(settings, schema, json=False)
