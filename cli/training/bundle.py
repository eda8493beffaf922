"""`goldspan bundle`: freeze a version of the data and hand it to training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.labels.schema import load_labels
from goldspan.cli.shared.console import err, fail, out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import JsonOption, LabelsOption, NewDataOption, make_app
from goldspan.cli.shared.outputs import output_option

app = make_app()


@app.command()
def bundle(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="FILE", help="Default: training_samples in the workspace")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the version; also its folder in bundles/")] = "v1",
    output: Annotated[Path | None, output_option("Default: bundles/<name> in the workspace")] = None,
    validation: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of the validation split")] = 0.1,
    test: Annotated[float, typer.Option(min=0.01, max=0.5, help="Share of the test split")] = 0.1,
    seed: Annotated[int, typer.Option(help="Seed of the split")] = 0,
    extend: Annotated[
        str, typer.Option(metavar="NAME", help="An earlier bundle whose split is kept, also one made without a ledger")
    ] = "",
    threshold: Annotated[
        float, typer.Option(min=0.1, max=1.0, help="Similarity from which samples count as related")
    ] = 0.7,
    reviewed_only: Annotated[
        bool | None,
        typer.Option(
            "--reviewed-only/--all", help="Only reviewed samples. Default: reviewed only without FILE, all with FILE"
        ),
    ] = None,
    audited_only: Annotated[
        bool, typer.Option("--audited-only", help="Only samples that the audit ledger calls settled")
    ] = False,
    despite_gate: Annotated[
        bool, typer.Option("--despite-gate", help="Write the bundle even if the gate is closed")
    ] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Write each split as Parquet too")] = False,
    sign: Annotated[bool, typer.Option("--sign", help="Sign it with keys/signing.pem of the workspace")] = False,
    verify: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Only verify an existing bundle")] = None,
    data: NewDataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Freeze a dataset version: train, validation and test splits in kiji's format, label mappings and a manifest.

    Identical input gives identical bytes (of Parquet: with one version of pyarrow). Related samples are never in two
    splits, and the project's split ledger keeps every sample of an earlier version where it was: what was once held out
    never returns to train. Without FILE the gate is checked first (exit code 7: closed) and the reviewed samples that
    it judged are bundled. With --all, or with FILE, the manifest says that the gate was not checked.
    """
    from goldspan.annotation.errors import GateClosedError
    from goldspan.cli.shared.refusals import Refusals
    from goldspan.training.bundle.manifest import BundleSettings
    from goldspan.training.bundle.public import freeze
    from goldspan.training.bundle.report import list_warnings, summarise

    if verify:
        _verify(verify, labels, as_json)
        return
    if reviewed_only is None:
        reviewed_only = not files
    ratios = {"train": 1 - validation - test, "validation": validation, "test": test}
    refusals = Refusals()
    plan = BundleSettings(name, ratios, seed, threshold, reviewed_only, audited_only, parquet)
    try:
        with err.status("Reading, splitting, writing …"):
            frozen = freeze(
                plan,
                files or (),
                labels_file=labels,
                data=data,
                output=output,
                extends=extend,
                despite_gate=despite_gate,
                on_error=refusals,
            )
    except GateClosedError as error:
        fail("The gate is closed; nothing was written.")
        say(f"`{error.command}` shows how to fix it; --despite-gate ignores it.")
        say("Samples that nobody reviewed are bundled by name: goldspan bundle FOLDER")
        for reason in error.reasons:
            fail(reason)
        raise typer.Exit(Exit.GATE_CLOSED) from None
    target, manifest = frozen.folder, frozen.manifest
    if sign:
        from goldspan.annotation.tasks.workspace import find_workspace
        from goldspan.training.bundle.signature import sign_bundle

        say(f"Signed with the key {sign_bundle(target, find_workspace(data).root)}.")
    if as_json:
        print_json({"folder": str(target), "manifest": manifest})
        raise typer.Exit(refusals.exit_code)
    print_table(["split", "samples"], manifest["split"]["sizes"].items(), right=(1,))
    for warning in list_warnings(manifest):
        warn(warning)
    out.print(str(target))
    say(summarise(manifest))
    say(f"Data {manifest['data']['fingerprint'][:12]}, split {manifest['split']['fingerprint'][:12]}.")
    raise typer.Exit(refusals.exit_code)


def _verify(folder: Path, labels: Path | None, as_json: bool) -> None:
    from goldspan.training.bundle.report import summarise
    from goldspan.training.bundle.signature import verify_signature
    from goldspan.training.bundle.verify import open_bundle

    opened, signature = open_bundle(folder, load_labels(labels)), verify_signature(folder)
    if as_json:
        print_json(opened.manifest)
        return
    say(f"{folder} matches its manifest: {summarise(opened.manifest)}")
    if signature.signed:
        say(f"Signed with the key {signature.fingerprint}.")
