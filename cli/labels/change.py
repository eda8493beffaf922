"""`goldspan labels rename|split|remove|edit`: change labels of the project, and everything that carries them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError, StateError
from goldspan.annotation.labels.schema import find_own_label_file, load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.shared.console import print_json, print_table, say, warn
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from goldspan.annotation.labelstudio.project.relabel import RelabelRules
    from goldspan.annotation.labelstudio.rename import LabelChange
    from goldspan.annotation.tasks.workspace import Workspace
    from goldspan.training.relabel.effects import Effect
    from goldspan.training.relabel.public import ProjectChangePlan

ApplyOption = Annotated[bool, typer.Option("--apply", help="Carry it out; without it only the plan is shown")]
StudioOption = Annotated[
    bool | None,
    typer.Option(
        "--studio/--no-studio",
        help="Migrate the Label Studio project too. Default: if samples were pushed from this workspace",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to `goldspan labels`."""
    app.command()(rename)
    app.command()(split)
    app.command()(remove)
    app.command()(edit)


def rename(
    old: Annotated[str, typer.Argument(metavar="OLD")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
    merge: Annotated[bool, typer.Option("--merge", help="NEW exists already: make one label of both")] = False,
    apply: ApplyOption = False,
    studio: StudioOption = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rename a label everywhere: label schema, samples, Label Studio project, runs, results and bundles.

    Can be interrupted and run again; a backup is kept. A bundle stays as it is and gets a successor with the new label
    and the same split. With --merge, results stay as they were measured.

    Example: goldspan labels rename ORDER_ID ORDER_NUMBER --apply
    """
    from goldspan.annotation.labelstudio.project.relabel import RelabelRules
    from goldspan.annotation.labelstudio.rename import LabelChange

    change = LabelChange(f"rename {old} {new}", RelabelRules({old: new}), {} if merge else {new: old})
    schema = load_labels(labels)
    if old not in schema and new not in schema:
        schema[old]
    if old == new:
        raise InputError(f"{old} and {new} are the same label.")
    if merge:
        _require_layer(schema, old, new)
    elif new in schema and old in schema and not _is_pending(data, change):
        raise InputError(f"The label schema has {new} already. --merge makes one label of both.")
    _run(change, labels, data, studio=studio, apply=apply, as_json=as_json)


def split(
    old: Annotated[str, typer.Argument(metavar="OLD")],
    rules: Annotated[
        list[str],
        typer.Argument(metavar="NEW=PATTERN", help="The first pattern found in a value decides; NEW= takes the rest"),
    ],
    apply: ApplyOption = False,
    studio: StudioOption = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split a label by rules into labels of the schema (add them first), and remove it.

    Values that no pattern is found in must go somewhere: end with NEW=.

    Example: goldspan labels split NAME 'COMPANY=(GmbH|Ltd)' PERSON= --apply
    """
    from goldspan.annotation.labelstudio.project.relabel import OTHERWISE, build_rules
    from goldspan.annotation.labelstudio.rename import LabelChange

    schema = load_labels(labels)
    patterns: dict[str, str] = {}
    for rule in rules:
        new, sign, pattern = rule.partition("=")
        if not sign:
            raise InputError(f"A rule is NEW=PATTERN, not {rule!r}.")
        patterns |= {OTHERWISE: new} if not pattern else {new: pattern}
    if OTHERWISE not in patterns:
        raise InputError("Say where values go that no pattern is found in: end with NEW=, without a pattern.")
    change = LabelChange(f"split {old} {' '.join(rules)}", build_rules({}, {old: patterns}, (), schema))
    _require_known(schema, old, data, change)
    _run(change, labels, data, studio=studio, apply=apply, as_json=as_json)


def remove(
    code: Annotated[str, typer.Argument(metavar="LABEL")],
    apply: ApplyOption = False,
    studio: StudioOption = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove a label from the label schema, and its entities from all samples and the Label Studio project."""
    from goldspan.annotation.labelstudio.project.relabel import RelabelRules
    from goldspan.annotation.labelstudio.rename import LabelChange

    change = LabelChange(f"remove {code}", RelabelRules(remove=frozenset({code})))
    _require_known(load_labels(labels), code, data, change)
    _run(change, labels, data, studio=studio, apply=apply, as_json=as_json)


def edit(
    code: Annotated[str, typer.Argument(metavar="LABEL")],
    fields: Annotated[
        list[str], typer.Argument(metavar="FIELD=VALUE", help="name='Order number' target=200; FIELD= removes it")
    ],
    labels: LabelsOption = None,
) -> None:
    """Set fields of a label; the rest of the file stays as it is.

    Example: goldspan labels edit ORDER_ID 'pattern=ORD-[0-9]{6}' values=pattern
    """
    from goldspan.annotation.labels.edit import edit_label

    values: dict[str, Any] = {}
    for entry in fields:
        name, sign, value = entry.partition("=")
        if not sign:
            raise InputError(f"A field is set with FIELD=VALUE, not {entry!r}.")
        values[name] = _read_value(name, value)
    path = find_own_label_file(labels)
    edit_label(path, code, values)
    say(f"Changed {code} in {path}.")


def _read_value(name: str, value: str) -> Any:
    """A number, true or false, or a JSON list where it is one; text otherwise; None for nothing."""
    if not value:
        return None
    if name in {"chance", "target", "ignore_case"} or value.startswith("["):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise InputError(f'{name} takes a number, true, false or a list such as ["a"], not {value!r}.') from None
    return value


def _require_known(schema: Any, code: str, data: Path | None, change: LabelChange) -> None:
    if code not in schema and not _is_pending(data, change):
        schema[code]


def _require_layer(schema: Any, old: str, new: str) -> None:
    target = schema[new]
    if old in schema and schema[old].layer != target.layer:
        raise InputError(f"{old} and {new} belong to different layers, entities and mentions; they cannot be merged.")


def _is_pending(data: Path | None, change: LabelChange) -> bool:
    from goldspan.annotation.labelstudio.rename import plan_change
    from goldspan.annotation.tasks.workspace import find_workspace

    return plan_change(find_workspace(data), change).pending


def _run(
    change: LabelChange, labels: Path | None, data: Path | None, *, studio: bool | None, apply: bool, as_json: bool
) -> None:
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.relabel.public import change_labels, plan_label_change

    workspace, file = find_workspace(data), find_own_label_file(labels)
    if studio is None:
        studio = (workspace.root / "pushed").is_dir()
    unfinished = _list_unfinished_runs(workspace)
    if not apply:
        plan = plan_label_change(workspace, file, change)
        _show_plan(change, plan, file, unfinished, studio=studio, as_json=as_json)
        return
    if unfinished:
        raise StateError(
            f"These runs are not finished and could not go on with other labels: {', '.join(unfinished)}. "
            "Finish them with `goldspan generate resume`, or cancel them with `goldspan generate cancel`."
        )
    migrate = _prepare_migration(workspace, file, change.rules) if studio else None
    done = change_labels(workspace, file, change, migrate)
    samples = done.plan.samples
    others = [effect for effect in done.plan.effects if effect.path.parent != workspace.bundles]
    effects = [*done.bundles, *others]
    if as_json:
        print_json(
            {
                "changed": str(file),
                "files": len(samples.files),
                "uses": samples.uses,
                "effects": _list_effects(effects),
                "backup": str(done.backup),
            }
        )
        return
    say(f"Done: {change.summary}. {format_count(len(samples.files), 'file')} rewritten; backup in {done.backup}.")
    for effect in effects:
        say(f"{effect.path}: {effect.effect.rstrip('.')}.")
    for path in _list_mentions(file, change):
        warn(f"{path} names {' or '.join(change.retired)}; it is yours to edit.")
    say("Models that were trained before predict the old labels. Next: goldspan labels check")


def _list_effects(effects: Iterable[Effect]) -> list[dict[str, Any]]:
    return [{"path": str(one.path), "effect": one.effect, "changes": one.changes} for one in effects]


def _list_mentions(file: Path, change: LabelChange) -> list[Path]:
    """TOML files of the project that still name a retired label, as policies and predictors do."""
    words = re.compile("|".join(rf"(?<![A-Z0-9_]){re.escape(label)}(?![A-Z0-9_])" for label in change.retired))
    folder = file.resolve().parent
    found = [path for pattern in ("*.toml", "*/*.toml") for path in sorted(folder.glob(pattern)) if path != file]
    return [path for path in found if words.search(path.read_text(encoding="utf-8", errors="replace"))]


def _show_plan(
    change: LabelChange,
    plan: ProjectChangePlan,
    file: Path,
    unfinished: list[str],
    *,
    studio: bool,
    as_json: bool,
) -> None:
    if as_json:
        files = {str(entry.file): dict(entry.uses) for entry in plan.samples.files}
        print_json(
            {
                "change": change.summary,
                "files": files,
                "effects": _list_effects(plan.effects),
                "studio": studio,
                "unfinished_runs": unfinished,
            }
        )
        return
    rows = [(entry.file, sum(entry.uses.values())) for entry in plan.samples.files]
    print_table(("file", "regions"), [*rows, (file, None)], title=change.summary, right=(1,))
    for effect in plan.effects:
        say(f"{effect.path}: {effect.effect}.")
    say("The Label Studio project would be migrated too." if studio else "Label Studio would not be touched.")
    for run in unfinished:
        warn(f"The run {run} is not finished and could not go on with other labels.")
    if plan.samples.pending:
        warn("This change was interrupted before; --apply finishes it.")
    say("Nothing was changed. --apply carries it out.")


def _list_unfinished_runs(workspace: Workspace) -> list[str]:
    from goldspan.generators.runs.folder import list_runs

    return [progress.run for progress in list_runs(workspace) if progress.state in {"unfinished", "waiting"}]


def _prepare_migration(workspace: Workspace, file: Path, rules: RelabelRules) -> Callable[[], object]:
    """The migration of the Label Studio project; fails at once if Label Studio cannot be reached."""
    from dataclasses import replace

    from goldspan.annotation.labelstudio.project.access import connect
    from goldspan.annotation.labelstudio.project.find import require_project
    from goldspan.annotation.labelstudio.project.migrate import apply_migration

    client, project = connect(workspace)
    number = require_project(client, project)["id"]

    def migrate() -> object:
        schema = load_labels(file)
        final = replace(schema, labels=tuple(label for label in schema.labels if label.code not in rules.sources))
        return apply_migration(client, workspace, number, final, rules)

    return migrate
