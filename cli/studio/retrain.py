"""`goldspan studio retrain`: from new reviews to a model that may serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from goldspan.cli.shared.option_groups import expand_option_groups
from goldspan.cli.studio.connection import StudioOptions


@expand_option_groups
def retrain(
    method: Annotated[
        str, typer.Option(help="A method of `goldspan method list`. Default: crf; with --config, token-classifier")
    ] = "",
    base: Annotated[
        str,
        typer.Option(help="What serves before the first round: names, or a model. Default: the project's"),
    ] = "",
    config: Annotated[Path | None, typer.Option(help="Settings of the training (TOML) for token-classifier")] = None,
    min_test: Annotated[
        int, typer.Option("--min-test", min=1, help="Random reviewed samples that a promotion needs")
    ] = 100,
    *,
    target: StudioOptions,
) -> None:
    """Pull reviews, then do a round of `goldspan loop retrain` if the gate is open; print what serves.

    This is what `goldspan serve --train` runs when Label Studio asks for training. Only a model that passes the paired
    test is printed; after a refusal, and without enough new reviews, the command fails with the reason and the model in
    service stays. Run it again to resume after an interruption. Exit code 7: the gate is closed.

    Example: goldspan serve --predictor regex --train-command "goldspan studio retrain --config fast.toml"
    """
    from goldspan.annotation.errors import GateClosedError, GoldspanError
    from goldspan.annotation.project import find_project
    from goldspan.cli.shared import console
    from goldspan.cli.shared.exits import Exit
    from goldspan.predictors.stacking import name_base
    from goldspan.training.loop.retrain import RetrainSettings
    from goldspan.training.loop.studio import retrain_from_studio

    def tell(stage: str, said: str) -> None:
        typer.echo(f"{stage}: {said}")

    base = base or name_base(find_project())
    is_model = any("/" in part for part in base.split("+"))
    chosen = method or ("token-classifier" if config or is_model else "crf")
    options = {"config": config} if config else {}
    try:
        serving = retrain_from_studio(
            RetrainSettings(chosen, base, options, min_test),
            target.project if target.project_id is None else target.project_id,
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
    typer.echo(serving)
