import dataclasses
import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import ConfigurationError, UnknownNameError
from goldspan.annotation.labels.schema import Label, LabelSchema, build_labels, load_labels
from goldspan.annotation.labels.validators import check_value
from goldspan.annotation.project import Purpose
from goldspan.generators.offline.stages import author_draft
from goldspan.generators.specs.documents import DOCUMENT_TYPES, LENGTHS, list_document_types
from goldspan.generators.specs.draw import draw_spec
from goldspan.generators.specs.spec import SpecConstraints, spec_from_dict, spec_to_dict
from goldspan.generators.surrogates.world import COUNTRIES

LANGUAGES = tuple(COUNTRIES)


@pytest.fixture(scope="module")
def labels() -> LabelSchema:
    return load_labels()


@given(seed=st.integers(0, 2**63), index=st.integers(0, 2**31))
def test_specs_survive_json_and_hold_valid_values(seed: int, index: int) -> None:
    labels = load_labels()
    spec = draw_spec(seed, index, LANGUAGES, labels)
    assert spec_from_dict(json.loads(json.dumps(spec_to_dict(spec)))) == spec
    assert {entry.label for entry in spec.values} == set(spec.labels)
    assert len(spec.genders) == spec.persons
    assert spec.length in LENGTHS
    assert spec.country in COUNTRIES[spec.language]
    assert spec.hard_negative == (not spec.labels) == (spec.persons == 0)
    for entry in spec.values:
        assert 1 <= entry.person <= spec.persons
        assert entry.value == entry.value.strip()
        validator = labels[entry.label].validator
        assert not validator or check_value(validator, entry.value, spec.country), entry


def test_specs_do_not_depend_on_order_or_process(labels: LabelSchema) -> None:
    here = [spec_to_dict(draw_spec(4, index, LANGUAGES, labels)) for index in (3, 1, 2)]
    script = (
        "import json; from goldspan.annotation.labels.schema import load_labels; "
        "from goldspan.generators.specs.draw import draw_spec; "
        "from goldspan.generators.specs.spec import spec_to_dict; "
        f"print(json.dumps([spec_to_dict(draw_spec(4, i, {LANGUAGES!r}, load_labels())) for i in (1, 2, 3)]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "77"}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    there = json.loads(run.stdout)
    assert here == [there[2], there[0], there[1]]


def test_labels_come_with_about_their_chance_and_a_twelfth_holds_none(labels: LabelSchema) -> None:
    specs = [draw_spec(2, index, LANGUAGES, labels) for index in range(1500)]
    negatives = sum(spec.hard_negative for spec in specs)
    assert 0.05 < negatives / len(specs) < 0.12
    counts = Counter(code for spec in specs for code in spec.labels)
    for label in labels.entities:
        share = counts[label.code] / (len(specs) - negatives)
        assert 0.4 * label.chance < share < 1.3 * label.chance, label.code
    assert {spec.document_type for spec in specs} == set(DOCUMENT_TYPES)
    assert {(spec.language, spec.country) for spec in specs} == {(la, c) for la in COUNTRIES for c in COUNTRIES[la]}
    assert {spec.persons for spec in specs} == {0, 1, 2, 3}


def test_a_planner_gets_what_it_asks_for(labels: LabelSchema) -> None:
    wanted = SpecConstraints(language="nl", country="BE", document_type="invoice", labels=("IBAN", "SECURITYTOKEN"))
    for index in range(40):
        spec = draw_spec(1, index, LANGUAGES, labels, wanted=wanted)
        assert (spec.language, spec.country, spec.document_type) == ("nl", "BE", "invoice")
        assert {"IBAN", "SECURITYTOKEN"} <= set(spec.labels)
        assert not spec.hard_negative


@pytest.mark.parametrize("negative", [True, False])
def test_hard_negatives_can_be_asked_for_or_ruled_out(negative: bool, labels: LabelSchema) -> None:
    specs = [
        draw_spec(1, index, LANGUAGES, labels, wanted=SpecConstraints(hard_negative=negative)) for index in range(60)
    ]
    assert {spec.hard_negative for spec in specs} == {negative}


@pytest.mark.parametrize(
    "wanted",
    [
        SpecConstraints(language="xx"),
        SpecConstraints(language="de", country="FR"),
        SpecConstraints(country="FR"),
        SpecConstraints(document_type="novel"),
        SpecConstraints(labels=("CTY",)),
    ],
)
def test_unknown_names_are_refused(wanted: SpecConstraints, labels: LabelSchema) -> None:
    with pytest.raises(UnknownNameError):
        draw_spec(1, 1, LANGUAGES, labels, wanted=wanted)


def test_a_hard_negative_with_labels_is_a_contradiction(labels: LabelSchema) -> None:
    with pytest.raises(ConfigurationError):
        draw_spec(1, 1, LANGUAGES, labels, wanted=SpecConstraints(labels=("CITY",), hard_negative=True))


def test_a_new_label_gets_values_shaped_as_its_hint_shows_and_is_written(labels: LabelSchema) -> None:
    new = Label(
        "MEDICAL_RECORD_NUMBER", "Medical record number", chance=1.0, hints=("The clinic's number: MRN-123456",)
    )
    bare = Label("BADGE_CODE", "Badge code", chance=1.0)
    extended = dataclasses.replace(labels, labels=(*labels.labels, new, bare))
    wanted = SpecConstraints(labels=("MEDICAL_RECORD_NUMBER", "BADGE_CODE"))
    values = set()
    for index in range(30):
        spec = draw_spec(9, index, LANGUAGES, extended, wanted=wanted)
        tagged = author_draft(spec, extended)
        for entry in spec.values:
            if entry.label == "MEDICAL_RECORD_NUMBER":
                assert entry.value.startswith("MRN-")
                assert len(entry.value) == 10
                values.add(entry.value)
                assert f"<MEDICAL_RECORD_NUMBER>{entry.value}</MEDICAL_RECORD_NUMBER>" in tagged
        assert "<BADGE_CODE>BC-" in tagged
    assert len(values) >= 30


def test_a_sample_that_is_no_hard_negative_holds_a_label_however_small_their_chances() -> None:
    rare = {code: {"name": code, "chance": 0.01, "terms": ["x"]} for code in ("A", "B")}
    labels = build_labels({"version": 1, "labels": rare})
    drawn = [draw_spec(5, index, ("en",), labels, hard_negative_share=0) for index in range(50)]
    assert {code for spec in drawn for code in spec.labels} == {"A", "B"}
    assert all(spec.labels for spec in drawn)


def test_other_subjects_have_no_letters_of_banks_and_clinics(labels: LabelSchema) -> None:
    entities = dataclasses.replace(labels, purpose=Purpose("entities", "games"))
    types = list_document_types(entities)
    assert set(types) < set(DOCUMENT_TYPES)
    assert not any("letter" in name or "contract" in name for name in types)
    assert list_document_types(labels) == tuple(DOCUMENT_TYPES)
    assert list_document_types(
        dataclasses.replace(labels, purpose=Purpose("entities", document_types=("patch notes",)))
    ) == ("patch notes",)
