"""`goldspan samples split`: train, validation and test without leaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.cli.samples.files import FilesArgument, SampleFiles, ThresholdOption
from goldspan.cli.shared.console import out, print_json, print_table, say
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption
from goldspan.cli.shared.outputs import output_option
from goldspan.cli.shared.sharding import EngineOption, EngineValues, ProcessesOption, ShardCommand, find_shard_command

if TYPE_CHECKING:
    from goldspan.annotation.corpus.outline import Outline
    from goldspan.annotation.corpus.splits import SplitReport


def split(
    files: FilesArgument,
    output: Annotated[Path | None, output_option("Write <split>.jsonl here; without it, only report")] = None,
    validation: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of the validation split; 0: none")] = 0.1,
    test: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of the test split")] = 0.1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same split")] = 0,
    threshold: ThresholdOption = 0.7,
    engine: EngineOption = "",
    engine_option: EngineValues = None,
    workers: ProcessesOption = 1,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Split so that related samples stay together and other samples move nothing: by a hash of sample ids.

    The report shows the leakage of this split and of a random one.
    """
    from goldspan.annotation.corpus.splits import report_split, split_samples

    ratios = {"train": 1 - validation - test, "validation": validation, "test": test}
    ratios = {name: ratio for name, ratio in ratios.items() if ratio}
    if command := find_shard_command(files, output, engine, engine_option, workers, labels):
        raise typer.Exit(_split_shards(command, ratios, seed, threshold, as_json=as_json))
    reader = SampleFiles(files, labels)
    outlines = reader.outline()
    if not outlines:
        raise InputError("There is no sample to split: no record can be read. `goldspan samples check` says why.")
    made = split_samples(outlines, ratios, seed=seed, threshold=threshold)
    report = report_split(outlines, made, ratios, seed=seed)
    if output:
        for name in made.names:
            reader.write(output / f"{name}.jsonl", set(made.members(name)))
    if as_json:
        from dataclasses import asdict

        assignment = {o.sample_id: name for o, name in zip(outlines, made.assignment, strict=True)}
        print_json({"report": asdict(report), "assignment": assignment})
    else:
        _show_split(outlines, report)
        say(f"Written to {output}." if output else "Nothing was written; use --output FOLDER.")
    raise typer.Exit(reader.exit_code)


def _split_shards(
    command: ShardCommand, ratios: dict[str, float], seed: int, threshold: float, *, as_json: bool
) -> Exit:
    from goldspan.shards.corpus import split_shards

    with command.begin() as work:
        made, summary = split_shards(work, ratios, seed=seed, threshold=threshold)
    sizes = {name: made.assignment.count(name) for name in made.names}
    if as_json:
        refused = summary.counts.get("refused", 0)
        print_json({"sizes": sizes, "groups": len(set(made.groups)), "refused": refused})
    else:
        total = max(len(made.assignment), 1)
        rows = ((name, size, f"{size / total:.1%}") for name, size in sizes.items())
        print_table(["split", "samples", "share"], rows, right=(1, 2))
        say(f"{len(set(made.groups))} groups of related samples → {command.output}")
    return Exit.REFUSED_SOME if summary.counts.get("refused") else Exit.OK


def _show_split(outlines: list[Outline], report: SplitReport) -> None:
    names = list(report.sizes)
    total = max(len(outlines), 1)
    print_table(
        ["split", "samples", "share"],
        ((name, size, f"{size / total:.1%}") for name, size in report.sizes.items()),
        right=(1, 2),
    )
    codes = sorted({code for counts in report.labels.values() for code in counts})
    print_table(
        ["label", *names],
        ((code, *(report.labels[name].get(code, 0) for name in names)) for code in codes),
        right=tuple(range(1, len(names) + 1)),
    )
    print_table(
        ["language", *names],
        (
            (language or "(none)", *(report.languages[name].get(language, 0) for name in names))
            for language in sorted({k for counts in report.languages.values() for k in counts})
        ),
        right=tuple(range(1, len(names) + 1)),
    )
    print_table(
        ["leakage of held-out samples", "this split", "random split"],
        (
            (title, f"{getattr(report.grouped, name):.1%}", f"{getattr(report.random, name):.1%}")
            for name, title in (
                ("group", "a relative is in train"),
                ("skeleton", "the same skeleton is in train"),
                ("text", "the same text is in train"),
                ("value", "entity values that are in train"),
                ("carrier", "masked sentences that are in train"),
                ("lookup", "entities that a lookup of their sentence solves"),
            )
        ),
        right=(1, 2),
    )
    out.print(f"{report.groups} groups; the largest holds {report.largest_group:.1%} of the samples.")
