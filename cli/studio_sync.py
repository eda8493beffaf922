"""`goldspan studio push|pull|migrate|watch`: the traffic with Label Studio."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import DataOption, JsonOption, LabelsOption

if TYPE_CHECKING:
    from annotation.labelstudio.client import StudioClient
    from annotation.labelstudio.validation import Refused
    from annotation.workspace import Workspace

DEFAULT_TITLE = "Goldspan"
SHOWN = 20

UrlOption = Annotated[str | None, typer.Option("--url", help="Address of Label Studio (or LABEL_STUDIO_URL)")]
TokenOption = Annotated[str | None, typer.Option("--token", help="Its token (or LABEL_STUDIO_API_KEY)")]
ProjectOption = Annotated[
    str | None,
    typer.Option(
        "--project",
        metavar="ID|TITLE",
        help=f"The project (or LABEL_STUDIO_PROJECT_ID). Default: the last one, else {DEFAULT_TITLE!r}",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to `goldspan studio`."""
    app.command()(push)
    app.command()(pull)


def push(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE|FOLDER]…", help="Samples. Default: annotation_samples of the workspace"),
    ] = None,
    project: ProjectOption = None,
    model_version: Annotated[str, typer.Option(help="The predictions to show. Default: the newest pushed")] = "",
    replace_predictions: Annotated[bool, typer.Option(help="Drop older predictions of the samples pushed")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only say what would be done")] = False,
    control_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share without pre-annotations, to measure their influence")
    ] = 0.0,
    overlap: Annotated[float, typer.Option(min=0, max=1, help="Share that goes to two annotators")] = 0.0,
    order: Annotated[str, typer.Option(metavar="file|uncertainty|coverage", help="What comes first")] = "file",
    url: UrlOption = None,
    token: TokenOption = None,
    labels: LabelsOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring samples with their pre-annotations into a project, each exactly once.

    The project is created from the label schema when it is not there. Pushing again only adds what is missing,
    also after an interruption. Exit code 3: some samples were refused; each is named.

    Example: goldspan studio push --control-share 0.1
    """
    from annotation.errors import RecordError
    from annotation.labels import load_labels
    from annotation.labelstudio.credentials import remember_project
    from annotation.labelstudio.push import PushOptions, push_samples
    from annotation.store import read_samples
    from annotation.workspace import find_workspace
    from cli import console

    workspace = find_workspace(data)
    schema = load_labels(labels)
    broken: list[RecordError] = []
    samples = read_samples(files or [workspace.annotation_samples], schema, broken.append)
    client, chosen = _connect(workspace, url, token, project)
    options = PushOptions(
        chosen, model_version, replace_predictions, dry_run, control_share, overlap, _parse_order(order)
    )
    with _show_progress() as progress:
        report = push_samples(client, samples, schema, options, progress)
    if report.project is not None and not dry_run:
        remember_project(workspace, report.project)
    if as_json:
        console.print_json(asdict(report) | {"unreadable": [str(error) for error in broken]})
    else:
        rows = [
            ("would create" if dry_run else "created", report.created),
            ("would get new predictions" if dry_run else "got new predictions", report.predicted),
            ("unchanged", report.unchanged),
            ("not among these samples", report.gone),
            ("without pre-annotations", report.control),
        ]
        title = f"Project {report.project or '(new)'} {report.title}"
        console.print_table((title, "tasks"), rows, right=(1,))
        if report.copies_removed:
            console.say(f"{report.copies_removed} copies of samples were removed; the first of each stays.")
        if report.project is not None:
            console.say(f"Open: {client.url}projects/{report.project}")
    _warn_copies(report.copies_kept)
    for error in broken[:SHOWN]:
        console.warn(str(error))
    _end_with_refused(report.refused, len(broken))


def pull(
    project: ProjectOption = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Default: training_samples/<project>.jsonl of the workspace")
    ] = None,
    full: Annotated[bool, typer.Option(help="List every task instead of those changed since the last pull")] = False,
    untouched: Annotated[bool, typer.Option(help="Also bring tasks that nobody has worked on")] = False,
    snap: Annotated[bool, typer.Option(help="Move spans that cut a word to word borders")] = False,
    policy: Annotated[
        str, typer.Option(help="Of several annotations, which decides")
    ] = "gold>reviewer>majority>latest",
    reviewer: Annotated[list[str] | None, typer.Option(metavar="EMAIL", help="A reviewer; may be repeated")] = None,
    take_remote: Annotated[bool, typer.Option(help="Let Label Studio win where both sides edited a record")] = False,
    url: UrlOption = None,
    token: TokenOption = None,
    labels: LabelsOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring the work of annotators back: every annotation of everybody, only what changed.

    A record that was edited on both sides is left as it is and goes to <project>.conflicts.jsonl.
    Exit code 3: some records were refused or are in conflict; each is named.

    Example: goldspan studio pull --snap
    """
    from annotation.labels import load_labels
    from annotation.labelstudio.merge import parse_policy
    from annotation.labelstudio.pull import PullOptions, pull_annotations
    from annotation.workspace import find_workspace
    from cli import console
    from cli.exits import Exit

    workspace = find_workspace(data)
    schema = load_labels(labels)
    rules = parse_policy(policy, reviewer or ())
    client, chosen = _connect(workspace, url, token, project)
    options = PullOptions(chosen, output, full, untouched, snap, take_remote, rules)
    with _show_progress() as progress:
        report = pull_annotations(client, workspace, schema, options, progress)
    if as_json:
        console.print_json(_make_plain(asdict(report)))
    else:
        rows = [
            ("new", report.added),
            ("changed", report.updated),
            ("gone", report.removed),
            ("unchanged", report.unchanged),
            ("in the file", report.total),
        ]
        console.print_table((f"Project {report.project} {report.title}", "samples"), rows, right=(1,))
        if report.lint_counts:
            lints = sorted(report.lint_counts.items(), key=lambda item: -item[1])
            console.print_table(("look at", "places"), lints, right=(1,))
        console.out.print(str(report.file))
    for sample_id in report.conflicts[:SHOWN]:
        console.warn(f"{sample_id} was edited here and in Label Studio; both sides are in {report.conflict_file}")
    if report.conflicts:
        _warn_refused(report.refused)
        raise typer.Exit(Exit.REFUSED_SOME)
    _end_with_refused(report.refused)


