"""`goldspan loop`: retrain on new reviews behind a guarded door, and simulate what a loop saves."""

from __future__ import annotations

from goldspan.cli.loop.retrain import retrain, status
from goldspan.cli.loop.simulate import simulate
from goldspan.cli.shared.options import make_app

app = make_app(
    no_args_is_help=True, help="Retrain on new reviews, promote what is better, queue what is next; and simulate it."
)
app.command("retrain")(retrain)
app.command("status")(status)
app.command("simulate")(simulate)
