"""Push and pull against a real Label Studio: nothing lost, nothing twice, nothing changed on the way."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from goldspan.annotation.errors import ConfigurationError, InputError, TerminalServiceError, TransientServiceError
from goldspan.annotation.identity import make_sample_id
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labelstudio.api.client import StudioClient
from goldspan.annotation.labelstudio.project.review import submit_review
from goldspan.annotation.labelstudio.pull.ranking import parse_ranking_policy
from goldspan.annotation.labelstudio.pull.run import PullOptions, pull_annotations
from goldspan.annotation.labelstudio.push.index import index_project
from goldspan.annotation.labelstudio.push.run import PushOptions, PushReport, push_samples
from goldspan.annotation.labelstudio.push.selection import Order
from goldspan.annotation.tasks.jsonl import read_records
from goldspan.annotation.tasks.store import read_samples
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Sample, Status
from tests.annotation.labelstudio.fault_proxy import Fault, FaultProxy
from tests.walk.people import send_form, sign_up
from tests.walk.sync_samples import MODEL, make_sample, make_samples

if TYPE_CHECKING:
    from tests.walk.conftest import RunningStudio

pytestmark = pytest.mark.walk
FIELDS = "id,data,predictions,result,model_version,score,overlap"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path)


def push(client: StudioClient, title: str, labels: LabelSchema, samples: Any, **options: Any) -> PushReport:
    return push_samples(client, samples, labels, PushOptions(title, **options))


def list_tasks(client: StudioClient, project: int | None) -> list[dict[str, Any]]:
    assert project is not None
    return list(client.iter_tasks(project, FIELDS))


def read_file(path: Path) -> list[dict[str, Any]]:
    return [record.value for record in read_records(path)]


def strip_ids(annotation: Annotation) -> Annotation:
    return dataclasses.replace(annotation, id="", created_at=None, updated_at=None)


def test_a_thousand_samples_survive_the_way_there_and_back(
    client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace
) -> None:
    sent = {make_sample_id(sample.text, sample.language): sample for sample in make_samples(1000)}
    report = push(client, title, labels, sent.values())
    assert (report.created, report.refused) == (1000, ())

    pulled = pull_annotations(client, workspace, labels, PullOptions(title, untouched=True))
    assert (pulled.total, pulled.refused, pulled.lint_counts) == (1000, (), {})
    back = 0
    for sample in read_samples([pulled.file], labels):
        original = sent[sample.sample_id]
        assert sample.text == original.text
        assert (sample.language, sample.country, sample.document_type) == (
            original.language,
            original.country,
            original.document_type,
        )
        assert tuple(map(strip_ids, sample.annotations)) == original.annotations
        assert {name: sample.provenance[name] for name in original.provenance} == original.provenance
        back += 1
    assert back == 1000


def test_a_second_push_changes_nothing(client: StudioClient, title: str, labels: LabelSchema) -> None:
    first = push(client, title, labels, make_samples(30))
    second = push(client, title, labels, make_samples(40))
    assert (first.created, second.created, second.unchanged, second.predicted) == (30, 10, 30, 0)
    tasks = list_tasks(client, first.project)
    assert len({task["data"]["sample_id"] for task in tasks}) == len(tasks) == 40
    assert all(len(task["predictions"]) == 1 for task in tasks)
    assert client.read_project(first.project or 0)["model_version"] == MODEL


def test_dry_run_plans_and_touches_nothing(client: StudioClient, title: str, labels: LabelSchema) -> None:
    new = push(client, title, labels, make_samples(5), dry_run=True)
    assert (new.project, new.created) == (None, 5)
    assert client.find_project(title) is None
    push(client, title, labels, make_samples(5))
    plan = push(client, title, labels, [*make_samples(3), *make_samples(2, first=100)], dry_run=True)
    assert (plan.created, plan.unchanged, plan.predicted, plan.gone) == (2, 3, 0, 2)
    assert client.count_tasks(plan.project or 0) == 5


def with_model(sample: Sample, version: str) -> Sample:
    changed = dataclasses.replace(sample.annotations[0], author=Author.model(version))
    return dataclasses.replace(sample, annotations=(changed,))


def list_versions(client: StudioClient, project: int | None) -> set[tuple[str, ...]]:
    return {
        tuple(sorted(prediction["model_version"] for prediction in task["predictions"]))
        for task in list_tasks(client, project)
    }


def test_new_predictions_join_or_replace_the_old(client: StudioClient, title: str, labels: LabelSchema) -> None:
    project = push(client, title, labels, make_samples(12)).project
    newer = [with_model(sample, "walk/v2") for sample in make_samples(12)]
    assert push(client, title, labels, newer).predicted == 12
    assert list_versions(client, project) == {(MODEL, "walk/v2")}
    assert client.read_project(project or 0)["model_version"] == "walk/v2"
    newest = [with_model(sample, "walk/v3") for sample in make_samples(12)]
    report = push(client, title, labels, newest, replace_predictions=True)
    assert (report.predicted, list_versions(client, project)) == (12, {("walk/v3",)})


def test_lost_predictions_are_restored(client: StudioClient, title: str, labels: LabelSchema) -> None:
    project = push(client, title, labels, make_samples(6)).project or 0
    client.delete_task_predictions(project, [task["id"] for task in list_tasks(client, project)[:4]])
    assert push(client, title, labels, make_samples(6)).predicted == 4
    assert list_versions(client, project) == {(MODEL,)}


def test_copies_are_removed_unless_people_worked_on_them(client: StudioClient, title: str, labels: LabelSchema) -> None:
    project = push(client, title, labels, make_samples(4)).project or 0
    tasks = list_tasks(client, project)
    client.import_tasks(project, [orjson.dumps({"data": task["data"]}) for task in tasks[:2]])
    annotated = max(task["id"] for task in list_tasks(client, project))
    submit_review(client, annotated, [])
    report = push(client, title, labels, make_samples(4))
    assert report.copies_removed == 1
    assert report.copies_kept == (tasks[1]["data"]["sample_id"],)
    assert {task["id"] for task in list_tasks(client, project)} == {*(task["id"] for task in tasks), annotated}


def test_control_tasks_have_no_predictions_and_keep_none(client: StudioClient, title: str, labels: LabelSchema) -> None:
    report = push(client, title, labels, make_samples(60), control_share=0.3)
    control = [task for task in list_tasks(client, report.project) if task["data"].get("control")]
    assert all(task["data"]["provenance"]["control"] is True for task in control)
    assert 8 <= len(control) == report.control <= 30
    assert not any(task["predictions"] for task in control)
    again = push(client, title, labels, make_samples(60))
    assert (again.unchanged, again.predicted) == (60, 0)


def test_overlap_and_order(client: StudioClient, title: str, labels: LabelSchema) -> None:
    report = push(client, title, labels, make_samples(50), overlap=0.2, order=Order.UNCERTAINTY)
    tasks = list_tasks(client, report.project)
    assert sum(task["overlap"] == 2 for task in tasks) == 10
    scores = [task["predictions"][0]["score"] for task in tasks]
    assert scores == sorted(scores)


def test_bad_samples_are_refused_and_the_good_go_on(client: StudioClient, title: str, labels: LabelSchema) -> None:
    good = list(make_samples(3))
    outside = dataclasses.replace(good[0].annotations[0].entities[0], end=9999)
    unknown = dataclasses.replace(good[0].annotations[0].entities[0], label="NO_SUCH_LABEL")
    spoilt = [
        dataclasses.replace(
            make_sample(10 + number),
            annotations=(Annotation(Author.model(MODEL), (entity,), score=0.5),),
        )
        for number, entity in enumerate((outside, unknown))
    ]
    report = push(client, title, labels, [*good, *spoilt, dataclasses.replace(good[0], text="a\x00b"), good[1]])
    assert report.created == 3
    assert len(report.refused) == 4
    assert any("duplicate" in refused.reason for refused in report.refused)


def test_what_label_studio_refuses_is_singled_out(
    client: StudioClient, title: str, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = list(make_samples(50))
    spoilt = {make_sample_id(sample.text, sample.language) for sample in (samples[7], samples[31])}
    import_tasks = client.import_tasks

    def spoil(project: int, tasks: Any) -> Any:
        return import_tasks(
            project, [task.replace(b'"text":', b'"body":', 1) if is_spoilt(task) else task for task in tasks]
        )

    def is_spoilt(task: bytes) -> bool:
        return orjson.loads(task)["data"]["sample_id"] in spoilt

    monkeypatch.setattr(client, "import_tasks", spoil)
    report = push(client, title, labels, samples)
    assert (report.created, {refused.sample_id for refused in report.refused}) == (48, spoilt)
    assert client.count_tasks(report.project or 0) == 48


def test_a_foreign_config_is_not_pushed_to(client: StudioClient, title: str, labels: LabelSchema) -> None:
    config = (
        '<View><Labels name="label" toName="text"><Label value="X"/></Labels><Text name="text" value="$text"/></View>'
    )
    client.create_project({"title": title, "label_config": config})
    with pytest.raises(ConfigurationError, match="studio adopt"):
        push(client, title, labels, make_samples(1))


def test_views_exist_once_and_select(client: StudioClient, title: str, labels: LabelSchema) -> None:
    project = push(client, title, labels, make_samples(20), control_share=0.5).project or 0
    push(client, title, labels, make_samples(20), control_share=0.5)
    titles = [view["data"]["title"] for view in client.list_views(project)]
    assert titles == ["All", "To review", "Low score", "Disagreement", "Skipped", "Control"]
    control = sum(1 for task in list_tasks(client, project) if task["data"].get("control"))
    by_title = {view["data"]["title"]: view["data"]["filters"]["items"] for view in client.list_views(project)}
    assert client.count_tasks(project, by_title["Control"]) == control
    submit_review(client, list_tasks(client, project)[0]["id"], [])
    counts = {name: client.count_tasks(project, items) for name, items in by_title.items()}
    assert (counts["All"], counts["To review"], counts["Disagreement"]) == (20, 19, 0)


def annotate(client: StudioClient, task: dict[str, Any], result: list[Any] | None = None, **options: Any) -> int:
    prediction = task["predictions"][0]
    chosen = prediction["result"] if result is None else result
    return submit_review(client, task["id"], chosen, parent_prediction=prediction, **options)


def test_pull_tells_everything_apart(
    client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace
) -> None:
    project = push(client, title, labels, make_samples(8)).project or 0
    tasks = list_tasks(client, project)
    changed = orjson.loads(orjson.dumps(tasks[1]["predictions"][0]["result"]))
    changed[0]["value"]["labels"] = ["USERNAME"]
    del changed[1:]
    annotate(client, tasks[0], lead_time=12.5)
    annotate(client, tasks[1], changed)
    annotate(client, tasks[2], [])
    annotate(client, tasks[3], [], was_cancelled=True)
    client.create_draft(tasks[4]["id"], {"result": tasks[4]["predictions"][0]["result"], "lead_time": 4})

    report = pull_annotations(client, workspace, labels, PullOptions(title))
    assert (report.added, report.annotations, report.empty, report.cancelled, report.drafts) == (5, 3, 1, 1, 1)
    samples = {sample.provenance["number"]: sample for sample in read_samples([report.file], labels)}
    accepted = samples[0].reviews[0]
    assert accepted.lead_time == 12.5
    assert accepted.parent == str(tasks[0]["predictions"][0]["id"])
    assert {entity.origin for entity in accepted.entities} == {"prediction"}
    assert [(entity.label, entity.origin) for entity in samples[1].reviews[0].entities] == [
        ("USERNAME", "prediction-changed")
    ]
    assert samples[2].reviews[0].entities == ()
    assert [annotation.status for annotation in samples[3].annotations[1:]] == [Status.CANCELLED]
    assert [annotation.status for annotation in samples[4].annotations[1:]] == [Status.DRAFT]
    assert all("@" in sample.annotations[-1].author.name for sample in samples.values())


def test_drafts_of_everybody_are_pulled(
    studio: RunningStudio, client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace
) -> None:
    project = push(client, title, labels, make_samples(3)).project or 0
    guest = sign_up(studio)
    tasks = list_tasks(client, project)
    for author, task in ((client, tasks[0]), (StudioClient(studio.url, guest.token), tasks[0])):
        author.create_draft(task["id"], {"result": task["predictions"][0]["result"], "lead_time": 3})
    report = pull_annotations(client, workspace, labels, PullOptions(title))
    assert (report.total, report.drafts) == (1, 2)
    assert {draft["completed_by"]["email"] for draft in read_file(report.file)[0]["drafts"]} == {
        guest.email,
        studio.info.email,
    }


def test_pull_brings_only_what_changed(
    client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace
) -> None:
    project = push(client, title, labels, make_samples(10)).project or 0
    tasks = list_tasks(client, project)
    ids = [annotate(client, task) for task in tasks[:6]]
    draft = client.create_draft(tasks[6]["id"], {"result": [], "lead_time": 1})
    options = PullOptions(title)
    assert pull_annotations(client, workspace, labels, options).added == 7
    before = (workspace.training_samples / f"{title.replace(' ', '-')}.jsonl").read_bytes()
    again = pull_annotations(client, workspace, labels, options)
    assert (again.added, again.updated, again.removed, again.unchanged) == (0, 0, 0, 7)
    assert again.file.read_bytes() == before

    client.update_annotation(ids[0], {"result": []})
    client.update_draft(draft["id"], {"result": tasks[6]["predictions"][0]["result"]})
    annotate(client, tasks[7])
    client.delete_tasks(project, [tasks[1]["id"]])
    report = pull_annotations(client, workspace, labels, options)
    assert (report.added, report.updated, report.removed, report.unchanged) == (1, 2, 1, 4)
    numbers = {record["data"]["provenance"]["number"] for record in read_file(report.file)}
    assert numbers == {0, 2, 3, 4, 5, 6, 7}


def test_edits_of_both_sides_are_kept_apart(
    client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace
) -> None:
    project = push(client, title, labels, make_samples(3)).project or 0
    ids = [annotate(client, task) for task in list_tasks(client, project)]
    file = pull_annotations(client, workspace, labels, PullOptions(title)).file
    records = read_file(file)
    for record in records[:2]:
        record["annotations"][0]["result"] = []
    file.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    client.update_annotation(ids[0], {"result": [], "lead_time": 99})
    client.update_annotation(ids[2], {"result": []})

    report = pull_annotations(client, workspace, labels, PullOptions(title))
    sample_id = records[0]["data"]["sample_id"]
    assert (report.conflicts, report.updated) == ((sample_id,), 1)
    kept = {record["id"]: record for record in read_file(file)}
    assert [kept[record["id"]] for record in records[:2]] == records[:2]
    assert report.conflict_file is not None
    conflict = read_file(report.conflict_file)[0]
    assert (conflict["local"], conflict["remote"]["annotations"][0]["lead_time"]) == (records[0], 99)

    client.update_annotation(ids[0], {"result": [], "lead_time": 100})
    report = pull_annotations(client, workspace, labels, PullOptions(title, take_remote=True))
    assert read_file(file)[0]["annotations"][0]["lead_time"] == 100


def test_changed_text_is_refused_and_borders_are_snapped(
    client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace
) -> None:
    project = push(client, title, labels, make_samples(2)).project or 0
    first, second = list_tasks(client, project)
    annotate(client, first)
    client.update_task(first["id"], {"data": {**first["data"], "text": "another text"}})
    cut = orjson.loads(orjson.dumps(second["predictions"][0]["result"][:1]))
    whole = cut[0]["value"]["end"]
    cut[0]["value"]["end"] -= 1
    cut[0]["value"]["text"] = "never trusted"
    annotate(client, second, cut)

    report = pull_annotations(client, workspace, labels, PullOptions(title))
    assert [refused.sample_id for refused in report.refused] == [first["data"]["sample_id"]]
    assert report.lint_counts == {"inside_word": 1}
    value = read_file(report.file)[0]["annotations"][0]["result"][0]["value"]
    assert value["text"] == second["data"]["text"][value["start"] : value["end"]]
    report = pull_annotations(client, workspace, labels, PullOptions(title, snap=True, full=True))
    assert (report.snapped, report.updated, report.lint_counts) == (1, 1, {})
    record = read_file(report.file)[0]
    assert record["annotations"][0]["result"][0]["value"]["end"] == whole
    assert record["data"]["provenance"]["pull"]["snapped"][0]["from"][1] == whole - 1


def test_policy_decides_which_annotation_comes_first(
    client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace
) -> None:
    project = push(client, title, labels, make_samples(2)).project or 0
    gold, latest = list_tasks(client, project)
    first = annotate(client, gold)
    client.update_annotation(first, {"ground_truth": True})
    annotate(client, gold, [])
    annotate(client, latest)
    newest = annotate(client, latest, [])
    rules = parse_ranking_policy("gold>latest")
    file = pull_annotations(client, workspace, labels, PullOptions(title, policy=rules)).file
    chosen = [
        (record["annotations"][0]["id"], record["data"]["provenance"]["pull"]["because"]) for record in read_file(file)
    ]
    assert chosen == [(first, "gold"), (newest, "latest")]


def test_an_interrupted_pull_goes_on(
    client: StudioClient, title: str, labels: LabelSchema, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = push(client, title, labels, make_samples(450)).project or 0
    read_tasks = client.read_tasks
    fetched: list[int] = []

    def break_off(project: int, ids: Any, include: str) -> Any:
        if len(ids) > 1 and len(fetched) >= 200:
            raise TransientServiceError("broken on purpose")
        fetched.extend(ids)
        return read_tasks(project, ids, include)

    monkeypatch.setattr(client, "read_tasks", break_off)
    options = PullOptions(project, untouched=True)
    with pytest.raises(TransientServiceError):
        pull_annotations(client, workspace, labels, options)
    assert not list(workspace.training_samples.glob("*[0-9a-f].jsonl"))
    fetched.clear()
    monkeypatch.setattr(client, "read_tasks", lambda *arguments: fetched.extend(arguments[1]) or read_tasks(*arguments))
    assert pull_annotations(client, workspace, labels, options).total == 450
    assert len(fetched) == 250


@pytest.fixture
def personal_token(studio: RunningStudio) -> Iterator[str]:
    with httpx.Client(base_url=studio.url, follow_redirects=True, timeout=30) as session:
        send_form(session, "/user/login/", studio.info.email, studio.info.password)
        headers = {"X-CSRFToken": session.cookies["csrftoken"], "Referer": studio.url}
        reply = session.post("/api/token/", headers=headers)
        token = reply.json().get("token")
        if token is None:
            pytest.skip("this user's personal access token was made by another test")
        yield token
        session.post("/api/token/blacklist/", headers=headers, json={"refresh": token})


def test_personal_access_tokens_work(studio: RunningStudio, personal_token: str) -> None:
    client = StudioClient(studio.url, personal_token)
    assert client.read_user()["email"] == studio.info.email


def test_a_personal_token_is_renewed_when_it_expires_midway(
    studio: RunningStudio, personal_token: str, labels: LabelSchema, title: str
) -> None:
    with FaultProxy(studio.url, faults=[Fault.TOKEN_EXPIRED]) as proxy:
        report = push(StudioClient(proxy.url, personal_token), title, labels, make_samples(20))
    assert (report.created, report.doubtful, proxy.met) == (20, 0, [Fault.TOKEN_EXPIRED])
    assert [path for method, path in proxy.seen].count("/api/token/refresh/") == 2


def test_what_is_wrong_is_said_plainly(studio: RunningStudio, client: StudioClient, labels: LabelSchema) -> None:
    with pytest.raises(ConfigurationError, match="does not accept the token"):
        StudioClient(studio.url, "wrong" * 8).read_user()
    with pytest.raises(TransientServiceError, match="does not answer"):
        StudioClient("http://127.0.0.1:9", "x" * 40).read_user()
    with pytest.raises(TerminalServiceError, match="project 987654"):
        push_samples(client, make_samples(1), labels, PushOptions(987654))
    with pytest.raises(InputError, match="no project titled"):
        pull_annotations(client, Workspace(Path("nowhere")), labels, PullOptions("no such project"))
    assert index_project(client, push(client, "sync empty", labels, []).project or 0).tasks == 0
