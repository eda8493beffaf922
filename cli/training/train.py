"""`goldspan train`: from a frozen bundle to a signed model directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from goldspan.cli.shared.console import err, out, print_json, print_table, quote, say, warn
from goldspan.cli.shared.options import DataOption, JsonOption, LabelsOption, NewDataOption, RunGroup, make_app
from goldspan.cli.training.model import print_evaluations

app = make_app(
    cls=RunGroup, help="Train a model. `goldspan train [BUNDLE] [OPTIONS]` is short for `goldspan train run`."
)


@app.command("run")
def run(
    bundle: Annotated[
        Path | None, typer.Argument(metavar="BUNDLE", help="A folder, or a name in bundles/. Default: the newest")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Settings (TOML); see docs/guide/training.md")] = None,
    name: Annotated[str, typer.Option(help="Name of the run and the model. Default: the next number")] = "",
    encoder: Annotated[str | None, typer.Option(help="An encoder by name, folder or Hub id")] = None,
    tokens: Annotated[int | None, typer.Option(min=1, help="Token budget")] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs instead of a token budget")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides every random choice")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or mps")] = None,
    threads: Annotated[int | None, typer.Option(min=0, help="CPU threads; 0: as many as torch likes")] = None,
    external: Annotated[
        list[Path] | None, typer.Option(help="A file of gold from elsewhere to evaluate on; repeatable")
    ] = None,
    flow_option: Annotated[
        list[str] | None, typer.Option(help="An option of Metaflow, such as --with=kubernetes; repeatable")
    ] = None,
    pack: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only write the inputs for `python training/flow.py run`")
    ] = None,
    data: NewDataOption = None,
    labels: LabelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train on a bundle, evaluate, quantise and sign. The model directory is models/<name> in the workspace.

    `goldspan train resume` resumes an interrupted run.
    """
    from dataclasses import replace

    from goldspan.annotation.labels.schema import find_label_file
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.config import TrainingConfig, override, parse_config, read_config
    from goldspan.training.inputs import choose_bundle
    from goldspan.training.launch import pack_run, train

    settings = override(
        read_config(config) if config else TrainingConfig(),
        encoder=encoder,
        token_budget=tokens,
        num_epochs=epochs,
        seed=seed,
        device=device,
        threads=threads,
    )
    if external:
        files = tuple(str(path) for path in external)
        settings = replace(settings, evaluation=replace(settings.evaluation, external=files))
    settings = parse_config(settings.to_json(), "The command line")
    workspace = find_workspace(data)
    if pack:
        chosen = choose_bundle(bundle, settings, workspace, find_label_file(labels), pack.parent)
        if chosen is not None:
            pack_run(chosen, settings, find_label_file(labels), workspace, pack)
            say(f"The inputs are in {pack}.")
        return
    model = train(
        bundle,
        settings,
        name=name,
        labels_file=labels,
        data=data,
        flow_options=flow_option or (),
        on_line=_ignore if as_json else _report,
    )
    _show_model(model, as_json)


@app.command("resume")
def resume(
    name: Annotated[str, typer.Argument(metavar="RUN", help="Default: the newest unfinished run")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Continue an interrupted or failed run from its last finished step and its newest checkpoint."""
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.launch import resume_training

    model = resume_training(name, workspace=find_workspace(data), report=_ignore if as_json else _report)
    _show_model(model, as_json)


@app.command("status")
def status(
    name: Annotated[str, typer.Argument(metavar="RUN", help="Default: the newest run")] = "",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the step and the progress of a run."""
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.runs import find_run

    found = find_run(find_workspace(data), name)
    state, progress = {**found.read_state(), "status": found.read_status()}, found.read_progress()
    if as_json:
        print_json({"run": found.name, **state, "progress": progress})
        return
    print_table(["", found.name], ((key, state[key]) for key in ("status", "step", "bundle", "encoder", "output")))
    if progress:
        print_table(
            ["tokens", "of", "loss", "strict F1"],
            ((f"{p['tokens']:,}", f"{p['total']:,}", f"{p['loss']:.3f}", f"{p['f1']:.3f}") for p in progress),
            right=(0, 1, 2, 3),
        )


@app.command("list")
def list_all(data: DataOption = None, as_json: JsonOption = False) -> None:
    """List the training runs of the workspace, the newest last."""
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.training.runs import list_runs

    runs = list_runs(find_workspace(data))
    found = [{"run": run.name, **run.read_state(), "status": run.read_status()} for run in runs]
    if as_json:
        print_json(found)
        return
    columns = ("run", "status", "step", "encoder", "bundle", "f1", "created_at")
    rows = ([f"{s['f1']:.3f}" if c == "f1" and "f1" in s else s.get(c) for c in columns] for s in found)
    print_table(columns, rows, right=(5,))


def _report(line: str) -> None:
    err.print(line)


def _ignore(line: str) -> None:
    del line


def _show_model(model: Any, as_json: bool) -> None:
    if as_json:
        print_json({"folder": str(model.folder), "run": model.run, "manifest": model.manifest})
        return
    print_evaluations(model.rows)
    out.print(str(model.folder))
    _warn_of_baselines(model.rows)
    say(f"Use it with: goldspan annotate FILE --predictor {quote(model.folder)}")


def _warn_of_baselines(rows: Any) -> None:
    """Say where something that needs no training is ahead of the model joined with the patterns."""
    for row in rows:
        own = next((r for r in rows if r["gold"] == row["gold"] and r["system"] == "regex+model"), None)
        if own and row["system"] in ("regex+rampart", "previous") and own["f1"] < row["f1"]:
            ahead, behind = f"{row['f1']:.3f}", f"{own['f1']:.3f}"
            warn(f"On {row['gold']} {row['system']} is ahead: strict F1 {ahead}, regex+model {behind}.")
