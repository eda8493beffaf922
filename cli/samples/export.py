"""`goldspan samples export`: samples as files of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.wording import format_count
from goldspan.cli.samples.files import FilesArgument, SampleFiles
from goldspan.cli.shared.console import print_json, print_table, say
from goldspan.cli.shared.options import JsonOption, LabelsOption
from goldspan.cli.shared.outputs import check_output
from goldspan.cli.shared.sharding import EngineOption, EngineValues, ProcessesOption, find_shard_command


def _show_formats(wanted: bool) -> None:
    if not wanted:
        return
    from goldspan.annotation.formats.registry import FORMATS

    print_table(["format", "content"], ((entry.name, entry.description) for entry in FORMATS.values()))
    raise typer.Exit


FormatsOption = Annotated[
    bool,
    typer.Option("--list-formats", help="List the formats that are written", is_eager=True, callback=_show_formats),
]


def export(
    files: FilesArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write; a folder for brat, kiji, webanno-tsv, uima-cas")
    ],
    format: Annotated[
        str,
        typer.Option(
            "--format", "-f", help="Name of a format of --list-formats. Default: what --output ends in, else jsonl"
        ),
    ] = "",
    list_formats: FormatsOption = False,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    workers: ProcessesOption = 1,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Export the best annotation of each sample to another format, and report what it cannot represent."""
    from dataclasses import asdict

    from goldspan.annotation.formats.registry import export_samples, get_format

    if command := find_shard_command(files, output, engine, engine_option, workers, labels):
        raise typer.Exit(command.run("export", {"format": format or "jsonl"}, as_json=as_json))
    format = format or _choose_format(output)
    if suffix := get_format(format).suffix:
        check_output(output, suffix, hint="Or choose another --format.")
    reader = SampleFiles(files, labels)
    report = export_samples(format, output, reader.read(), reader.labels, reader.refuse)
    if as_json:
        print_json(asdict(report) | {"output": str(output), "refused": reader.refused})
    else:
        say(f"{format_count(report.samples, 'sample')} written to {output}.")
        for line in report.explain():
            say(f"Lost: {line}")
    raise typer.Exit(reader.exit_code)


def _choose_format(output: Path) -> str:
    from goldspan.annotation.formats.registry import FORMATS

    found = [name for name, one in FORMATS.items() if one.suffix and one.suffix == output.suffix.lower()]
    if len(found) > 1 and "jsonl" not in found:
        raise InputError(f"{output}: several formats end in {output.suffix}. Give --format: {', '.join(found)}.")
    return found[0] if len(found) == 1 else "jsonl"
