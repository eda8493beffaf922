"""`goldspan labels map`: mappings of external labels."""

from __future__ import annotations

from typing import Annotated

import typer

from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.options import JsonOption, LabelsOption


def register(app: typer.Typer) -> None:
    """Add the command to the group `labels`."""
    app.command("map")(map_labels)


def map_labels(
    taxonomy: Annotated[str, typer.Argument(metavar="TAXONOMY", help="kiji, ai4privacy-200k …; none: list them")] = "",
    label: Annotated[str, typer.Argument(metavar="LABEL", help="One external label, as written in the data set")] = "",
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show how a data set's labels map onto the label schema."""
    from dataclasses import asdict

    from goldspan.annotation.labels.taxonomy import check_taxonomy, list_taxonomies, load_taxonomy

    schema = load_labels(labels)
    if not taxonomy:
        known = [load_taxonomy(name) for name in list_taxonomies()]
        if as_json:
            print_json([{"name": t.name, "title": t.title, "covered": list(t.list_covered(schema))} for t in known])
            return
        rows = (
            (t.name, t.title, len(t.targets), f"{len(t.list_covered(schema))}/{len(schema.entities)}") for t in known
        )
        print_table(["taxonomy", "data set", "labels", "covered"], rows, right=(2, 3))
        return
    chosen = load_taxonomy(taxonomy)
    targets = [chosen.resolve(label)] if label else list(chosen.targets.values())
    problems = check_taxonomy(chosen, schema)
    if as_json:
        print_json({"name": chosen.name, "labels": [asdict(target) for target in targets], "problems": problems})
        return
    print_table(
        ["external", "label", "group", "lossy"],
        ((t.external, t.label or None, t.group, "lossy" if t.lossy else "") for t in targets),
    )
    for problem in problems:
        warn(problem)
    if not label:
        missing = [entity.code for entity in schema.entities if entity.code not in chosen.list_covered(schema)]
        out.print(f"Boundaries: {chosen.boundaries}")
        for note in chosen.notes:
            out.print(f"Note: {note}")
        say(f"Labels not covered: {', '.join(missing) or 'none'}.")
