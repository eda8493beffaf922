from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import ConfigurationError
from goldspan.annotation.labels.schema import Label, LabelSchema, load_labels
from goldspan.annotation.labelstudio.project.config import (
    FILTER_FROM,
    TAKEN_KEYS,
    assign_hotkeys,
    build_config,
    build_guideline,
    build_instructions,
    compare_config,
    is_current_screen,
    is_own_config,
)
from goldspan.annotation.project import ENTITIES, Purpose
from goldspan.annotation.tasks.codec import ENTITY_CONTROL, MENTION_CONTROL, encode_task
from goldspan.annotation.tasks.feedback import DocumentChoice, RegionDoubt
from goldspan.annotation.types import Annotation, Author, Entity, Mention, Sample

LABELS = load_labels()
EVIL = Label(
    "EVIL", 'A "<b>&$name\n* _x_ [y](z)', category='C & "D" <e> $text', hints=("<script>alert(1)</script>", "€ $5")
)


def read(xml: str) -> ElementTree.Element:
    return ElementTree.fromstring(xml)


def codes(xml: str, control: str) -> list[str | None]:
    (found,) = (element for element in read(xml).iter("Labels") if element.get("name") == control)
    return [label.get("value") for label in found.iter("Label")]


def test_config_holds_exactly_the_labels_of_the_schema() -> None:
    xml = build_config(LABELS)
    assert codes(xml, ENTITY_CONTROL) == [label.code for label in LABELS.entities]
    assert codes(xml, MENTION_CONTROL) == [label.code for label in LABELS.mentions]
    assert {header.get("value") for header in read(xml).iter("Header")} == {*LABELS.categories, "Mentions", "$about"}
    (relation,) = read(xml).iter("Relation")
    (text,) = read(xml).iter("Text")
    assert relation.get("value") == LABELS.relation
    assert (text.get("value"), text.get("granularity")) == ("$text", "word")


def test_only_projects_about_personal_data_leave_the_marked_words_out_of_results() -> None:
    for purpose, expected in ((Purpose(), "no"), (ENTITIES, None)):
        xml = build_config(replace(LABELS, purpose=purpose))
        (text,) = read(xml).iter("Text")
        assert text.get("saveTextResult") == expected
        assert is_own_config(xml)
        assert not compare_config(LABELS, xml)


def test_screens_of_earlier_versions_are_ours_and_are_not_today_s() -> None:
    earlier = (Path(__file__).parent / "config_0_2_first.xml").read_text()
    today = build_config(LABELS)
    assert [is_own_config(xml) for xml in (earlier, today)] == [True, True]
    assert [is_current_screen(LABELS, xml) for xml in (earlier, today)] == [False, True]
    assert not compare_config(LABELS, earlier)
    for changed in (earlier, today):
        assert not is_own_config(changed.replace('showLabels="true"', 'showLabels="false"'))
        assert not is_own_config(changed.replace("sticky", "static"))


def test_every_key_of_the_screen_is_used_once() -> None:
    elements = list(read(build_config(LABELS)).iter())
    keys = [key for element in elements if (key := element.get("hotkey"))]
    assert len(keys) == len(set(keys)) >= len(LABELS.labels) + 4
    assert {choice.get("alias") for choice in elements if choice.tag == "Choice"} == {*DocumentChoice, *RegionDoubt}


def test_config_passes_label_studios_own_validation() -> None:
    from label_studio_sdk.label_interface import LabelInterface

    interface = LabelInterface(build_config(LABELS))
    interface.validate()
    sample = Sample(
        "Ann lives here. She does.",
        "en",
        annotations=(
            Annotation(
                Author.model("m"),
                (Entity(0, 3, "FIRSTNAME"),),
                (Mention(0, 3, "MENTION", "1"), Mention(16, 19, "PRONOUN", "1")),
            ),
        ),
    )
    (prediction,) = encode_task(sample, LABELS)["predictions"]
    assert interface.validate_prediction(prediction, return_errors=True) == []
    prediction["result"][0]["value"]["labels"] = ["NO_SUCH_LABEL"]
    assert interface.validate_prediction(prediction, return_errors=True)


