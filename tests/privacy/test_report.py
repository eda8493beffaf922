from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from goldspan import judge
from goldspan.annotation.errors import ConfigurationError, InputError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.privacy.erase import erase_person, find_person
from goldspan.privacy.expire import expire_raw
from goldspan.privacy.report import render_report, report_privacy
from tests.privacy.canary import FIRST, NAME, fill_workspace


@pytest.fixture
def workspace(tmp_path: Path, labels: LabelSchema) -> Workspace:
    (tmp_path / "goldspan.toml").write_text('name = "letters"\ndata = "data"\n[privacy]\nraw_answers_days = 30\n')
    return fill_workspace(tmp_path / "data", labels)


def test_a_misspelled_workspace_is_no_empty_one(tmp_path: Path) -> None:
    (tmp_path / "tickets").mkdir()
    wrong = tmp_path / "tikets"
    calls: list[Callable[[], object]] = [
        lambda: find_person(NAME, data=wrong),
        lambda: erase_person(NAME, data=wrong),
        lambda: expire_raw(wrong, days=1),
        lambda: report_privacy(wrong),
        lambda: judge(data=wrong),
    ]
    for call in calls:
        with pytest.raises(InputError, match=r"There is no folder .*tikets; data takes .* Did you mean .*tickets?"):
            call()
    assert not wrong.exists()


def test_the_report_names_every_place_and_no_text(workspace: Workspace) -> None:
    (workspace.root / "mine.txt").write_text("x")
    erase_person(NAME, data=workspace.root)
    report = report_privacy(workspace.root)
    stores = {store["store"]: store for store in report["stores"]}
    assert {"samples", "gold", "runs", "bundles", "training runs", "results", "backups", "unknown"} <= stores.keys()
    assert report["retention"] == {"raw_answers_days": 30}
    assert [notice["name"] for notice in report["withdrawn_bundles"]] == ["v1"]
    rendered = render_report(report)
    assert all(f"| {name} |" in rendered for name in stores)
    assert "30 days" in rendered
    assert FIRST not in rendered + str(report)


def test_a_file_that_others_can_read_is_counted(workspace: Workspace) -> None:
    gold = workspace.training_samples / "gold.jsonl"
    for path in (gold, *gold.parents):
        if path.is_relative_to(workspace.root):
            path.chmod(0o755)
    [store] = [store for store in report_privacy(workspace.root)["stores"] if store["store"] == "gold"]
    reachable = all(parent.stat().st_mode & 0o001 for parent in gold.absolute().parents)
    assert (store["exposed"] > 0) == reachable
    assert store["widest_mode"] == "0755"


def test_raw_answers_expire_and_costs_stay(workspace: Workspace) -> None:
    run = workspace.runs / "paid"
    old = time.time() - 40 * 86400
    raw = run / "raw" / "live.jsonl"
    os.utime(raw, (old, old))
    assert expire_raw(workspace.root) == []
    erase_person(NAME, data=workspace.root)
    os.utime(raw, (old, old))
    assert [(entry.place, entry.age) for entry in expire_raw(workspace.root, dry_run=True)] == [
        ("runs/paid/raw/live.jsonl", 40)
    ]
    assert raw.exists()
    assert len(expire_raw(workspace.root)) == 1
    assert not raw.exists()
    assert (run / "journal.db").exists()


def test_without_days_nothing_expires(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="raw_answers_days"):
        expire_raw(tmp_path)
