from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from goldspan.annotation.errors import StateError
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.migrations import STEPS
from goldspan.generators.journal.raw import RawLog
from goldspan.generators.journal.rows import DECIDED_STATES, RowKey
from goldspan.generators.journal.submissions import (
    list_open_rows,
    list_submissions,
    plan_submission,
    read_submission,
    update_submission,
)
from goldspan.generators.runs.folder import begin_run, find_run, list_runs, open_run
from tests.generators.scripted import LABELS, make_settings


def add(journal: Journal, item: int, stage: str = "draft", attempt: int = 1) -> str:
    custom_id = f"{stage}-{item}-{attempt}-00000000"
    journal.add_row(custom_id, RowKey(item, stage, attempt))
    return custom_id


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "run", create=True, lock=True) as opened:
        yield opened


def test_rows_tell_how_they_ended(journal):
    journal.add_item(0, {"language": "en"}, "draft")
    custom_id = add(journal, 0)
    assert journal.set_submitted([custom_id]) == 1
    row = journal.find_row(custom_id)
    journal.decide_row(replace(row, state="ok", result={"tagged_text": "ä"}, tokens_in=3, tokens_out=4, cost=0.5))
    assert journal.read_results(0) == {"draft": {"tagged_text": "ä"}}
    assert journal.sum_totals() == (3, 4, 0.5)
    assert journal.count_rows() == {("draft", "ok"): 1}
    assert journal.find_row("draft-9-1-00000000") is None


def test_inner_transaction_joins_the_outer_and_falls_with_it(journal):
    def fail_halfway():
        with journal.transaction():
            journal.add_item(0, {}, "draft")
            add(journal, 0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert journal.next_item() == 0
    assert journal.count_rows() == {}


def test_rows_of_a_submission_survive_a_crash_and_others_are_released(journal):
    for item in range(4):
        journal.add_item(item, {}, "draft")
    ids = [add(journal, item) for item in range(4)]
    journal.set_submitted(ids)
    plan_submission(journal, "intent", ids[:2], sha256="f")
    assert journal.release_unclaimed() == 2
    assert list_open_rows(journal, "intent") == ids[:2]
    update_submission(journal, "intent", state="submitted", batch="b1", details={"x": 1})
    assert read_submission(journal, "intent").details == {"x": 1}
    assert [s.batch for s in list_submissions(journal, open_only=True)] == ["b1"]
    update_submission(journal, "intent", state="collected")
    assert list_submissions(journal, open_only=True) == []
    with pytest.raises(ValueError, match="no such submission"):
        update_submission(journal, "intent", nonsense=1)


def test_custom_ids_are_unique(journal):
    journal.add_item(0, {}, "draft")
    add(journal, 0)
    with pytest.raises(sqlite3.IntegrityError):
        add(journal, 0)


def test_newer_journal_is_refused(tmp_path):
    Journal(tmp_path / "run", create=True).close()
    connection = sqlite3.connect(tmp_path / "run" / "journal.db")
    connection.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    connection.close()
    with pytest.raises(StateError, match="newer Goldspan"):
        Journal(tmp_path / "run")


def test_missing_run_and_broken_file_are_named(tmp_path):
    with pytest.raises(StateError, match="There is no run nowhere"):
        Journal(tmp_path / "nowhere")
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "journal.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StateError, match="broken"):
        Journal(folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder_is_named(tmp_path):
    folder = tmp_path / "run"
    Journal(folder, create=True).close()
    folder.chmod(0o500)
    with pytest.raises(StateError, match="cannot be written"):
        Journal(folder, lock=True)
    folder.chmod(0o700)


FULL = """
import resource, signal, sys
from pathlib import Path
from goldspan.annotation.errors import StateError
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import RowKey
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(Path(sys.argv[1]), create=True, lock=True)
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))
try:
    for item in range(100_000):
        with journal.transaction():
            journal.add_item(item, {"text": "x" * 500}, "draft")
            journal.add_row(f"draft-{item}-1-00000000", RowKey(item, "draft", 1))
        print(item, flush=True)
except StateError as error:
    print("refused", error, flush=True)
"""


def test_full_disk_stops_with_a_message_and_everything_committed_stays(tmp_path):
    folder = tmp_path / "run"
    result = subprocess.run([sys.executable, "-c", FULL, str(folder)], capture_output=True, text=True, check=False)
    *committed, last = result.stdout.splitlines()
    assert last.startswith("refused The run cannot be written"), result.stderr
    assert "resume run" in last
    assert committed
    with Journal(folder, lock=True) as journal:
        assert journal.next_item() == int(committed[-1]) + 1
        assert len(journal.list_pending(10**6)) == len(committed)
        journal.add_item(journal.next_item(), {}, "draft")


def test_torn_raw_line_is_closed_before_the_next(tmp_path):
    path = tmp_path / "raw.jsonl"
    path.write_bytes(b'{"whole":1}\n{"torn":')
    log = RawLog(path)
    log.append(b'{"next":2}')
    log.append(b'{"last":3}\n')
    log.close()
    assert path.read_bytes().splitlines() == [b'{"whole":1}', b'{"torn":', b'{"next":2}', b'{"last":3}']


def test_raw_log_on_a_full_disk_says_so(tmp_path):
    code = (
        "import resource, signal, sys; from pathlib import Path; from goldspan.generators.journal.raw import RawLog\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 2000))\n"
        "log = RawLog(Path(sys.argv[1]))\n"
        "try:\n    [log.append(b'x' * 300) for _ in range(9)]\n"
        "except OSError as error:\n    print(type(error).__name__)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "log.append(b'next')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "raw")], capture_output=True, text=True, check=False
    )
    assert result.stdout.strip() == "OSError", result.stderr
    assert (tmp_path / "raw").read_bytes().splitlines()[2:] == [b"x" * 300, b"x" * 97, b"next"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


class JournalMachine(RuleBasedStateMachine):
    """Random lives of rows, with crashes (reopening) at any moment, against a plain dictionary."""

    @initialize()
    def begin(self):
        import tempfile
        from pathlib import Path

        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "run"
        self.journal = Journal(self.path, create=True, lock=True)
        self.model: dict[str, tuple[str, str | None]] = {}
        self.intents = 0

    @rule()
    def add_item(self):
        number = self.journal.next_item()
        self.journal.add_item(number, {"n": number}, "draft")
        self.model[add(self.journal, number)] = ("pending", None)

    def some(self, data, state):
        ids = [custom_id for custom_id, (found, _) in self.model.items() if found == state]
        return data.draw(st.lists(st.sampled_from(ids), unique=True)) if ids else []

    @rule(data=st.data())
    def submit(self, data):
        ids = self.some(data, "pending")
        self.journal.set_submitted(ids)
        self.model |= dict.fromkeys(ids, ("submitted", None))

    @rule(data=st.data())
    def plan(self, data):
        ids = [i for i in self.some(data, "submitted") if self.model[i][1] is None]
        self.intents += 1
        plan_submission(self.journal, f"i{self.intents}", ids)
        self.model |= dict.fromkeys(ids, ("submitted", f"i{self.intents}"))

    @rule(data=st.data())
    def give_back(self, data):
        ids = self.some(data, "submitted")
        assert self.journal.set_pending(ids) == len(ids)
        self.model |= dict.fromkeys(ids, ("pending", None))

    @rule(data=st.data(), state=st.sampled_from(DECIDED_STATES))
    def decide(self, data, state):
        for custom_id in self.some(data, "submitted"):
            self.journal.decide_row(replace(self.journal.find_row(custom_id), state=state))
            self.model[custom_id] = (state, self.model[custom_id][1])

    @rule()
    @precondition(lambda self: self.model)
    def crash(self):
        self.journal.close()
        self.journal = Journal(self.path, lock=True)
        released = self.journal.release_unclaimed()
        lost = [i for i, value in self.model.items() if value == ("submitted", None)]
        assert released == len(lost)
        self.model |= dict.fromkeys(lost, ("pending", None))

    @invariant()
    def agrees(self):
        if not hasattr(self, "model"):
            return
        found = {i: (row.state, row.submission) for i in self.model if (row := self.journal.find_row(i))}
        assert found == self.model
        assert sum(self.journal.count_rows().values()) == len(self.model)
        assert self.journal.count_open()["submitted"] == sum(state == "submitted" for state, _ in self.model.values())

    def teardown(self):
        if hasattr(self, "journal"):
            self.journal.close()
            self.folder.cleanup()


def test_random_lives_of_rows():
    run_state_machine_as_test(JournalMachine, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))


