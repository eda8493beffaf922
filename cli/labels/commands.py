"""`goldspan labels`: the label schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import build_labels, find_label_file, find_own_label_file, load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.labels import change
from goldspan.cli.labels.map import register
from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption, make_app
from goldspan.cli.shared.outputs import check_output

app = make_app(no_args_is_help=True, help="The label schema: the single source of truth for every label.")


@app.command("list")
def list_labels(labels: LabelsOption = None, as_json: JsonOption = False) -> None:
    """List labels with category, group, identifier kind and coverage target."""
    from dataclasses import asdict

    schema = load_labels(labels)
    if as_json:
        print_json({"fingerprint": schema.fingerprint, "labels": [asdict(label) for label in schema.labels]})
        return
    print_table(
        ["label", "name", "layer", "category", "group", "kind", "validator", "chance", "target"],
        (
            (x.code, x.name, x.layer, x.category, x.group, x.kind, x.validator or None, x.chance, x.target or None)
            for x in schema.labels
        ),
        right=(7, 8),
    )
    say(f"{len(schema.entities)} entity labels, {len(schema.mentions)} kinds of mention, version {schema.fingerprint}")


@app.command("show")
def show_label(
    code: Annotated[str, typer.Argument(metavar="LABEL", help="For example IBAN")],
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one label."""
    from dataclasses import asdict

    label = asdict(load_labels(labels)[code])
    if as_json:
        print_json(label)
    else:
        print_table(["field", "value"], ((k, "; ".join(v) if isinstance(v, tuple) else v) for k, v in label.items()))


@app.command("add")
def add(
    codes: Annotated[
        list[str], typer.Argument(metavar="LABEL", help="Capitals, digits, underscores: MEDICAL_RECORD_NUMBER")
    ],
    name: Annotated[str, typer.Option(help="Display name. Default: the label in words")] = "",
    category: Annotated[str, typer.Option(help="Heading in Label Studio")] = "Other",
    group: Annotated[str, typer.Option(help="Coarse group, such as HEALTH")] = "OTHER",
    kind: Annotated[
        str, typer.Option(help="direct, quasi or none. Default: direct, in a project of purpose entities none")
    ] = "",
    color: Annotated[str, typer.Option(help="#rrggbb, dark enough to read on white")] = "",
    chance: Annotated[float, typer.Option(help="Probability that a generated sample contains it")] = 0.1,
    hint: Annotated[list[str] | None, typer.Option(help="Describes the format; repeatable")] = None,
    validator: Annotated[str, typer.Option(help="Name of a value check")] = "",
    target: Annotated[int, typer.Option(help="Target number of annotated entities")] = 100,
    labels: LabelsOption = None,
) -> None:
    """Add labels to the label schema; Label Studio, prompts and dashboard follow from it.

    A label whose hints hold no number as an example gets `values = "model"`: language models think of its values. Give
    it a pattern or terms in the file instead where you have them.
    """
    from goldspan.annotation.labels.edit import add_label

    if (name or hint) and len(codes) > 1:
        raise InputError("--name and --hint are for one label. Add the others without them, or one by one.")
    path = find_own_label_file(labels)
    identifies = load_labels(path).purpose.is_pii
    fields = {
        "category": category,
        "group": group,
        "kind": kind or ("direct" if identifies else "none"),
        "chance": chance,
        "target": target,
    }
    fields |= {"color": color} if color else {}
    fields |= {"validator": validator} if validator else {}
    for code in codes:
        named = {"name": name or code.replace("_", " ").capitalize()} | fields | {"hints": hint or []}
        add_label(path, code, named | _name_values(code, named))
        say(f"Added {code} to {path}.")
    say("Next: goldspan labels check · goldspan generate start · goldspan studio migrate --plan for existing projects.")


def _name_values(code: str, fields: dict[str, Any]) -> dict[str, str]:
    """Where the values of a new label come from, if neither its code nor its hints tell."""
    from goldspan.generators.surrogates.values import has_value_source

    return {} if has_value_source(build_labels({"labels": {code: fields}})[code]) else {"values": "model"}


@app.command("check")
def check(
    strict: Annotated[bool, typer.Option("--strict", help="Exit code 3 when something is listed")] = False,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the label schema and the project's phrases; every error and warning is listed with its line."""
    from goldspan.annotation.configuration import find_line
    from goldspan.annotation.labels.edit import review_labels
    from goldspan.generators.offline.sentences import check_phrases

    schema, file = load_labels(labels), find_label_file(labels)
    unused = check_phrases(schema)
    text = file.read_text("utf-8-sig")
    tables = {"entity": "labels", "mention": "mentions"}
    findings = [
        {**one._asdict(), "line": find_line(text, f"/{tables[schema[one.label].layer]}/{one.label}")}
        for one in review_labels(schema)
    ]
    if as_json:
        print_json({"fingerprint": schema.fingerprint, "findings": findings, "unused_phrases": unused})
    else:
        for finding in findings:
            warn("{0}:{line}: {label}: {message}".format(file, **finding))
        for message in unused:
            warn(message)
        warnings = format_count(len(findings) + len(unused), "warning")
        say(f"{file}: {format_count(len(schema.labels), 'label')}, {warnings}.")
    raise typer.Exit(Exit.REFUSED_SOME if (findings or unused) and strict else Exit.OK)


_CONFIG_SUFFIXES = {"xml": (".xml",), "bio": (".txt",), "json-schema": (".json",)}


@app.command("config")
def config(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of stdout")] = None,
    what: Annotated[str, typer.Option("--as", help="xml (Label Studio), bio, or json-schema")] = "xml",
    labels: LabelsOption = None,
) -> None:
    """Print what is derived from the label schema: Label Studio config, BIO table, JSON Schema of tasks."""
    import orjson

    from goldspan.annotation.files import write_atomic
    from goldspan.annotation.tasks.codec import load_task_validator

    schema = load_labels(labels)
    if output and what in _CONFIG_SUFFIXES:
        check_output(output, *_CONFIG_SUFFIXES[what], hint="Or choose another --as.")
    if what == "xml":
        from goldspan.annotation.labelstudio.project.config import build_config

        text = build_config(schema)
    elif what == "bio":
        text = "\n".join(schema.bio_table)
    elif what == "json-schema":
        text = orjson.dumps(load_task_validator(schema).schema, option=orjson.OPT_INDENT_2).decode()
    else:
        raise InputError(f"--as {what}: give xml, bio or json-schema.")
    if output:
        write_atomic(output, text.encode() + b"\n")
        say(f"Wrote {output}.")
    else:
        out.print(text)


change.register(app)
register(app)
