"""`goldspan samples`: texts with their annotations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.evaluate.audit import audit
from goldspan.cli.samples import importing, mixing, saturation
from goldspan.cli.samples.dedupe import dedupe
from goldspan.cli.samples.export import export
from goldspan.cli.samples.files import NO_SAMPLES, FilesArgument
from goldspan.cli.samples.quality import quality
from goldspan.cli.samples.split import split
from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption, make_app
from goldspan.cli.shared.outputs import output_option
from goldspan.cli.shared.refusals import Refusals
from goldspan.cli.shared.sharding import EngineOption, EngineValues, ProcessesOption, find_shard_command

app = make_app(
    no_args_is_help=True, help="Texts with their annotations. FILE may be .jsonl, .json or a folder of them."
)
importing.register(app)


@app.command("check")
def check(
    files: FilesArgument,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as errors")] = False,
    details: Annotated[bool, typer.Option("--details", help="One line per issue, without any text")] = False,
    output: Annotated[Path | None, output_option("With --engine: where its reports go")] = None,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    workers: ProcessesOption = 1,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every sample: structure, labels, spans, repeats, checksums, clusters, relations.

    Exit code 3 when a record is refused or has an error (with --strict: or a warning).
    """
    from goldspan.annotation.corpus.inspection import inspect_files

    if command := find_shard_command(files, output, engine, engine_option, workers, labels):
        if strict or details:
            raise InputError(f"{'--strict' if strict else '--details'} does not go with --engine.")
        raise typer.Exit(command.run("check", {}, as_json=as_json))
    if output:
        raise InputError("--output is for --engine; the report is printed.")
    report = inspect_files(files, load_labels(labels), None if as_json else Refusals())
    if as_json:
        print_json(report.to_dict())
    else:
        if details:
            for place, issue in report.details:
                out.print(f"{place} {issue.severity} {issue.code}: {issue.message}")
        print_table(["code", "severity", "issues", "meaning"], report.rows(), right=(2,))
        found = f"{format_count(report.errors, 'error')}, {format_count(report.warnings, 'warning')}"
        say(f"{format_count(report.samples, 'sample')}, {report.refused} refused, {found}.")
    if not report.samples:
        warn(NO_SAMPLES)
        raise typer.Exit(Exit.FAILED)
    bad = report.refused or report.errors or (strict and report.warnings)
    raise typer.Exit(Exit.REFUSED_SOME if bad else Exit.OK)


@app.command("show")
def show(
    files: FilesArgument,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many samples")] = 3,
    sample_id: Annotated[str, typer.Option("--id", help="Only the sample with this id (or its beginning)")] = "",
    tagged: Annotated[bool, typer.Option("--tagged", help="Tagged text instead of colours")] = False,
    labels: LabelsOption = None,
) -> None:
    """Print samples with highlighted entities. This shows the texts."""
    from goldspan.annotation.tasks.store import read_samples
    from goldspan.cli.shared.highlight import render_sample

    schema = load_labels(labels)
    refusals = Refusals()
    shown = 0
    for sample in read_samples(files, schema, refusals, tolerant=True):
        if sample.sample_id.startswith(sample_id):
            out.print(render_sample(sample, schema, tagged=tagged))
            shown += 1
        if shown == number:
            break
    if not shown:
        raise InputError(f"No sample has an id beginning with {sample_id}." if sample_id else NO_SAMPLES)
    raise typer.Exit(refusals.exit_code)


@app.command("stats")
def stats(files: FilesArgument, labels: LabelsOption = None, as_json: JsonOption = False) -> None:
    """Count samples, entities by label and language, clusters, lengths and document types."""
    from goldspan.annotation.corpus.statistics import count_samples
    from goldspan.annotation.tasks.store import read_samples

    schema = load_labels(labels)
    refusals = Refusals()
    counts = count_samples(read_samples(files, schema, refusals, tolerant=True))
    if not counts.samples:
        raise InputError(NO_SAMPLES)
    if as_json:
        print_json(counts.to_dict())
        raise typer.Exit(refusals.exit_code)
    languages = sorted(counts.languages)
    targets: dict[str, int | str] = {label.code: label.target for label in schema.entities}
    targets |= dict.fromkeys(sorted(counts.entities.keys() - targets.keys()), "unknown label")
    print_table(
        ["label", "entities", "target", *languages],
        (
            (
                code,
                counts.entities.get(code, 0),
                target,
                *(counts.by_language.get((code, language), 0) for language in languages),
            )
            for code, target in targets.items()
        ),
        right=tuple(range(1, 3 + len(languages))),
    )
    spoken = ", ".join(f"{name} {number}" for name, number in counts.languages.most_common())
    say(
        f"{format_count(counts.samples, 'sample')} ({spoken}); "
        f"{counts.predicted} pre-annotated, {counts.reviewed} reviewed; {counts.clusters} clusters; "
        f"{counts.without_entities} without entities; {counts.characters} characters."
    )
    raise typer.Exit(refusals.exit_code)


for command in (quality, dedupe, split, export, audit):
    app.command()(command)
mixing.register(app)
saturation.register(app)