def test_schema_without_mentions_has_one_control() -> None:
    labels = LabelSchema(LABELS.entities)
    assert [control.get("name") for control in read(build_config(labels)).iter("Labels")] == [ENTITY_CONTROL]


def test_search_box_is_only_drawn_for_many_labels() -> None:
    few = LabelSchema(LABELS.entities[: FILTER_FROM - 1])
    assert not list(read(build_config(few)).iter("Filter"))
    assert len(list(read(build_config(LABELS)).iter("Filter"))) == 1


def test_nothing_from_the_schema_is_markup() -> None:
    xml = build_config(LabelSchema((EVIL,)))
    label = next(read(xml).iter("Label"))
    assert "<script>" in label.get("hint", "")
    assert {element.tag for element in read(xml).iter()} == {
        *(
            "View",
            "Style",
            "Collapse",
            "Panel",
            "Markdown",
            "Labels",
            "Header",
            "Label",
            "Relations",
            "Relation",
            "Text",
            "Choices",
            "Choice",
            "TextArea",
        )
    }
    values = [value for element in read(xml).iter() for value in element.attrib.values() if "$" in value]
    assert sorted(values) == ["$about", "$text"]
    guideline = build_guideline(LabelSchema((EVIL,)))
    assert "<" not in guideline
    assert "$" not in guideline
    assert guideline.count("\n") == 2
    assert "<script>" not in build_instructions(LabelSchema((EVIL,)))


def test_instructions_tell_every_label() -> None:
    instructions = build_instructions(LABELS)
    assert all(label.code in instructions for label in LABELS.labels)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["", "a", "f", "u", "7"])), max_size=45))
def test_hotkeys_are_unique_single_and_safe(plan: list[tuple[bool, str]]) -> None:
    labels = [
        Label(f"LABEL{number}", "x", layer="mention" if mention else "entity", hotkey=key)
        for number, (mention, key) in enumerate(plan)
    ]
    keys = assign_hotkeys(labels)
    assert len(set(keys.values())) == len(keys) == min(len(labels), 36 - len(TAKEN_KEYS))
    assert all(len(key) == 1 and key not in TAKEN_KEYS for key in keys.values())
    for label in labels:
        first = next(other for other in labels if other.hotkey == label.hotkey)
        if label.hotkey and label is first and label.hotkey not in TAKEN_KEYS:
            assert keys[label.code] == label.hotkey


def test_same_schema_has_no_drift() -> None:
    drift = compare_config(LABELS, build_config(LABELS))
    assert not drift
    assert not drift.cosmetic
    assert str(drift) == "no difference"


def test_drift_names_what_is_missing_left_over_and_changed() -> None:
    older = LabelSchema((*LABELS.labels[1:-1], Label("MRN", "Record number")), "same-as")
    drift = compare_config(LABELS, build_config(older))
    assert set(drift.added) == {"label FIRSTNAME", "mention REFERENCE", "relation refers-to"}
    assert set(drift.removed) == {"label MRN", "relation same-as"}
    renamed = build_config(LABELS).replace('value="$text"', 'value="$body"')
    assert compare_config(LABELS, renamed).changed == ("text text value $body should be $text",)


def test_new_colour_is_only_cosmetic() -> None:
    city = replace(LABELS["CITY"], color="#000000")
    other = LabelSchema(tuple(city if label.code == "CITY" else label for label in LABELS.labels))
    drift = compare_config(LABELS, build_config(other))
    assert not drift
    assert drift.cosmetic == (f"label CITY background #000000 should be {LABELS['CITY'].color}",)


@pytest.mark.parametrize(
    "xml", ["", "<View>", "no xml", '<!DOCTYPE x [<!ENTITY a "b">]><View><Header value="&a;"/></View>']
)
def test_unreadable_config_is_refused_in_plain_words(xml: str) -> None:
    with pytest.raises(ConfigurationError, match="labelling config"):
        compare_config(LABELS, xml)


def test_a_schema_without_mentions_needs_no_relation() -> None:
    labels = LabelSchema((Label("PER", "Person"),))
    control = '<Labels name="label" toName="text"><Label value="PER"/></Labels>'
    config = f'<View>{control}<Text name="text" value="$text"/></View>'
    assert compare_config(labels, config).added == ()
    assert not compare_config(labels, build_config(labels))
