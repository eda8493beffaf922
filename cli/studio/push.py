"""`goldspan studio push`: samples with their pre-annotations into a project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.shared.options import JsonOption
from goldspan.cli.studio.connection import SHOWN, Studio, StudioOptions, connect, end_with_refused, show_progress

if TYPE_CHECKING:
    from goldspan.annotation.errors import RecordError
    from goldspan.annotation.labelstudio.push.run import PushOptions, PushReport
    from goldspan.annotation.labelstudio.push.selection import Order
    from goldspan.annotation.labelstudio.push.storage import StorageReport
    from goldspan.annotation.types import Sample


@expand_option_groups
def push(
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE|FOLDER", help="Samples. Default: annotation_samples of the workspace"),
    ] = None,
    model_version: Annotated[str, typer.Option(help="The predictions to show. Default: the newest pushed")] = "",
    replace_predictions: Annotated[bool, typer.Option(help="Delete older predictions of the pushed samples")] = False,
    dry_run: Annotated[bool, typer.Option(help="Only show what would be done")] = False,
    control_share: Annotated[
        float, typer.Option(min=0, max=1, help="Share without pre-annotations, to measure their influence")
    ] = 0.0,
    overlap: Annotated[float, typer.Option(min=0, max=1, help="Share that goes to two annotators")] = 0.0,
    order: Annotated[str, typer.Option(metavar="file|uncertainty|coverage", help="Order of import")] = "file",
    storage: Annotated[
        str | None,
        typer.Option(
            metavar="local|ADDRESS",
            help="Write files to a folder of the server (local) or an address (s3://bucket/prefix) and let Label "
            "Studio import them; slower than a plain push, which uses the bulk API",
        ),
    ] = None,
    send_keys: Annotated[
        bool,
        typer.Option(
            "--send-keys",
            help="With --storage s3://…: give Label Studio the AWS keys of this environment, to store them",
        ),
    ] = False,
    *,
    target: StudioOptions,
    as_json: JsonOption = False,
) -> None:
    """Push samples with their pre-annotations to a project, each exactly once.

    The project is created from the label schema if it does not exist. Pushing again only adds what is missing, also
    after an interruption. Exit code 3: some samples were refused; each is named.

    Example: goldspan studio push --control-share 0.1
    """
    from goldspan.annotation.labelstudio.push.public import push_and_record
    from goldspan.annotation.labelstudio.push.run import PushOptions
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.annotation.tombstones import read_tombstones

    studio = connect(target)
    workspace = studio.workspace
    unreadable: list[RecordError] = []
    samples = read_samples(files or [workspace.annotation_samples], studio.labels, unreadable.append)
    options = PushOptions(
        project=studio.project,
        model_version=model_version,
        replace_predictions=replace_predictions,
        dry_run=dry_run,
        control_share=control_share,
        overlap=overlap,
        order=_parse_order(order),
        erased=read_tombstones(workspace.root),
    )
    report: PushReport | StorageReport
    if storage:
        report = _push_to_storage(studio, samples, options, storage, send_keys=send_keys)
    else:
        with show_progress() as progress:
            report = push_and_record(workspace, studio.client, samples, studio.labels, options, progress)
    _show_report(report, studio.client.url, unreadable, as_json=as_json)
    end_with_refused(report.refused, len(unreadable))


def _push_to_storage(
    studio: Studio, samples: Iterable[Sample], options: PushOptions, storage: str, *, send_keys: bool
) -> StorageReport:
    from goldspan.annotation.errors import ConfigurationError
    from goldspan.annotation.labelstudio.project.adoption import find_adoption
    from goldspan.annotation.labelstudio.project.find import make_file_stem
    from goldspan.annotation.labelstudio.push.storage import push_to_storage
    from goldspan.annotation.labelstudio.server.start import find_storage

    if find_adoption(studio.workspace, studio.project):
        raise ConfigurationError("An adopted project takes no --storage; push its predictions without it.")
    local = find_storage(studio.workspace) / make_file_stem(str(options.project))
    with show_progress() as progress:
        return push_to_storage(
            studio.client,
            samples,
            studio.labels,
            options,
            local if storage == "local" else storage,
            progress,
            send_keys=send_keys,
        )


def _show_report(report: PushReport | StorageReport, url: str, unreadable: list[RecordError], *, as_json: bool) -> None:
    from goldspan.annotation.labelstudio.push.storage import StorageReport
    from goldspan.cli.shared import console

    if as_json:
        console.print_json(asdict(report) | {"unreadable": [str(error) for error in unreadable]})
    elif isinstance(report, StorageReport):
        _show_storage(report)
    else:
        _show_push(report, url)
    for error in unreadable[:SHOWN]:
        console.warn(str(error))


def _show_push(report: PushReport, url: str) -> None:
    from goldspan.cli.shared import console

    rows = [
        ("would create" if report.dry_run else "created", report.created),
        ("would get new predictions" if report.dry_run else "got new predictions", report.predicted),
        ("unchanged", report.unchanged),
        ("not among these samples", report.gone),
        ("without pre-annotations", report.control),
    ]
    console.print_table((f"Project {report.project or '(new)'} {report.title}", "tasks"), rows, right=(1,))
    if report.copies_removed:
        console.say(f"{report.copies_removed} duplicate tasks were deleted; the first of each stays.")
    if report.project is not None:
        console.say(f"Open: {url}projects/{report.project}")
    for sample_id in report.copies_kept[:SHOWN]:
        console.warn(f"{sample_id} has several tasks with annotations; delete the duplicates by hand.")


def _show_storage(report: StorageReport) -> None:
    from goldspan.cli.shared import console

    rows = [("written", report.written), ("unchanged", report.unchanged), ("imported", report.arrived)]
    console.print_table((f"Project {report.project} {report.title}", "tasks"), rows, right=(1,))
    if report.arrived is None:
        console.say(
            f"Add {report.target} in the project's settings under Cloud Storage: "
            'a source of JSONL files with the import method "Tasks". Then start a sync.'
        )


def _parse_order(name: str) -> Order:
    from goldspan.annotation.errors import UnknownNameError
    from goldspan.annotation.labelstudio.push.selection import Order

    try:
        return Order(name)
    except ValueError:
        raise UnknownNameError("order", name, [order.value for order in Order]) from None
