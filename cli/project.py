"""`goldspan init` and `goldspan project`: make a project, and show the one in force."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.cli.shared.console import print_json, print_table, quote, say, warn
from goldspan.cli.shared.options import JsonOption, make_app

app = make_app()
show_app = make_app()


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the project; made if needed")] = Path(),
    template: Annotated[str, typer.Option("--template", "-t", help="pii, support, biomedical, legal or blank")] = "pii",
    name: Annotated[str, typer.Option(help="Name of the project; default: that of the folder")] = "",
    languages: Annotated[str, typer.Option(help="ISO 639-1 codes with commas; default: the template's")] = "",
    nested: Annotated[bool, typer.Option("--nested", help="Also inside another project")] = False,
    as_json: JsonOption = False,
) -> None:
    """Make a folder a project: its own label schema, purpose, workspace and ports.

    Writes goldspan.toml, labels.toml and files of terms; files that are there already are left alone. A workspace from
    before, a folder data/ with samples, becomes the project's.

    Example: goldspan init tickets --template support --languages en,de
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.templates import create_project, find_template

    codes = tuple(code.strip() for code in languages.split(",") if code.strip())
    project = create_project(folder, find_template(template), name=name, languages=codes, nested=nested)
    labels = load_labels(project.labels)
    if as_json:
        print_json({"folder": str(project.folder), "name": project.name, "labels": [x.code for x in labels.entities]})
        return
    say(f"Project {project.name} in {project.folder}: {', '.join(label.code for label in labels.entities)}")
    where = "" if project.folder == Path.cwd() else f"cd {quote(folder)} && "
    say(
        f"Next: {where}edit labels.toml · goldspan labels check · goldspan generate start --samples 20, or "
        "goldspan samples import FILE"
    )


@show_app.command()
def project(as_json: JsonOption = False) -> None:
    """Show the project in force: its file, label schema, workspace and ports."""
    from goldspan.annotation.labels.schema import find_label_file, load_labels
    from goldspan.annotation.project import require_project
    from goldspan.annotation.tasks.workspace import find_workspace

    found = require_project()
    labels = load_labels()
    rows = {
        "name": found.name,
        "folder": str(found.folder),
        "purpose": found.purpose.kind,
        "subject": found.purpose.subject,
        "label schema": str(find_label_file()),
        "labels": len(labels.entities),
        "workspace": str(find_workspace().root),
        "languages": ", ".join(found.languages),
        "document types": ", ".join(found.purpose.document_types),
        "Label Studio project": found.studio_project,
        "Label Studio port": found.studio_port or None,
        "dashboard port": found.dashboard_port or None,
    }
    if as_json:
        print_json(rows)
    else:
        print_table(["", "value"], rows.items())
    for folder in found.parents:
        warn(f"It lies in another project, {folder}; the nearer one counts.")
