"""`goldspan simulate`: a simulated model provider on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.cli.shared.options import LabelsOption, make_app

app = make_app()


@app.command()
def simulate(
    profile: Annotated[
        str, typer.Option(help="Behave as this provider: doubleword, openai, mistral or together")
    ] = "doubleword",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one")] = 8123,
    host: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    faults: Annotated[Path | None, typer.Option(help="Fault plan (TOML): which faults to inject")] = None,
    state: Annotated[Path, typer.Option(help="SQLite file with the provider's state")] = Path("data/simulator.db"),
    latency: Annotated[str, typer.Option(help="Seconds per answer: 0.5, 0.2..1.5 (range), 0.5~0.8 (log-normal)")] = "0",
    window_seconds: Annotated[float | None, typer.Option(help="Length of batch windows in seconds")] = None,
    tuning_seconds: Annotated[float, typer.Option(min=0, help="Length of a fine-tuning job in seconds")] = 10.0,
    idempotent: Annotated[bool, typer.Option(help="Answer a repeated Idempotency-Key again at no cost")] = False,
    input_seconds: Annotated[float | None, typer.Option(help="Lifetime of uploaded files in seconds")] = None,
    labels: LabelsOption = None,
) -> None:
    """Serve chat completions, files, batches and fine-tuning like a provider, answered by the offline author.

    No key and no network are needed; any key is accepted. Nothing is charged: `/_simulate/ledger` on the same address
    gives the list price. Restarted with the same state file, it continues where it was.
    Give it the label schema that the run uses.
    """
    from goldspan.annotation.labels.schema import load_labels
    from goldspan.cli.shared.console import say
    from goldspan.generators.providers.profiles import find_profile
    from goldspan.generators.simulator.faults import FaultPlan, load_plan
    from goldspan.generators.simulator.latency import parse_latency
    from goldspan.generators.simulator.server import run_server
    from goldspan.generators.simulator.state import SimulatorSettings
    from goldspan.predictors.mock_model import build_mock_model

    settings = SimulatorSettings(
        profile=find_profile(profile),
        state=state,
        plan=load_plan(faults) if faults else FaultPlan(),
        latency=parse_latency(latency),
        window_seconds=window_seconds,
        input_seconds=input_seconds,
        tuning_seconds=tuning_seconds,
        idempotent=idempotent,
    )
    ledger = run_server(
        settings,
        host,
        port,
        announce=lambda url: say(f"Simulating {profile} at {url} (state in {state}). Ctrl-C ends it."),
        writer=build_mock_model(load_labels(labels)),
    )
    say(
        f"{ledger['paid_rows']:,} rows answered, {len(ledger['paid_twice'])} of them more than once. "
        f"{profile} would have charged ${ledger['cost']:.4f}."
    )
    if jobs := ledger["jobs"].get("paid"):
        say(f"{jobs} fine-tuning jobs, {len(ledger['jobs']['paid_twice'])} paid twice: ${ledger['jobs']['cost']:.4f}.")
