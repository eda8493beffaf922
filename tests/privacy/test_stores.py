"""Stores with rules of their own: vaults, results, tasks that hold a person in strings within strings."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
from pathlib import Path

import orjson
import pytest

from goldspan.annotation.labelstudio.api.credentials import StudioAccount, save_account
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.tombstones import Tombstones
from goldspan.masking.keys import MaskingKey, parse_key
from goldspan.masking.ledger import LedgerEntry
from goldspan.masking.vault import Vault
from goldspan.privacy.erase import erase_person, find_person
from goldspan.privacy.registry import list_unknown
from goldspan.privacy.stores import derived
from goldspan.privacy.stores.shards import list_runs
from goldspan.privacy.subject import Subject, make_term
from goldspan.shards.plan import list_shards, make_plan, open_output
from goldspan.shards.report import PLAN
from goldspan.shards.tasks.registry import open_task
from goldspan.shards.work import run_shard
from goldspan.training.runs import create_run

NAME = "Zanzibarine Quüxley"
KEY = "02" * 32


@pytest.mark.parametrize(
    "value",
    [
        {"data": {"text": f"Dear {NAME},"}},
        {"data": {"provenance": json.dumps({"note": json.dumps({"by": NAME})})}},
        {"choices": [{"message": {"content": json.dumps({"tagged_text": "<A>Zanzibarine</A> <B>QUÜXLEY</B>"})}}]},
        ["x", {"deep": [{"deeper": f"{NAME}s"}]}],
        {"documents": {NAME: 1}},
    ],
)
def test_a_person_is_found_in_any_json(value: object) -> None:
    subject = make_term(NAME, Tombstones())
    assert subject.holds(value)
    for data in (orjson.dumps(value), json.dumps(value).encode(), json.dumps(json.dumps(value)).encode()):
        assert subject.holds_bytes(data)
        assert subject.holds_line(data)


@pytest.mark.parametrize(
    "value",
    [
        {"annotations": [{"completed_by": {"email": "zanzibarine.quuxley@x.org"}}]},
        {"data": {"text": "Zanzibarine and Quüxley"}},
        {"values": ["Zanzibarine", "Quüxley"]},
        {"n": 3, "empty": None},
    ],
)
def test_what_is_not_about_the_person_is_not_found(value: object) -> None:
    assert not make_term(NAME, Tombstones()).holds(value)


def test_a_short_id_means_a_sample_only_where_ids_stand() -> None:
    subject = Subject((), Tombstones(), {"7"})
    assert subject.holds({"data": {"text": "x", "sample_id": "7"}})
    assert not subject.holds({"data": {"text": "7", "sample_id": "8"}, "annotations": [{"id": "7", "result": ["7"]}]})
    assert not subject.holds_bytes(b'{"id": "7"}')


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GOLDSPAN_MASKING_KEY", KEY)
    path = tmp_path / "data" / "people.vault"
    with Vault(path, parse_key(KEY)) as opened:
        for number, (first, last) in enumerate([("Zanzibarine", "Quüxley"), ("Ann", "Lee"), ("Ann", "Quüxley")], 1):
            person = f"person|{first.lower()}|{last.lower()}"
            opened.add(LedgerEntry("number", "FIRSTNAME", person, first, f"[FIRSTNAME_{number}]"))
            opened.add(LedgerEntry("fake", "SURNAME", person, last, f"Smith{number}"))
            opened.commit()
    return path


def list_vault(path: Path, key: MaskingKey) -> list[LedgerEntry]:
    with Vault(path, key) as opened:
        return opened.list_entries()


def test_a_vault_forgets_a_person_and_never_gives_the_number_again(vault: Path) -> None:
    assert [hit.records for hit in find_person(NAME, data=vault.parent).hits if hit.store == "masking vaults"] == [2]
    erase_person(NAME, data=vault.parent)
    entries = list_vault(vault, parse_key(KEY))
    assert [entry.value for entry in entries] == ["", "Ann", "Lee", "Ann", "Quüxley"]
    with Vault(vault, parse_key(KEY)) as opened:
        assert opened.find_original("[FIRSTNAME_1]") is None
        assert opened.find_original("[FIRSTNAME_2]") == "Ann"
        assert opened.choose_number("FIRSTNAME", "person|new|one") == 4
        opened.add(LedgerEntry("number", "FIRSTNAME", "person|new|one", "New", "[FIRSTNAME_4]"))
        opened.commit()
    assert len(list_vault(vault, parse_key(KEY))) == 6


def test_a_vault_without_its_key_is_named(vault: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GOLDSPAN_MASKING_KEY")
    monkeypatch.chdir(tmp_path)
    [hit] = find_person(NAME, data=vault.parent).hits
    assert (hit.remains, "GOLDSPAN_MASKING_KEY" in hit.action) == (True, True)


def test_results_keep_their_figures_without_the_ids(tmp_path: Path) -> None:
    data = tmp_path / "data"
    name = "ann-canary-letter"
    (data / "results").mkdir(parents=True)
    (data / "training_samples").mkdir()
    task = {"data": {"text": f"{NAME} wrote this letter to us.", "sample_id": name}}
    (data / "training_samples" / "g.jsonl").write_bytes(orjson.dumps(task) + b"\n")
    result = {"documents": {"sample_id": ["a", name], "tp": [1, 2]}, "errors": [{"sample_id": name, "kind": "missed"}]}
    (data / "results" / "e.json").write_bytes(orjson.dumps(result))
    erase_person(NAME, data=data)
    left = orjson.loads((data / "results" / "e.json").read_bytes())
    pseudonym = left["documents"]["sample_id"][1]
    assert pseudonym.startswith("erased-")
    assert left["errors"] == [{"sample_id": pseudonym, "kind": "missed"}]
    assert left["documents"]["tp"] == [1, 2]


@pytest.mark.parametrize("size", [-1, -20])
def test_inputs_of_a_training_run_that_a_kill_left_half_written_are_deleted(tmp_path: Path, size: int) -> None:
    run = create_run(Workspace(tmp_path / "data"), b"", {})
    packed = gzip.compress(f"{NAME} of Berlin. ".encode() + os.urandom(300))
    (left := run.folder / ".inputs.tar.gz.abc.tmp").write_bytes(packed[:size])
    assert [hit.store for hit in find_person(NAME, data=tmp_path / "data").hits] == ["training runs"]
    erase_person(NAME, data=tmp_path / "data")
    assert not left.exists()


def test_tasks_of_a_server_that_does_not_run_are_found(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "data")
    save_account(workspace, StudioAccount("http://127.0.0.1:1", "o@x.org", "p", "t"))
    (workspace.studio / "data").mkdir()
    with sqlite3.connect(workspace.studio / "data" / "label_studio.sqlite3") as tables:
        tables.execute("CREATE TABLE task (id INTEGER, data TEXT)")
        tables.execute("CREATE TABLE task_completion (task_id INTEGER, result TEXT)")
        tables.execute("CREATE TABLE prediction (task_id INTEGER, result TEXT)")
        tables.execute("CREATE TABLE tasks_annotationdraft (task_id INTEGER, result TEXT)")
        tables.execute("INSERT INTO task VALUES (1, ?), (2, '{}')", (json.dumps({"text": NAME}),))
        note = [{"type": "textarea", "value": {"text": [f"ask {NAME}"]}}]
        tables.execute("INSERT INTO task_completion VALUES (2, ?)", (json.dumps(note),))
    [hit] = find_person(NAME, data=workspace.root).hits
    assert (hit.store, hit.records) == ("Label Studio", 2)


def test_folders_of_a_killed_masking_server_go_when_they_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, new = tmp_path / "goldspan-serve-old", tmp_path / "goldspan-serve-new"
    for folder in (old, new):
        (folder / "job" / "in").mkdir(parents=True)
        (folder / "job" / "in" / "letter.txt").write_text(NAME)
    for path in (*old.rglob("*"), old):
        os.utime(path, (1, 1))
    (tmp_path / "data").mkdir()
    erase_person(NAME, data=tmp_path / "data")
    assert (old.exists(), new.exists()) == (False, True)


def test_a_job_that_its_server_removes_meanwhile_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    job = tmp_path / "goldspan-serve-short"
    job.mkdir()
    os.utime(job, (1, 1))

    def remove(folder: Path) -> list[Path]:
        job.rmdir()
        return [job / "letter.txt"]

    monkeypatch.setattr(derived, "iter_files", remove)
    (tmp_path / "data").mkdir()
    assert erase_person(NAME, data=tmp_path / "data").remains == ()


def test_a_text_is_found_within_a_prompt_without_its_id_and_name() -> None:
    text = "The red bridge was closed in winter."
    subject = Subject((), Tombstones(), {"s-1"}, texts={"the red bridge was closed in winter"})
    prompt = f"Mark everything.\n\n<CITY>The red</CITY>{text[7:]}\n\nAnswer in JSON."
    assert subject.holds({"messages": [{"role": "user", "content": prompt}]})
    assert subject.holds_line(json.dumps({"body": json.dumps({"messages": [{"content": prompt}]})}).encode())
    assert not subject.holds({"messages": [{"content": "The red bridge was closed."}]})


def test_results_of_shards_are_erased_and_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines lose their records, packed files and Parquet go whole, and the same commands make them without her."""
    pytest.importorskip("pyarrow")
    monkeypatch.chdir(tmp_path)
    data, source = tmp_path / "data", tmp_path / "letters"
    source.mkdir()
    texts = {"a.jsonl": [f"{NAME} lives in Lyon.", "Bob Lee lives in Rome."], "b.jsonl.gz": [f"Nora met {NAME}."]}
    for name, rows in texts.items():
        content = b"".join(orjson.dumps({"text": row, "language": "en"}) + b"\n" for row in rows)
        (source / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    places = {
        "mine/lines": ("import", str(source), {"language": "en"}),
        "annotation_samples/run": ("annotate", str(source), {"predictor": "regex"}),
        "mine/tables": ("export", str(data / "mine" / "lines"), {"format": "parquet"}),
    }

    def run_all() -> set[str]:
        for place, (task, folder, settings) in places.items():
            plan = make_plan(task, settings, list_shards([folder]), str(data / place))
            open_output(plan).write(PLAN, plan.to_json())
            for shard in plan.shards:
                assert not run_shard(plan, open_task(plan), shard)[0].error
        return {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file() and "_run" not in path.parts}

    made = run_all()
    (data / "mine" / "note.md").write_text("of nobody")
    shutil.copytree(source, data / "shards")
    names = ["annotation_samples/run", "mine/lines", "mine/tables"]
    assert [str(path.relative_to(data)) for path in list_runs(data)] == names
    assert [str(path.relative_to(data)) for path in list_unknown(Workspace(data))] == ["mine/note.md"]
    hits = [hit for hit in find_person(NAME, data=data).hits if hit.store == "shards"]
    assert {hit.place.rpartition("/")[0] for hit in hits} == {*names, "shards"}
    remains = [hit.place for hit in hits if hit.remains]
    assert [hit.place for hit in erase_person(NAME, data=data).remains] == remains == ["shards/b.jsonl.gz"]
    (data / remains[0]).unlink()
    assert run_all() >= made
    assert find_person(NAME, data=data).hits == ()
