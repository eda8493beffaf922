from __future__ import annotations

import contextlib
import sqlite3

import pytest

from goldspan.annotation.errors import StateError
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.simulator.database import lock_state, open_database
from goldspan.generators.simulator.state import SimulatorSettings, SimulatorState


def open_state(path, profile="openai"):
    return contextlib.closing(SimulatorState(SimulatorSettings(find_profile(profile), path)))


def test_a_second_server_on_one_state_file_is_refused_until_the_first_ends(tmp_path):
    path = tmp_path / "p.db"
    with open_state(path), pytest.raises(StateError, match=r"Another .*p\.db.*--state"), open_state(path):
        pass
    with open_state(path):
        pass


def test_another_name_of_the_file_is_the_same_file(tmp_path):
    (tmp_path / "p.db").touch()
    (tmp_path / "other.db").symlink_to(tmp_path / "p.db")
    with open_state(tmp_path / "p.db"), pytest.raises(StateError, match="Another"):
        lock_state(tmp_path / "other.db")


def test_a_state_of_another_profile_is_refused_with_both_names(tmp_path):
    path = tmp_path / "p.db"
    with open_state(path, "openai"):
        pass
    with pytest.raises(StateError, match=r"p\.db was made with --profile openai, not doubleword"):
        SimulatorState(SimulatorSettings(find_profile("doubleword"), path))
    with open_state(path, "openai"):
        pass


def test_a_state_from_before_profiles_were_kept_is_taken_as_it_is(tmp_path):
    path = tmp_path / "p.db"
    with open_state(path, "openai") as state:
        state.database.execute("INSERT INTO reply VALUES ('key', 'body')")
        state.database.execute("DROP TABLE setting")
    for profile in ("doubleword", "openai"):
        with open_state(path, profile) as state:
            assert state.database.execute("SELECT count(*) FROM reply").fetchone()[0] == 1


def test_a_file_that_is_not_sqlite_is_refused_and_kept(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, though long enough to be read as one")
    before = path.read_bytes()
    with pytest.raises(StateError, match=r"notes\.txt cannot be used.*--state"), open_state(path):
        pass
    assert path.read_bytes() == before


def test_the_database_of_another_program_is_refused_and_kept(tmp_path):
    path = tmp_path / "o.db"
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE row(id)")
        database.execute("CREATE TABLE customer(id)")
    before = path.read_bytes()
    with pytest.raises(StateError, match="another program"):
        open_database(path, "openai")
    assert path.read_bytes() == before


def test_a_newer_state_is_refused(tmp_path):
    path = tmp_path / "p.db"
    with open_state(path) as state:
        state.database.execute("PRAGMA user_version = 99")
    with pytest.raises(StateError, match="newer goldspan"):
        open_database(path, "openai")


def test_a_state_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "taken.files").touch()
    for path, words in (
        (tmp_path / "file" / "p.db", "is a file"),
        (tmp_path, "is a folder"),
        (tmp_path / "taken.db", r"taken\.files cannot be made"),
    ):
        with pytest.raises(StateError, match=words):
            SimulatorState(SimulatorSettings(find_profile("openai"), path))
