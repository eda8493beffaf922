"""`goldspan samples quality`: measure data quality."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.samples.files import FilesArgument
from goldspan.cli.shared.console import print_json, print_table, say
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption
from goldspan.cli.shared.outputs import output_option
from goldspan.cli.shared.sharding import EngineOption, EngineValues, ProcessesOption, ShardCommand, find_shard_command

if TYPE_CHECKING:
    from goldspan.annotation.corpus.quality.measure import QualityReport


def quality(
    files: FilesArgument,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only the checks that are flagged")] = False,
    output: Annotated[Path | None, output_option("With --engine: folder of the counts")] = None,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    workers: ProcessesOption = 1,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure data quality: alignment, values, consistency, diversity, balance.

    Scores lie between 0 and 1, 1 is best. A flag asks for a person's review. With --engine, the checks that compare
    texts with each other see 5,000 samples drawn at random; all others count every sample.
    """
    from goldspan.annotation.corpus.quality.measure import measure_files
    from goldspan.cli.shared.refusals import Refusals

    if command := find_shard_command(files, output, engine, engine_option, workers, labels):
        raise typer.Exit(_measure_shards(command, flagged=flagged, as_json=as_json))
    if output:
        raise InputError("--output is for --engine; the report is printed.")
    refusals = Refusals()
    report = measure_files(files, load_labels(labels), refusals)
    if as_json:
        print_json(report.to_dict())
    else:
        _show_quality(report, flagged=flagged)
    raise typer.Exit(refusals.exit_code)


def _measure_shards(command: ShardCommand, *, flagged: bool, as_json: bool) -> Exit:
    from goldspan.shards.quality import measure_shards

    with command.begin() as work:
        found = measure_shards(work)
    refused = found.summary.counts.get("refused", 0)
    if as_json:
        print_json({**found.report.to_dict(), "drawn": found.drawn, "refused": refused})
    else:
        _show_quality(found.report, flagged=flagged)
        say(f"{found.drawn} samples were drawn for the checks that compare texts → {command.output}")
    return Exit.REFUSED_SOME if refused else Exit.OK


def _show_quality(report: QualityReport, *, flagged: bool) -> None:
    shown = report.flagged if flagged else report.checks
    print_table(
        ["check", "group", "score", "", "finding"],
        ((c.code, c.group, f"{c.score:.3f}", "flag" if c.flag else "", c.summary) for c in shown),
        right=(2,),
    )
    flags = f"{len(report.flagged)} of {len(report.checks)} checks flagged"
    say(f"{format_count(report.samples, 'sample')}, {format_count(report.entities, 'entity')}; {flags}.")
