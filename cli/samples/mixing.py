"""`goldspan samples mix, noise`: training sets from sources, and texts as typing, speaking or scanning leaves them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from goldspan.annotation.errors import UnknownNameError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.wording import format_count
from goldspan.cli.samples.files import FilesArgument
from goldspan.cli.shared.console import print_json, print_table, say
from goldspan.cli.shared.options import JsonOption, LabelsOption
from goldspan.cli.shared.outputs import SAMPLES, ForceOption, output_option, refuse_existing
from goldspan.cli.shared.refusals import Refusals

if TYPE_CHECKING:
    from goldspan.annotation.types import Sample

OutputOption = Annotated[Path, output_option("File to write (JSONL)", *SAMPLES)]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `samples`."""
    app.command("mix")(mix)
    app.command("noise")(noise)


def mix(
    plan: Annotated[Path, typer.Argument(metavar="MIX.toml", help="Sources with their shares")],
    output: OutputOption,
    force: ForceOption = False,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mix a training set from sources with shares; each sample keeps its source, licence and attribution.

    A source without files is written by the offline author. Which samples are taken depends on the seed and their ids.
    """
    from dataclasses import asdict

    from goldspan.generators.mixing.mix import mix_files
    from goldspan.generators.mixing.plan import load_mix

    refuse_existing(output, force=force)
    refusals = Refusals()
    report = mix_files(load_mix(plan), output, load_labels(labels), refusals)
    if as_json:
        print_json(asdict(report) | {"output": str(output), "refused": len(refusals.errors)})
    else:
        print_table(
            ["source", "samples", "share", "of", "terms"],
            (
                (
                    name,
                    count,
                    f"{count / max(report.samples, 1):.1%}",
                    report.available.get(name, "–"),
                    report.terms.get(name, ""),
                )
                for name, count in report.taken.items()
            ),
            right=(1, 2, 3),
        )
        repeats = f"; {report.repeated} repeat a text of an earlier source and were left out" if report.repeated else ""
        say(f"{format_count(report.samples, 'sample')} written to {output}{repeats}.")
    raise typer.Exit(refusals.exit_code)


def noise(
    files: FilesArgument,
    output: OutputOption,
    kind: Annotated[
        str,
        typer.Option(
            help="typed, hasty, scanned, spoken, capitals, emphatic, headline, quoted; html, json, csv, log, email"
        ),
    ] = "typed",
    inside: Annotated[
        list[str] | None,
        typer.Option(metavar="LABEL", help="Change values of this label too; repeatable; `names`: all without a check"),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same noise")] = 0,
    force: ForceOption = False,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add noise to annotated texts: typing, scanning, speech, quoting, or a wrapper. Offsets stay exact.

    Values keep every character unless --inside names their label; html, json and csv also escape values without a
    check. The results are samples of their own, kept in one
    split with the ones they were made from.
    """
    from goldspan.annotation.tasks.store import read_samples, write_samples
    from goldspan.generators.mixing.mix import add_sample_noise
    from goldspan.generators.noise.apply import REGISTERS, find_changeable
    from goldspan.generators.surrogates.chance import make_random

    schema = load_labels(labels)
    if kind not in REGISTERS:
        raise UnknownNameError("kind of noise", kind, REGISTERS)
    changed: set[str] = set()
    for name in inside or ():
        if name != "names" and name not in schema.entity_codes:
            raise UnknownNameError("label", name, schema.entity_codes)
        changed |= find_changeable(schema) if name == "names" else {name}
    refuse_existing(output, force=force)
    refusals, bare = Refusals(), 0

    def iter_noisy() -> Iterator[Sample]:
        nonlocal bare
        for sample in read_samples(files, schema, refusals):
            if sample.best:
                yield add_sample_noise(sample, make_random(seed, 0, "noise", sample.sample_id), kind, schema, changed)
            else:
                bare += 1

    count = write_samples(output, iter_noisy(), schema, refusals)
    if as_json:
        report = {"samples": count, "without_annotation": bare, "kind": kind, "output": str(output)}
        print_json(report | {"refused": len(refusals.errors)})
    else:
        left_out = f" {bare} without an annotation were left out." if bare else ""
        say(f"{format_count(count, 'sample')} written to {output}.{left_out}")
    raise typer.Exit(refusals.exit_code)