@given(st.dictionaries(st.text(max_size=8), st.one_of(st.integers(), st.text(max_size=20), st.booleans()), max_size=5))
@settings(max_examples=20, deadline=None)
def test_settings_come_back(values):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "run", create=True) as journal:
        try:
            journal.write_settings(values)
        except UnicodeEncodeError:
            return
        assert journal.read_settings() == values


def test_run_on_a_read_only_disk_can_be_looked_at(tmp_path, monkeypatch):
    folder = tmp_path / "run"
    with Journal(folder, create=True) as written:
        written.add_item(0, {"language": "en"}, "draft")
        add(written, 0)
    before = {path.name for path in folder.iterdir()}
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with Journal(folder) as journal:
        assert journal.count_rows() == {("draft", "pending"): 1}
        with pytest.raises(StateError, match="cannot be written"):
            journal.write_settings({"x": 1})
    assert {path.name for path in folder.iterdir()} == before


@pytest.mark.parametrize("damage", ["file", "settings"])
def test_a_damaged_journal_is_named_and_hides_no_other(tmp_path, damage):
    workspace = Workspace(tmp_path)
    for name in ("good", "bad"):
        begin_run(workspace, make_settings(), LABELS, name)
    path = workspace.runs / "bad" / "journal.db"
    if damage == "file":
        path.with_name("journal.db-wal").unlink(missing_ok=True)
        path.write_bytes(b"no database at all " * 200)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE run SET value = 'half a' WHERE key = 'settings'")
    told: list[str] = []
    assert [progress.run for progress in list_runs(workspace, lambda error: told.append(str(error)))] == ["good"]
    assert len(told) == 1
    assert "journal of run bad is damaged" in told[0]
    with pytest.raises(StateError, match=r"Move .* away"):
        open_run(workspace.runs / "bad")


def test_an_empty_journal_was_never_begun(tmp_path):
    workspace = Workspace(tmp_path)
    (workspace.runs / "empty").mkdir(parents=True)
    (workspace.runs / "empty" / "journal.db").touch()
    assert list_runs(workspace) == []
    with pytest.raises(StateError, match="There is no unfinished run"):
        find_run(workspace)


def test_processes_may_open_a_new_journal_at_the_same_moment(tmp_path):
    def open_it(folder):
        barrier.wait()
        with Journal(folder, create=True) as journal:
            return journal.next_item()

    barrier = threading.Barrier(4)
    with ThreadPoolExecutor(4) as pool:
        for number in range(10):
            assert list(pool.map(open_it, [tmp_path / f"run-{number}"] * 4)) == [0] * 4
