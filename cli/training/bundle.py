"""`goldspan bundle`: freeze a version of the data and hand it to training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.shared.console import err, fail, out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import HELP, DataOption, JsonOption, LabelsOption

app = typer.Typer(context_settings=HELP)


@app.command()
def bundle(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE…]", help="Default: training_samples in the workspace")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the version; also its folder in bundles/")] = "v1",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Default: bundles/<name> in the workspace")
    ] = None,
    validation: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of the validation split")] = 0.1,
    test: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of the test split")] = 0.1,
    seed: Annotated[int, typer.Option(help="The same seed gives the same split")] = 0,
    threshold: Annotated[float, typer.Option(min=0.1, max=1.0, help="Similarity that makes samples relatives")] = 0.7,
    reviewed_only: Annotated[
        bool | None,
        typer.Option(
            "--reviewed-only/--all", help="Only what a person has reviewed. Default: so without FILE, all with it"
        ),
    ] = None,
    despite_gate: Annotated[bool, typer.Option("--despite-gate", help="Go on though the gate is closed")] = False,
    verify: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Only check a bundle that is there")] = None,
    data: DataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze a version: train, validation and test in kiji's training format, label mappings, a manifest.

    Identical input gives identical bytes. Related samples are never in two splits. Without FILE the gate is asked
    first (exit code 7: closed) and what it judged is bundled: the reviewed samples. With --all, or with files of your
    own, the manifest says that the gate was not asked about them.
    """
    from goldspan.annotation.errors import GateClosedError
    from goldspan.cli.shared.refusals import Refusals
    from goldspan.training.bundle.manifest import BundlePlan
    from goldspan.training.bundle.public import freeze
    from goldspan.training.bundle.report import list_warnings, summarise

    if verify:
        _verify(verify, labels, as_json)
        return
    if reviewed_only is None:
        reviewed_only = not files
    ratios = {"train": 1 - validation - test, "validation": validation, "test": test}
    refusals = Refusals()
    plan = BundlePlan(name, ratios, seed, threshold, reviewed_only)
    try:
        with err.status("Reading, splitting, writing …"):
            frozen = freeze(
                plan,
                files or (),
                labels=load_labels(labels),
                data=data,
                output=output,
                despite_gate=despite_gate,
                on_error=refusals,
            )
    except GateClosedError as error:
        fail(f"The gate is closed; nothing was written. `{error.command}` says what to do; --despite-gate goes on.")
        for reason in error.reasons:
            fail(reason)
        raise typer.Exit(Exit.GATE_CLOSED) from None
    target, manifest = frozen.folder, frozen.manifest
    if as_json:
        print_json({"folder": str(target), "manifest": manifest})
        raise typer.Exit(refusals.exit_code)
    print_table(["split", "samples"], manifest["split"]["sizes"].items(), right=(1,))
    for warning in list_warnings(manifest):
        warn(warning)
    out.print(str(target), markup=False)
    say(summarise(manifest))
    say(f"Data {manifest['data']['fingerprint'][:12]}, split {manifest['split']['fingerprint'][:12]}.")
    raise typer.Exit(refusals.exit_code)


def _verify(folder: Path, labels: Path | None, as_json: bool) -> None:
    from goldspan.training.bundle.report import summarise
    from goldspan.training.bundle.verify import open_bundle

    opened = open_bundle(folder, load_labels(labels))
    if as_json:
        print_json(opened.manifest)
    else:
        say(f"{folder} is what its manifest says: {summarise(opened.manifest)}")
