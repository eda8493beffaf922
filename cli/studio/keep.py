"""`goldspan studio migrate|watch`: keep a project and its pulled file in step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption
from goldspan.cli.studio.common import ProjectOption, TokenOption, UrlOption, connect, make_plain, show_progress

if TYPE_CHECKING:
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.annotation.labelstudio.project.relabel import Rules


def migrate(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Carry it out, or only say what would be done")] = False,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML with [rename], [split.LABEL] and [remove]")
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Rename a label; two OLD to one NEW merge. Repeatable")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Delete the regions of a label. Repeatable")
    ] = None,
    project: ProjectOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    labels: LabelsOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Bring a project to the label schema: rewrite annotations and predictions, then the labelling config.

    A label that is in use is never dropped without a rule. A backup and a report are left under studio/backups.
    It can be interrupted and run again. Exit code 1 with --plan when a label in use has no rule.

    Example: goldspan studio migrate --rename TOWN=CITY --plan
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.project.migrate import apply_migration, plan_migration
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit

    workspace = find_workspace(data)
    schema = load_labels(labels)
    chosen_rules = _gather_rules(rules, rename or (), remove or (), schema)
    client, chosen = connect(workspace, url, token, project)
    with show_progress() as progress:
        if apply:
            report = apply_migration(client, workspace, chosen, schema, chosen_rules, progress)
            plan, outcome = report.plan, make_plain(asdict(report))
        else:
            plan = plan_migration(client, chosen, schema, chosen_rules, progress)
            outcome = asdict(plan)
    if as_json:
        console.print_json(outcome)
    elif plan.up_to_date:
        console.say("The project has the label schema's config; there is nothing to do.")
    else:
        rows: list[tuple[str, str, int | None]] = [("add", entry, None) for entry in plan.added]
        rows += [("take out", label, plan.uses.get(label, 0)) for label in plan.retired]
        console.print_table((f"Project {plan.project} {plan.title}", "label", "in use"), rows, right=(2,))
        done = "were rewritten" if apply else "would be rewritten"
        console.say(f"{plan.results} annotations and predictions of {plan.tasks} tasks {done}.")
        if apply:
            console.say(f"Backup and report: {outcome['backup']}")
    if plan.missing:
        console.warn(f"In use and without a rule: {', '.join(plan.missing)}. Give --rename, --remove or --rules.")
        raise typer.Exit(Exit.FAILED)


def watch(
    interval: Annotated[float, typer.Option(min=1, help="Seconds between two pulls")] = 60.0,
    listen: Annotated[
        bool, typer.Option(help="Also pull when Label Studio calls to say that something changed")
    ] = False,
    project: ProjectOption = None,
    url: UrlOption = None,
    token: TokenOption = None,
    labels: LabelsOption = None,
    data: DataOption = None,
) -> None:
    """Pull again and again, until Ctrl-C.

    Example: goldspan studio watch --interval 30 --listen
    """
    import threading
    from contextlib import ExitStack

    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.project.find import require_project
    from goldspan.annotation.labelstudio.pull.run import PullOptions, PullReport, pull_annotations
    from goldspan.annotation.labelstudio.pull.watch import listen_for_calls, watch_project
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console

    workspace = find_workspace(data)
    schema = load_labels(labels)
    client, chosen = connect(workspace, url, token, project)
    number = int(require_project(client, chosen)["id"])
    hint, stop = threading.Event(), threading.Event()

    def show(report: PullReport) -> None:
        if report.added or report.updated or report.removed or report.conflicts:
            console.say(
                f"{report.added} new, {report.updated} changed, {report.removed} gone, "
                f"{len(report.conflicts)} in conflict; {report.total} in {report.file}"
            )

    with ExitStack() as stack:
        if listen:
            stack.enter_context(listen_for_calls(client, number, hint))
        console.say(f"Watching project {number}; Ctrl-C ends it.")
        watch_project(
            lambda: pull_annotations(client, workspace, schema, PullOptions(number)),
            interval,
            hint=hint,
            stop=stop,
            on_report=show,
            on_error=lambda error: console.warn(str(error)),
        )


def _gather_rules(file: Path | None, rename: Sequence[str], remove: Sequence[str], schema: LabelSchema) -> Rules:
    from goldspan.annotation.errors import ConfigurationError
    from goldspan.annotation.labelstudio.project.relabel import build_rules, load_rules

    if file is not None:
        if rename or remove:
            raise ConfigurationError("Give the rules in a file or as --rename and --remove, not both.")
        return load_rules(file, schema)
    pairs = [pair.partition("=") for pair in rename]
    if broken := [old for old, equals, new in pairs if not (old and equals and new)]:
        raise ConfigurationError(f"--rename wants OLD=NEW, not {broken[0]!r}.")
    return build_rules({old: new for old, _, new in pairs}, {}, remove, schema)
