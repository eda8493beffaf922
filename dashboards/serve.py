"""The dashboard process: Streamlit, with a thread that prepares the first page.

Worker processes import this module too, so it imports nothing heavy at module level.
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

_CHART_IMPORT_DELAY = 3.0
"""Seconds to wait before importing charts, so that figures render first."""


def main() -> None:
    """Serve the dashboard on the port given as the only argument."""
    threading.Thread(target=warm_up, daemon=True).start()
    from streamlit.web.cli import main as run_streamlit

    page = str(Path(__file__).with_name("app.py"))
    run_streamlit(["run", page, "--server.address=127.0.0.1", f"--server.port={sys.argv[1]}"], prog_name="streamlit")


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
