"""`goldspan samples dedupe`: find and leave out duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.annotation.wording import format_count
from goldspan.cli.samples.files import FilesArgument, SampleFiles, ThresholdOption
from goldspan.cli.shared.console import print_json, print_table, say
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption
from goldspan.cli.shared.outputs import SAMPLES, output_option
from goldspan.cli.shared.sharding import EngineOption, EngineValues, ProcessesOption, ShardCommand, find_shard_command

if TYPE_CHECKING:
    from goldspan.annotation.corpus.dedupe import Reason


def dedupe(
    files: FilesArgument,
    output: Annotated[
        Path | None, output_option("Write the remaining samples to this file; without it, only report", *SAMPLES)
    ] = None,
    by: Annotated[
        str, typer.Option(help="text: same or nearly the same text; skeleton: also the same template")
    ] = "text",
    threshold: ThresholdOption = 0.7,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    workers: ProcessesOption = 1,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find duplicates: the same or nearly the same text, or the same text apart from its entities.

    Of each set of duplicates, the first reviewed sample stays, else the first.
    """
    from goldspan.annotation.corpus.dedupe import ALL_REASONS, TEXT_REASONS, find_duplicates

    reasons = {"text": TEXT_REASONS, "skeleton": ALL_REASONS}.get(by)
    if reasons is None:
        raise InputError(f"--by is text or skeleton, not {by!r}.")
    if command := find_shard_command(files, output, engine, engine_option, workers, labels):
        raise typer.Exit(_dedupe_shards(command, reasons, threshold, as_json=as_json))
    reader = SampleFiles(files, labels, unique=False)
    outlines = reader.outline()
    found = find_duplicates(outlines, reasons=reasons, threshold=threshold)
    if output:
        reader.write(output, set(found.kept))
    if as_json:
        places = [
            {
                "sample_id": outlines[duplicate.index].sample_id,
                "kept": outlines[duplicate.kept].sample_id,
                "reason": duplicate.reason.value,
                "conflict": duplicate.conflict,
            }
            for duplicate in found.duplicates
        ]
        print_json({"samples": len(outlines), "kept": len(found.kept), "counts": found.counts, "duplicates": places})
    else:
        print_table(["reason", "duplicates"], found.counts.items(), right=(1,))
        say(
            f"{format_count(len(outlines), 'sample')}, {len(found.kept)} unique, "
            f"{format_count(len(found.duplicates), 'duplicate')}"
            + (f"; {found.conflicts} have the same text but different entities." if found.conflicts else ".")
            + (f" Written to {output}." if output else " Nothing was written; use --output FILE.")
        )
    raise typer.Exit(reader.exit_code)


def _dedupe_shards(command: ShardCommand, reasons: Sequence[Reason], threshold: float, *, as_json: bool) -> Exit:
    from goldspan.shards.corpus import dedupe_shards

    with command.begin() as work:
        found, summary = dedupe_shards(work, reasons, threshold)
    samples = len(found.kept) + len(found.duplicates)
    if as_json:
        counts = {"counts": found.counts, "conflicts": found.conflicts, "refused": summary.counts.get("refused", 0)}
        print_json({"samples": samples, "kept": len(found.kept), **counts})
    else:
        print_table(["reason", "duplicates"], found.counts.items(), right=(1,))
        duplicates = format_count(len(found.duplicates), "duplicate")
        say(f"{format_count(samples, 'sample')}, {len(found.kept)} unique, {duplicates} → {command.output}")
    return Exit.REFUSED_SOME if summary.counts.get("refused") else Exit.OK
