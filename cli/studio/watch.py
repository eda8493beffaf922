"""`goldspan studio watch`: pull at an interval."""

from __future__ import annotations

from typing import Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.studio.connection import StudioOptions, connect


@expand_option_groups
def watch(
    interval: Annotated[float, typer.Option(min=1, help="Seconds between two pulls")] = 60.0,
    listen: Annotated[bool, typer.Option(help="Also pull when a webhook reports a change")] = False,
    *,
    target: StudioOptions,
) -> None:
    """Pull at an interval, until Ctrl-C.

    Example: goldspan studio watch --interval 30 --listen
    """
    import threading
    from contextlib import ExitStack

    from goldspan.annotation.labelstudio.project.find import require_project
    from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport, pull_annotations
    from goldspan.annotation.labelstudio.pull.watch import listen_for_calls, watch_project
    from goldspan.cli.shared import console

    studio = connect(target)
    number = int(require_project(studio.client, studio.project)["id"])
    hint, stop = threading.Event(), threading.Event()

    def show(report: PullReport) -> None:
        if report.added or report.updated or report.removed or report.conflicts:
            console.say(
                f"{report.added} new, {report.updated} changed, {report.removed} gone, "
                f"{len(report.conflicts)} in conflict; {report.total} in {report.file}"
            )

    with ExitStack() as stack:
        if listen:
            stack.enter_context(listen_for_calls(studio.client, number, hint))
        console.say(f"Watching project {number}; stop with Ctrl-C.")
        watch_project(
            lambda: pull_annotations(studio.client, studio.workspace, studio.labels, PullOptions(number)),
            interval,
            hint=hint,
            stop=stop,
            on_report=show,
            on_error=lambda error: console.warn(str(error)),
        )
