"""What left the machine is recorded without a text, named when somebody in it is looked for, and stays for people."""

from __future__ import annotations

from pathlib import Path

import pytest

from goldspan.annotation.errors import GoldspanError, StateError, TerminalServiceError, TransientServiceError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.uploads import list_uploads, record_upload
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import plan_submission
from goldspan.privacy.erase import erase_person, find_person
from goldspan.privacy.report import render_report, report_privacy
from tests.privacy.canary import NAME, fill_workspace, grep, list_samples

HUB = "https://hub.example"


@pytest.fixture
def workspace(tmp_path: Path, labels: LabelSchema) -> Workspace:
    """The canary in a data set on the Hub and in a batch of a provider; others in a file for fine-tuning."""
    made = fill_workspace(tmp_path / "data", labels)
    with Journal(made.runs / "paid") as journal:
        journal.write_settings({"settings": {"provider": "together"}})
        journal.query("UPDATE row SET state = 'submitted' WHERE item IN (1, 3)")
        plan_submission(journal, "one", ["r-1-1", "r-3-1"], state="collected", input_file="file-in", batch="b-1")
    samples = list_samples()
    with record_upload(made.root, "data set", HUB, "me/letters", [one.sample_id for one in samples]) as record:
        record.complete(revision="0123456789abcdef")
    with record_upload(made.root, "fine-tuning file", HUB, "rows.jsonl", [samples[0].sample_id]) as record:
        record.complete(name="file-rows")
    return made


def list_remote(text: str, workspace: Workspace) -> set[str]:
    hits = find_person(text, data=workspace.root).hits
    assert all(hit.remains for hit in hits if hit.store == "uploads")
    return {hit.place for hit in hits if hit.store == "uploads"}


def test_uploads_are_named_before_and_after_an_erasure(workspace: Workspace) -> None:
    canary, other = list_samples()[3].sample_id, list_samples()[0].sample_id
    data_set, batch = f"data set {HUB} me/letters at 0123456789ab", "batch file together file-in"
    assert list_remote(NAME, workspace) == {data_set, batch}
    assert list_remote(canary, workspace) == {data_set, batch}
    report = erase_person(NAME, data=workspace.root)
    assert {hit.place for hit in report.remains} == {data_set, batch}
    assert all("delete" in hit.action for hit in report.remains)
    assert grep(workspace.root) == []
    assert list_remote(NAME, workspace) == {data_set, batch}
    assert list_remote(canary, workspace) == {data_set}
    assert list_remote(other, workspace) == {data_set, f"fine-tuning file {HUB} file-rows"}
    assert list_remote("Nobody Atall", workspace) == set()


def test_the_report_lists_uploads_and_records_hold_no_ids(workspace: Workspace) -> None:
    rows = [(row["kind"], row["records"], row["erased"]) for row in report_privacy(workspace.root)["uploads"]]
    assert sorted(rows) == [("batch file", 2, 0), ("data set", 24, 0), ("fine-tuning file", 1, 0)]
    erase_person(NAME, data=workspace.root)
    document = report_privacy(workspace.root)
    assert {row["kind"]: row["erased"] for row in document["uploads"]} == {
        "batch file": 1,
        "data set": 1,
        "fine-tuning file": 0,
    }
    assert "me/letters, 24 records; 1 erasures since: delete it there." in render_report(document)
    stored = b"".join(path.read_bytes() for path, _ in list_uploads(workspace.root))
    assert not any(sample.sample_id.encode() in stored for sample in list_samples())


@pytest.mark.parametrize(
    ("error", "kept"),
    [(TerminalServiceError("no", 403), 0), (TransientServiceError("lost"), 1), (KeyboardInterrupt(), 1)],
)
def test_an_upload_that_may_have_arrived_stays_recorded(tmp_path: Path, error: BaseException, kept: int) -> None:
    with pytest.raises(type(error)), record_upload(tmp_path, "model", HUB, "me/model", ["s1"]):
        raise error
    assert [upload.name for _, upload in list_uploads(tmp_path)] == ["me/model"] * kept
    with record_upload(tmp_path, "model", HUB, "me/model", ["s2"]) as record:
        record.complete(revision="c0ffee")
    [(_, upload)] = list_uploads(tmp_path)
    assert (upload.revision, len(upload.samples)) == ("c0ffee", 1 + kept)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"at": 1}', '{"samples": 3, "erased": null}'])
def test_a_broken_record_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    path = tmp_path / "privacy" / "uploads" / "x.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(StateError, match=r"x\.json is no record of an upload") as found:
        list_uploads(tmp_path)
    assert isinstance(found.value, GoldspanError)
