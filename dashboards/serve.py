"""The dashboard process: Streamlit behind the access gate, with a thread that prepares the first page.

Standard input carries the access token in its first line and is then held open by the parent: its end stops the
process. Worker processes import this module too, so it imports nothing heavy at module level.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.workspace import find_workspace

_CHART_IMPORT_DELAY = 3.0
"""Seconds to wait before importing charts, so that figures render first."""

_STOP_TIMEOUT = 5.0


def main() -> None:
    """Serve the dashboard on the port given as the only argument, until the parent process ends."""
    port, token = int(sys.argv[1]), sys.stdin.readline().strip()
    if not token:
        raise SystemExit("Start the dashboard with `goldspan dashboard`.")
    threading.Thread(target=stop_with_parent, daemon=True).start()
    threading.Thread(target=warm_up, daemon=True).start()
    from starlette.middleware import Middleware
    from streamlit.starlette import App

    from goldspan.dashboards.access import AccessGate

    page = Path(__file__).with_name("app.py")
    app = App(page, middleware=[Middleware(AccessGate, port=port, token=token)])
    app.run(config={"server.address": "127.0.0.1", "server.port": port})


def stop_with_parent() -> None:
    """Wait for the end of standard input, which the parent holds open; then stop this process."""
    while sys.stdin.buffer.read(1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_TIMEOUT)
    os._exit(1)


def warm_up() -> None:
    """Update the mirror and import what the first page needs.

    Errors in the workspace or label schema are left for the page to report.
    """
    from goldspan.dashboards.mirror.refresh import update_tables

    with suppress(GoldspanError):
        update_tables(find_workspace(None), load_labels())
    import_module("goldspan.dashboards.screens.overview")
    time.sleep(_CHART_IMPORT_DELAY)
    import_module("goldspan.dashboards.charts")


if __name__ == "__main__":
    main()
