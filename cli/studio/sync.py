"""`goldspan studio push|pull|migrate|watch`: the traffic with Label Studio."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption
from goldspan.cli.studio.common import (
    DEFAULT_TITLE,
    SHOWN,
    ProjectOption,
    TokenOption,
    UrlOption,
    connect,
    end_with_refused,
    make_plain,
    show_progress,
    warn_refused,
)
from goldspan.cli.studio.keep import migrate, watch

if TYPE_CHECKING:
    from goldspan.annotation.errors import RecordError
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.annotation.labelstudio.api.client import StudioClient
    from goldspan.annotation.labelstudio.push.run import PushOptions
    from goldspan.annotation.tasks.workspace import Workspace
    from goldspan.annotation.types import Sample

__all__ = ["DEFAULT_TITLE", "ProjectOption", "TokenOption", "UrlOption", "register"]


def register(app: typer.Typer) -> None:
    """Add the commands to `goldspan studio`."""
    app.command()(push)
    app.command()(pull)
    app.command()(migrate)
    app.command()(watch)


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
    storage: Annotated[
        str | None,
        typer.Option(metavar="local|ADDRESS", help="Write files for a storage import instead (for 100,000 and more)"),
    ] = None,
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
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.push.public import push_and_record
    from goldspan.annotation.labelstudio.push.run import PushOptions
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console

    workspace = find_workspace(data)
    schema = load_labels(labels)
    broken: list[RecordError] = []
    samples = read_samples(files or [workspace.annotation_samples], schema, broken.append)
    client, chosen = connect(workspace, url, token, project)
    options = PushOptions(
        chosen, model_version, replace_predictions, dry_run, control_share, overlap, _parse_order(order)
    )
    if storage:
        _push_to_storage(client, samples, schema, options, storage, workspace, as_json=as_json, broken=broken)
        return
    with show_progress() as progress:
        report = push_and_record(workspace, client, samples, schema, options, progress)
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
    end_with_refused(report.refused, len(broken))


def _push_to_storage(
    client: StudioClient,
    samples: Iterable[Sample],
    schema: LabelSchema,
    options: PushOptions,
    storage: str,
    workspace: Workspace,
    *,
    as_json: bool,
    broken: list[RecordError],
) -> None:
    from goldspan.annotation.labelstudio.pull.run import make_file_stem
    from goldspan.annotation.labelstudio.push.storage import push_to_storage
    from goldspan.annotation.labelstudio.server.start import find_storage
    from goldspan.cli.shared import console

    target = find_storage(workspace) / make_file_stem(str(options.project)) if storage == "local" else storage
    with show_progress() as progress:
        report = push_to_storage(client, samples, schema, options, target, progress)
    if as_json:
        console.print_json(asdict(report) | {"unreadable": [str(error) for error in broken]})
    else:
        rows = [("written", report.written), ("unchanged", report.unchanged), ("read", report.arrived)]
        console.print_table((f"Project {report.project} {report.title}", "tasks"), rows, right=(1,))
        if report.arrived is None:
            console.say(
                f"Add {report.target} in the project's settings under Cloud Storage: "
                'a source of JSONL files with the import method "Tasks". Then let it sync.'
            )
    for error in broken[:SHOWN]:
        console.warn(str(error))
    end_with_refused(report.refused, len(broken))


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
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.pull.ranking import parse_policy
    from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit

    workspace = find_workspace(data)
    schema = load_labels(labels)
    rules = parse_policy(policy, reviewer or ())
    client, chosen = connect(workspace, url, token, project)
    options = PullOptions(chosen, output, full, untouched, snap, take_remote, rules)
    with show_progress() as progress:
        report = pull_annotations(client, workspace, schema, options, progress)
    if as_json:
        console.print_json(make_plain(asdict(report)))
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
        warn_refused(report.refused)
        raise typer.Exit(Exit.REFUSED_SOME)
    end_with_refused(report.refused)


def _parse_order(name: str) -> Any:
    from goldspan.annotation.errors import UnknownNameError
    from goldspan.annotation.labelstudio.push.selection import Order

    try:
        return Order(name)
    except ValueError:
        raise UnknownNameError("order", name, [order.value for order in Order]) from None


def _warn_copies(sample_ids: Sequence[str]) -> None:
    from goldspan.cli.shared import console

    for sample_id in sample_ids[:SHOWN]:
        console.warn(f"{sample_id} is there more than once, and people have worked on the copies; delete one by hand.")
