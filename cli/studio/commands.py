"""`goldspan studio`: run Label Studio, push samples, pull annotations."""

from __future__ import annotations

from collections.abc import Callable

from goldspan.cli.shared.options import make_app
from goldspan.cli.studio.adopt import adopt
from goldspan.cli.studio.connect import connect, disconnect
from goldspan.cli.studio.doctor import doctor
from goldspan.cli.studio.migrate import migrate
from goldspan.cli.studio.pull import pull
from goldspan.cli.studio.push import push
from goldspan.cli.studio.retrain import retrain
from goldspan.cli.studio.server import down, open_page, status, up
from goldspan.cli.studio.watch import watch

app = make_app(
    no_args_is_help=True,
    help=(
        "Label Studio: start it, push samples, pull annotations.\n\n"
        "`up` starts a Label Studio of your own. To use one that runs elsewhere, set LABEL_STUDIO_URL and "
        "LABEL_STUDIO_API_KEY (in the environment or in .env) and leave `up` out."
    ),
)

COMMANDS: tuple[Callable[..., None], ...] = (
    up,
    down,
    status,
    open_page,
    doctor,
    adopt,
    push,
    pull,
    migrate,
    watch,
    connect,
    disconnect,
    retrain,
)

for command in COMMANDS:
    app.command(name=command.__name__.removesuffix("_page"))(command)
