"""`goldspan samples dedupe, split, quality, export`: data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.shared.console import out, print_json, print_table, say
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption
from goldspan.cli.shared.outputs import SAMPLES, check_output, output_option
from goldspan.cli.shared.sharding import (
    EngineOption,
    EngineValues,
    ProcessesOption,
    ShardCommand,
    read_shard_command,
)

if TYPE_CHECKING:
    from goldspan.annotation.corpus.dedupe import Reason
    from goldspan.annotation.corpus.outline import Outline
    from goldspan.annotation.corpus.quality.measure import QualityReport
    from goldspan.annotation.corpus.splits import SplitReport

Files = Annotated[list[Path], typer.Argument(metavar="FILE", help="JSONL, JSON, or a folder of them")]
ThresholdOption = Annotated[
    float, typer.Option(min=0.1, max=1.0, help="Jaccard similarity of word trigrams for near-duplicates")
]


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


def register(app: typer.Typer) -> None:
    """Add the commands to the group `samples`."""
    app.command("dedupe")(dedupe)
    app.command("split")(split)
    app.command("quality")(quality)
    app.command("export")(export)


def dedupe(
    files: Files,
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
    if engine:
        command = read_shard_command(files, output, engine, engine_option, workers, labels)
        raise typer.Exit(_dedupe_shards(command, reasons, threshold, as_json=as_json))
    reader = _Reader(files, labels, unique=False)
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
            f"{len(outlines)} samples, {len(found.kept)} unique, {len(found.duplicates)} duplicates"
            + (f"; {found.conflicts} have the same text but different entities." if found.conflicts else ".")
            + (f" Written to {output}." if output else " Nothing was written; use --output FILE.")
        )
    raise typer.Exit(reader.exit_code)


def split(
    files: Files,
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
    if engine:
        command = read_shard_command(files, output, engine, engine_option, workers, labels)
        raise typer.Exit(_split_shards(command, ratios, seed, threshold, as_json=as_json))
    reader = _Reader(files, labels)
    outlines = reader.outline()
    if not outlines:
        raise InputError("There is no sample to split.")
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


def quality(
    files: Files,
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

    if engine:
        command = read_shard_command(files, output, engine, engine_option, workers, labels)
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


def export(
    files: Files,
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

    if engine:
        command = read_shard_command(files, output, engine, engine_option, workers, labels)
        raise typer.Exit(command.run("export", {"format": format or "jsonl"}, as_json=as_json))
    format = format or _choose_format(output)
    if suffix := get_format(format).suffix:
        check_output(output, suffix, hint="Or choose another --format.")
    reader = _Reader(files, labels)
    report = export_samples(format, output, reader.read(), reader.labels, reader.refuse)
    if as_json:
        print_json(asdict(report) | {"output": str(output), "refused": reader.refused})
    else:
        say(f"{report.samples} samples written to {output}.")
        for line in report.explain():
            say(f"Lost: {line}")
    raise typer.Exit(reader.exit_code)


def _choose_format(output: Path) -> str:
    from goldspan.annotation.formats.registry import FORMATS

    found = [name for name, one in FORMATS.items() if one.suffix and one.suffix == output.suffix.lower()]
    if len(found) > 1 and "jsonl" not in found:
        raise InputError(f"{output}: several formats end in {output.suffix}. Give --format: {', '.join(found)}.")
    return found[0] if len(found) == 1 else "jsonl"


def _show_quality(report: QualityReport, *, flagged: bool) -> None:
    shown = report.flagged if flagged else report.checks
    print_table(
        ["check", "group", "score", "", "finding"],
        ((c.code, c.group, f"{c.score:.3f}", "flag" if c.flag else "", c.summary) for c in shown),
        right=(2,),
    )
    flags = f"{len(report.flagged)} of {len(report.checks)} checks flagged"
    say(f"{report.samples} samples, {report.entities} entities; {flags}.")


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
        say(f"{samples} samples, {len(found.kept)} unique, {len(found.duplicates)} duplicates → {command.output}")
    return Exit.REFUSED_SOME if summary.counts.get("refused") else Exit.OK


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


class _Reader:
    """Reads the same files as often as needed; refused records are named the first time."""

    def __init__(self, files: list[Path], labels: Path | None, *, unique: bool = True) -> None:
        from goldspan.cli.shared.refusals import Refusals

        self.labels = load_labels(labels)
        self._files, self._unique = files, unique
        self._refusals = Refusals()

    @property
    def refused(self) -> int:
        return len(self._refusals.errors)

    @property
    def exit_code(self) -> Exit:
        return self._refusals.exit_code

    def refuse(self, error: RecordError) -> None:
        """Name a record that is left out."""
        self._refusals(error)

    def read(self) -> Any:
        from goldspan.annotation.tasks.store import read_samples

        return read_samples(self._files, self.labels, self._refusals, unique=self._unique)

    def outline(self) -> list[Outline]:
        from goldspan.annotation.corpus.outline import outline_samples

        return outline_samples(self.read(), self.labels)

    def write(self, path: Path, numbers: set[int]) -> None:
        """Write the samples with these numbers, counted over the good records."""
        from goldspan.annotation.tasks.store import read_samples, write_samples

        again = read_samples(self._files, self.labels, lambda error: None, unique=self._unique)
        chosen = (sample for number, sample in enumerate(again) if number in numbers)
        write_samples(path, chosen, self.labels, self._refusals)


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
    out.print(f"{report.groups} groups; the largest holds {report.largest_group:.1%} of the samples.", markup=False)