def _connect(
    workspace: Workspace, url: str | None, token: str | None, project: str | None
) -> tuple[StudioClient, int | str]:
    from annotation.labelstudio.client import StudioClient
    from annotation.labelstudio.credentials import resolve_credentials

    number = int(project) if project and project.isdigit() else None
    credentials = resolve_credentials(workspace, url, token, number)
    chosen = project if project and number is None else credentials.project_id or DEFAULT_TITLE
    return StudioClient(credentials.url, credentials.token), chosen


def _parse_order(name: str) -> Any:
    from annotation.errors import UnknownNameError
    from annotation.labelstudio.selection import Order

    try:
        return Order(name)
    except ValueError:
        raise UnknownNameError("order", name, [order.value for order in Order]) from None


@contextmanager
def _show_progress() -> Iterator[Callable[[str, int, int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from cli import console

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console.err, transient=True) as bar:
        task = bar.add_task("connecting", total=None)
        yield lambda stage, done, total: bar.update(task, description=stage, completed=done, total=total or None)


def _warn_copies(sample_ids: Sequence[str]) -> None:
    from cli import console

    for sample_id in sample_ids[:SHOWN]:
        console.warn(f"{sample_id} is there more than once, and people have worked on the copies; delete one by hand.")


def _warn_refused(refused: Sequence[Refused]) -> None:
    from cli import console

    for item in refused[:SHOWN]:
        console.warn(f"refused {item.sample_id or 'a sample without id'}: {item.reason}")
    if len(refused) > SHOWN:
        console.warn(f"… and {len(refused) - SHOWN} more; --json lists them all.")


def _end_with_refused(refused: Sequence[Refused], unreadable: int = 0) -> None:
    from cli.exits import Exit

    _warn_refused(refused)
    if refused or unreadable:
        raise typer.Exit(Exit.REFUSED_SOME)


def _make_plain(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
