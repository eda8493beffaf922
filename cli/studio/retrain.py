"""`goldspan studio retrain`: from new reviews to a verified model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.studio.connection import StudioOptions


@expand_option_groups
def retrain(
    config: Annotated[Path | None, typer.Option(help="Settings of the training (TOML)")] = None,
    *,
    target: StudioOptions,
) -> None:
    """Pull reviews, freeze them if the gate is open, train, and verify the model; print its folder.

    This is what `goldspan serve --train` runs when Label Studio asks for training. Interrupted, it goes on when it is
    run again; without new reviews it trains nothing. Exit code 7: the gate is closed.

    Example: goldspan serve --predictor models/retrain-3 --train-command "goldspan studio retrain --config fast.toml"
    """
    from goldspan.annotation.errors import GateClosedError, GoldspanError
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit
    from goldspan.training.config import read_config
    from goldspan.training.cycle import retrain as run_cycle

    def tell(stage: str, said: str) -> None:
        typer.echo(f"{stage}: {said}")

    try:
        model = run_cycle(
            target.project if target.project_id is None else target.project_id,
            config=read_config(config) if config else None,
            labels_file=target.labels,
            data=target.data,
            url=target.url,
            token=target.token,
            on_stage=tell,
        )
    except GateClosedError as error:
        tell("gate", "closed: " + "; ".join(error.reasons))
        console.fail(str(error))
        raise typer.Exit(Exit.GATE_CLOSED) from None
    except GoldspanError as error:
        tell("failed", str(error))
        raise
    typer.echo(str(model.folder.resolve()))
