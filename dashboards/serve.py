"""The dashboard's process: Streamlit, and beside it what the first page will need.

Processes that read samples import this file too, so it imports nothing heavy before it is run.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path

from goldspan.annotation.errors import GoldspanError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.tasks.workspace import find_workspace

_BEFORE_CHARTS = 3.0
"""Seconds that are left to the figures of somebody who looks at once."""


def main() -> None:
    """Serve the dashboard on the port that is the only argument."""
    threading.Thread(target=prepare, daemon=True).start()
    from streamlit.web.cli import main as run_streamlit

    page = str(Path(__file__).with_name("app.py"))
    run_streamlit(["run", page, "--server.address=127.0.0.1", f"--server.port={sys.argv[1]}"], prog_name="streamlit")


def prepare() -> None:
    """Bring the mirror up to date and import what the first page imports.

    A workspace or label schema that is wrong is left for the page to name.
    """
    from goldspan.dashboards.mirror.follow import update_tables

    with suppress(GoldspanError):
        update_tables(find_workspace(None), load_labels())
    import_module("goldspan.dashboards.screens.overview")
    time.sleep(_BEFORE_CHARTS)
    import_module("goldspan.dashboards.charts")


if __name__ == "__main__":
    main()
