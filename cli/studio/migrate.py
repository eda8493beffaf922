"""`goldspan studio migrate`: a project follows a changed label schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.shared.options import JsonOption
from goldspan.cli.studio.connection import StudioOptions, connect, make_plain, show_progress

if TYPE_CHECKING:
    from goldspan.annotation.labels.schema import LabelSchema
    from goldspan.annotation.labelstudio.project.relabel import RelabelRules


@expand_option_groups
def migrate(
    apply: Annotated[bool, typer.Option("--apply/--plan", help="Apply the migration, or only show it")] = False,
    rules: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML with [rename], [split.LABEL] and [remove]")
    ] = None,
    rename: Annotated[
        list[str] | None, typer.Option(metavar="OLD=NEW", help="Rename a label; two OLD to one NEW merge. Repeatable")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="LABEL", help="Delete the regions of a label. Repeatable")
    ] = None,
    *,
    target: StudioOptions,
    as_json: JsonOption = False,
) -> None:
    """Migrate a project to the label schema: rewrite annotations and predictions, then the labelling config.

    A label in use is never dropped without a rule. A backup and a report are written to studio/backups.
    It can be interrupted and run again. Exit code 1 with --plan when a label in use has no rule.

    Example: goldspan studio migrate --rename TOWN=CITY --plan
    """
    from goldspan.annotation.labelstudio.project.migrate import apply_migration, plan_migration
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit

    studio = connect(target)
    chosen_rules = _gather_rules(rules, rename or (), remove or (), studio.labels)
    with show_progress() as progress:
        if apply:
            report = apply_migration(
                studio.client, studio.workspace, studio.project, studio.labels, chosen_rules, progress
            )
            plan, outcome = report.plan, make_plain(asdict(report))
        else:
            plan = plan_migration(studio.client, studio.project, studio.labels, chosen_rules, progress)
            outcome = asdict(plan)
    if as_json:
        console.print_json(outcome)
    elif plan.up_to_date:
        console.say("The project has the label schema's config; there is nothing to do.")
    else:
        rows: list[tuple[str, str, int | None]] = [("add", entry, None) for entry in plan.added]
        rows += [("remove", label, plan.uses.get(label, 0)) for label in plan.retired]
        console.print_table((f"Project {plan.project} {plan.title}", "label", "in use"), rows, right=(2,))
        done = "were rewritten" if apply else "would be rewritten"
        console.say(f"{plan.results} annotations and predictions of {plan.tasks} tasks {done}.")
        if apply:
            console.say(f"Backup and report: {outcome['backup']}")
    if plan.missing:
        console.warn(f"In use and without a rule: {', '.join(plan.missing)}. Give --rename, --remove or --rules.")
        raise typer.Exit(Exit.FAILED)


def _gather_rules(file: Path | None, rename: Sequence[str], remove: Sequence[str], schema: LabelSchema) -> RelabelRules:
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
