"""Runs hold texts: their files are the owner's alone, and links in their place are refused."""

from __future__ import annotations

import contextlib
import os
import stat

import pytest

from goldspan.annotation.errors import StateError
from goldspan.generators.journal.journal import Journal


def test_whatever_the_umask_the_files_of_a_run_are_private(tmp_path):
    before = os.umask(0)
    try:
        with Journal(tmp_path / "run", create=True, lock=True) as journal:
            journal.write_settings({"a": 1})
            journal.open_raw("live").append(b"{}")
    finally:
        os.umask(before)
    for name in ("journal.db", "driver", "raw/live.jsonl"):
        assert stat.S_IMODE((tmp_path / "run" / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["journal.db", "driver", "raw/live.jsonl", "lock"])
def test_links_are_never_written_through(tmp_path, name):
    target = tmp_path / "precious"
    target.write_bytes(b"kept")
    place = tmp_path / "run" / name
    place.parent.mkdir(parents=True)
    place.symlink_to(target)
    with contextlib.suppress(StateError), Journal(tmp_path / "run", create=True, lock=True) as journal:
        journal.open_raw("live").append(b"{}")
    assert target.read_bytes() == b"kept"
