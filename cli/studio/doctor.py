"""`goldspan studio doctor`: check the connection and the project."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.shared.options import JsonOption
from goldspan.cli.studio.connection import StudioOptions

if TYPE_CHECKING:
    from goldspan.annotation.labelstudio.project.doctor import Diagnosis


@expand_option_groups
def doctor(
    quick: Annotated[bool, typer.Option(help="Skip the regions: about six times as fast")] = False,
    fix: Annotated[
        bool, typer.Option("--fix", "--mend", help="Show the pre-annotations again if the project hides them")
    ] = False,
    *,
    target: StudioOptions,
    as_json: JsonOption = False,
) -> None:
    """Check server, token, project and tasks; name each problem and the command that fixes it.

    Finds a server that is down, a refused token, a labelling config that is not the label schema's,
    hidden pre-annotations, duplicate samples, missing or changed texts, unusable regions, a project or database that is
    too small for its tasks. Exit code 1 if anything is an error.

    Example: goldspan studio doctor --quick
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.labelstudio.project.access import find_title
    from goldspan.annotation.labelstudio.project.doctor import diagnose
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit

    workspace = find_workspace(target.data)
    with console.err.status("Checking Label Studio") as status:
        diagnosis = diagnose(
            workspace,
            load_labels(target.labels) if target.labels else None,
            url=target.url,
            token=target.token,
            project=target.project if target.project_id is None else target.project_id,
            fallback=find_title(workspace),
            quick=quick,
            fix=fix,
            advance=lambda done, total: status.update(f"Checking tasks: {done:,} of {total:,}"),
        )
    if as_json:
        findings = [asdict(finding) for finding in diagnosis.findings]
        console.print_json({"url": diagnosis.url, "project": diagnosis.project, "findings": findings})
    else:
        _show_findings(diagnosis)
    if diagnosis.has_errors:
        raise typer.Exit(Exit.FAILED)


def _show_findings(diagnosis: Diagnosis) -> None:
    from rich.text import Text

    from goldspan.cli.shared import console

    colours = {"ok": "green", "warning": "yellow", "error": "bold red"}
    for finding in diagnosis.findings:
        severity = f"{finding.severity:8}", colours[finding.severity]
        console.out.print(Text.assemble(severity, finding.message))
        if finding.command:
            purpose = "see" if finding.command.startswith("goldspan studio open") else "fix"
            console.out.print(f"        {purpose}: {finding.command}")
