"""Explore: nothing personal is shown unasked, and what was chosen is what is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.tasks.codec import encode_task, read_task
from goldspan.annotation.tasks.workspace import Workspace
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample
from goldspan.dashboards import ui
from goldspan.dashboards.mirror.refresh import refresh_mirror
from goldspan.dashboards.views import explore
from tests.dashboards.sample_data import fill_workspace, make_sample, write_tasks


@pytest.fixture(autouse=True)
def clear_caches() -> Iterator[None]:
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


def render_page(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv("GOLDSPAN_DATA", str(workspace.root))

    def show() -> None:
        from goldspan.dashboards.screens.explore import draw

        draw()

    test = AppTest.from_function(show, default_timeout=60).run()
    assert not test.exception
    return test


def find_table_id(test: AppTest) -> str:
    """What Streamlit keeps the ticked row of the list by."""
    return str(test.dataframe[0].proto.id)


def test_names_of_any_reading_and_regions_that_were_not_kept_are_hidden(labels: LabelSchema) -> None:
    first = Annotation(Author.model("m"), (Entity(0, 3, "FIRSTNAME", "a"),), (Mention(8, 11, "MENTION", "1"),))
    second = Annotation(Author.person("p"), (), (Mention(12, 14, "PRONOUN"),), id="2")
    task = encode_task(Sample("Ann met Bob he Zoe", "en", annotations=(first, second)), labels)
    region = task["predictions"][0]["result"][0]
    task["predictions"][0]["result"].append(region | {"value": {"start": 15, "end": 18, "labels": ["FIRSTNAME"]}})
    reading = read_task(task, labels)
    assert [issue.code for issue in reading.issues] == ["duplicate_id"]
    assert explore.list_hidden_spans(reading) == [(0, 3), (8, 11), (15, 18)]


def test_a_mentioned_name_is_not_on_the_page_until_asked_for(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Quentin wrote, he says !@#$%^&*"
    shown = Annotation(
        Author.model("m"),
        (Entity(23, 31, "PASSWORD"),),
        (Mention(0, 7, "MENTION", "1"), Mention(15, 17, "PRONOUN", "1")),
    )
    other = Annotation(Author.person("ann@firm.test"), id="2")
    sample = Sample(text, "en", annotations=(shown, other), sample_id="s-1")
    write_tasks(workspace.training_samples / "a.jsonl", [sample], labels)
    test = render_page(workspace, monkeypatch)

    def list_shown() -> str:
        parts: list[Any] = [block.proto.body for block in test.get("html")]
        return " ".join([*map(str, parts), *(text.value for text in test.text), str([t.value for t in test.dataframe])])

    assert "Quentin" not in list_shown()
    assert "!@#" not in list_shown()
    test.toggle[0].set_value(True).run()
    assert "Quentin" in list_shown()


def test_labels_that_only_the_samples_know_can_be_chosen(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = make_sample(0, labels)
    prediction = replace(odd.annotations[0], entities=(replace(odd.annotations[0].entities[0], label="SHOESIZE"),))
    samples = [replace(odd, annotations=(prediction,)), *(make_sample(number, labels) for number in range(1, 4))]
    write_tasks(workspace.annotation_samples / "a.jsonl", samples, labels)
    mirror = refresh_mirror(workspace, labels)
    assert explore.list_labels(mirror, labels) == [*(label.code for label in labels.entities), "SHOESIZE"]
    test = render_page(workspace, monkeypatch)
    box = next(box for box in test.multiselect if box.label == "Has labels")
    box.set_value(["SHOESIZE"]).run()
    assert any(text.value.startswith("1 sample,") for text in test.text)


def test_a_ticked_row_goes_when_the_list_shows_other_samples(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_workspace(workspace, labels, 20)
    test = render_page(workspace, monkeypatch)
    everything = find_table_id(test)
    test.toggle[0].set_value(True).run()
    assert find_table_id(test) == everything
    state = next(box for box in test.selectbox if box.label == "State")
    state.set_value("not reviewed").run()
    assert find_table_id(test) != everything
    assert find_table_id(render_page(workspace, monkeypatch)) == everything


def test_the_download_holds_all_matches_not_the_page_only(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tasks(workspace.annotation_samples / "a.jsonl", [make_sample(at, labels) for at in range(120)], labels)
    offered: list[Any] = []
    monkeypatch.setattr(st, "download_button", lambda _, data, **options: offered.append((data, options["key"])))
    test = render_page(workspace, monkeypatch)
    assert len(test.dataframe[0].value) == 50
    table = next(data for data, key in offered if key == "csv-samples")()
    assert table.count("\n") == 121
    assert table == ui.write_csv(
        explore.find_samples(refresh_mirror(workspace, labels), explore.Query()).drop("file", "offset", "task")
    )


def test_samples_are_found_by_their_own_fields(workspace: Workspace, labels: LabelSchema) -> None:
    tickets = [
        replace(make_sample(number, labels), provenance={"fields": {"ticket_id": f"T-{number}", "x": {"a": 1}}})
        for number in range(12)
    ]
    write_tasks(workspace.annotation_samples / "tickets.jsonl", tickets, labels)
    mirror = refresh_mirror(workspace, labels)
    found = explore.find_samples(mirror, explore.Query(field="ticket_ID t-1"))
    assert set(found["sample_id"]) == {tickets[number].sample_id for number in (1, 10, 11)}
    assert explore.find_samples(mirror, explore.Query(field="(")).is_empty()


def test_own_fields_may_be_personal_and_are_shown_on_request(
    workspace: Workspace, labels: LabelSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = replace(make_sample(1, labels), provenance={"fields": {"customer": "Zoe Quill"}})
    write_tasks(workspace.annotation_samples / "tickets.jsonl", [sample], labels)
    test = render_page(workspace, monkeypatch)
    assert not any("Zoe" in text.value for text in test.text)
    next(toggle for toggle in test.toggle if toggle.label == "Show hidden text").set_value(True).run()
    assert any("customer Zoe Quill" in text.value for text in test.text)
