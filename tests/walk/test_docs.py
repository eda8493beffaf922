"""Every command and every Python block of the documentation runs; blocks marked `not run` say why."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = [
    ROOT / "README.md",
    *(ROOT / "docs" / name for name in ("python-api.md", "scaling.md")),
    *sorted((ROOT / "docs" / "guide").glob("*.md")),
]
BLOCK = re.compile(r"(<!-- not run: [^>]+-->\n)?```(?:bash|sh)\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"(<!-- not run: [^>]+-->\n)?```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def list_blocks(page: Path) -> list[str]:
    return [script for skipped, script in BLOCK.findall(page.read_text("utf-8")) if not skipped]


@pytest.mark.walk
@pytest.mark.parametrize("page", [page for page in PAGES if list_blocks(page)], ids=lambda page: page.name)
def test_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + "\n".join(list_blocks(page))
    programs = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GOLDSPAN_", "LABEL_"))}
    environment |= {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    log = tmp_path / "log"
    with log.open("wb") as stream:
        done = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, stdout=stream,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            status = done.wait(timeout=900)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(done.pid, signal.SIGKILL)
    assert status == 0, log.read_text("utf-8")[-4000:]


def list_programs(page: Path) -> list[str]:
    return [program for skipped, program in PYTHON.findall(page.read_text("utf-8")) if not skipped]


@pytest.mark.parametrize("page", [page for page in PAGES if list_programs(page)], ids=lambda page: page.name)
def test_python_of_a_page_runs(page: Path, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("GOLDSPAN_", "LABEL_"))}
    program = "\n".join(list_programs(page))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_python_pages_hold_programs() -> None:
    assert len(list_programs(ROOT / "docs" / "python-api.md")) > 12


ALL_PAGES = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md")),
             *sorted((ROOT / "docs" / "adr").glob("*.md"))]  # fmt: skip


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"
