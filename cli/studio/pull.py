"""`goldspan studio pull`: annotations out of a project."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.shared.options import JsonOption
from goldspan.cli.shared.outputs import SAMPLES, output_option
from goldspan.cli.studio.connection import (
    SHOWN,
    StudioOptions,
    connect,
    end_with_refused,
    make_plain,
    show_progress,
    warn_refused,
)

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.pull.run import PullReport


@expand_option_groups
def pull(
    output: Annotated[
        Path | None, output_option("Default: training_samples/<project>.jsonl of the workspace", *SAMPLES)
    ] = None,
    full: Annotated[bool, typer.Option(help="Fetch every task instead of those changed since the last pull")] = False,
    untouched: Annotated[bool, typer.Option(help="Also fetch tasks that nobody has worked on")] = False,
    snap: Annotated[bool, typer.Option(help="Move spans that cut a word to word borders")] = False,
    policy: Annotated[str, typer.Option(help="Which of several annotations counts")] = "gold>reviewer>majority>latest",
    reviewer: Annotated[list[str] | None, typer.Option(metavar="EMAIL", help="A reviewer; may be repeated")] = None,
    take_remote: Annotated[bool, typer.Option(help="In conflicts, take Label Studio's version of a record")] = False,
    *,
    target: StudioOptions,
    as_json: JsonOption = False,
) -> None:
    """Pull the annotations of all annotators; only what changed is fetched.

    A record that was edited on both sides stays as it is, and both versions go to <project>.conflicts.jsonl.
    Exit code 3: some records were refused or are in conflict; each is named.

    Example: goldspan studio pull --snap
    """
    from goldspan.annotation.labelstudio.pull.ranking import parse_ranking_policy
    from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit

    rules = parse_ranking_policy(policy, reviewer or ())
    studio = connect(target)
    options = PullOptions(studio.project, output, full, untouched, snap, take_remote, rules)
    with show_progress() as progress:
        report = pull_annotations(studio.client, studio.workspace, studio.labels, options, progress)
    if as_json:
        console.print_json(make_plain(asdict(report)))
    else:
        show_pull(report)
    for sample_id in report.conflicts[:SHOWN]:
        console.warn(f"{sample_id} was edited here and in Label Studio; both versions are in {report.conflict_file}")
    if report.conflicts:
        warn_refused(report.refused)
        raise typer.Exit(Exit.REFUSED_SOME)
    end_with_refused(report.refused)


def show_pull(report: PullReport) -> None:
    """Print what a pull did."""
    from goldspan.cli.shared import console

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
        console.print_table(("to check", "places"), lints, right=(1,))
    if report.other_results:
        console.say(f"Kept verbatim in other_results, not being spans: {report.other_results}")
    console.out.print(str(report.file))
