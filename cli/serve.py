"""`goldspan serve`: the masking API, the masking page and Label Studio's model backend."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from goldspan.annotation.errors import InputError
from goldspan.cli.shared.console import say, warn
from goldspan.cli.shared.options import DataOption, LabelsOption, make_app
from goldspan.cli.shared.predictors import PREDICTOR_HELP, OptionsOption, parse_options

app = make_app()
TOKEN = "GOLDSPAN_SERVE_TOKEN"  # noqa: S105
MAX_PROCESSES = 4
"""Processes of a method by default: each holds a copy of its model, and its share of the cores as threads."""


@app.command()
def serve(
    predictor: Annotated[
        list[str],
        typer.Option(
            "--predictor", "-p", help=f"{PREDICTOR_HELP}. May be repeated: each is a method, the first the default"
        ),
    ],
    option: OptionsOption = None,
    policy: Annotated[
        str, typer.Option(help="Policy of requests that name none: a preset or a .toml file")
    ] = "pseudonymise",
    ocr: Annotated[
        str, typer.Option(metavar="ENGINE", help="Reads pictures: auto, rapidocr, tesseract, mistral (its server), off")
    ] = "auto",
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than loopback need GOLDSPAN_SERVE_TOKEN")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one")] = 7860,
    allow_host: Annotated[
        list[str] | None, typer.Option("--allow-host", help="Host name that the server answers to beside its address")
    ] = None,
    vault: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Encrypted file of replacements that all requests share")
    ] = None,
    train: Annotated[
        bool,
        typer.Option(
            "--train",
            help="Train when Label Studio asks for it: run `goldspan studio retrain` and serve what it promotes",
        ),
    ] = False,
    train_command: Annotated[
        str,
        typer.Option(help="As --train, with a command of your own; its last line of output names the model to load"),
    ] = "",
    processes: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Processes of each method that runs on this machine; 0: threads of the server. Without it, as many as "
            "cores, at most 4",
        ),
    ] = None,
    concurrent: Annotated[int, typer.Option(min=1, help="Requests at work at a time")] = 32,
    characters: Annotated[int, typer.Option(min=1, help="Characters of a request at most")] = 200_000,
    megabytes: Annotated[int, typer.Option(min=1, help="Size of a file at most")] = 50,
    per_minute: Annotated[int, typer.Option(min=0, help="Requests of one client in a minute; 0: any number")] = 0,
    data: DataOption = None,
    labels: LabelsOption = None,
) -> None:
    """Serve masking over HTTP: API, page and Label Studio's model backend, until Ctrl-C.

    Everything fails closed: an answer with a masked text says `complete: true`, everything else is an error without a
    text. Texts are neither stored nor logged; uploaded files are removed after ten minutes.
    """
    from goldspan.annotation.environment import read_env_file
    from goldspan.annotation.files import suggest_path
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.annotation.tasks.workspace import find_workspace
    from goldspan.evaluation.results.timing import count_cores
    from goldspan.masking.keys import find_key, require_key
    from goldspan.masking.policy import load_policy
    from goldspan.masking.vault import Vault
    from goldspan.predictors.registry import list_options
    from goldspan.serving.app import run_server
    from goldspan.serving.documents.base import make_settings
    from goldspan.serving.host import PredictorHost
    from goldspan.serving.limits import Limits
    from goldspan.serving.sink import make_sample_sink
    from goldspan.serving.state import ServerSettings, ServerState

    schema, workspace = load_labels(labels), find_workspace(data)
    rules = load_policy(policy, schema)
    key = find_key()
    if rules.needs_key:
        require_key(key, f"The policy {rules.name}")
    sources = {Path(name).stem if name.endswith(".toml") or "/" in name else name: name for name in predictor}
    if len(sources) < len(predictor):
        raise InputError("Two predictors have the same name; name each once.")
    for part in (part for name in predictor for part in name.split("+")):
        if not Path(part).exists():
            if "/" not in part:
                list_options(part)
            else:
                warn(f"There is no {part} yet; it is served once it is there.{suggest_path(Path(part))}")
    trainer = None
    if train or train_command:
        from goldspan.cli.trainer import find_served, make_trainer

        trainer = make_trainer(train_command, workspace, predictor[0])
        default = next(iter(sources))
        if (served := find_served(workspace, predictor[0])) != predictor[0]:
            sources[default] = served
            say(f"{default} goes on with {served}, which was trained in an earlier session.")
    settings = ServerSettings(
        policy=policy,
        ocr=make_settings(ocr=ocr).ocr,
        hosts=(
            "127.0.0.1",
            "localhost",
            "[::1]",
            host,
            *(allow_host or ()),
        ),
        token=os.environ.pop(TOKEN, "") or read_env_file(Path(".env")).get(TOKEN, ""),
        limits=Limits(characters=characters, file_bytes=megabytes << 20, concurrent=concurrent, per_minute=per_minute),
        results=workspace.results,
        key=key,
    )
    if processes is None:
        processes = min(MAX_PROCESSES, count_cores())
    opened = Vault(vault, require_key(key, "--vault")) if vault else None
    try:
        state = ServerState(
            PredictorHost(schema, sources, parse_options(option), processes=processes),
            settings,
            vault=opened,
            sink=make_sample_sink(workspace, schema),
            trainer=trainer,
        )
        run_server(state, host, port, lambda url: say(f"Masking page: {url}    Press Ctrl-C to stop it."))
    finally:
        if opened:
            opened.close()
    warn("The server has stopped.")
