from __future__ import annotations

from pathlib import Path

import pytest

import goldspan.schemas as schemas
from goldspan.annotation.errors import SchemaError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.labels.taxonomy import (
    check_taxonomy,
    find_taxonomy,
    list_taxonomies,
    load_taxonomy,
    open_taxonomy,
    read_taxonomy,
)

GROUPS = (
    "PERSON", "CONTACT", "LOCATION", "DATE_TIME", "GOVERNMENT_ID",
    "FINANCIAL", "ORGANIZATION", "NETWORK_IDENTIFIER", "DEVICE_IDENTIFIER", "AUTHENTICATION",
    "VEHICLE", "DEMOGRAPHIC", "EMPLOYMENT", "HEALTH", "BIOMETRIC",
    "EDUCATION", "NOT_PII", "OTHER",
)  # fmt: skip
"""Depth-2 branches of presidio-evaluator's hierarchy, and OTHER."""

REACH = {
    "kiji": 26,
    "ai4privacy-200k": 19,
    "ai4privacy-300k": 17,
    "ai4privacy-400k": 16,
    "openpii-500k": 15,
    "nemotron-pii": 22,
    "presidio": 15,
    "tab": 1,
}


def test_every_source_has_a_taxonomy() -> None:
    assert set(list_taxonomies()) == {*REACH, "gretel"}


@pytest.mark.parametrize("name", list_taxonomies())
def test_taxonomies_agree_with_the_label_schema(name: str, labels: LabelSchema) -> None:
    taxonomy = load_taxonomy(name)
    assert check_taxonomy(taxonomy, labels) == []
    assert all(target.group in GROUPS for target in taxonomy.targets.values())
    assert all(target.label or not target.lossy for target in taxonomy.targets.values())
    assert taxonomy.boundaries


@pytest.mark.parametrize(("name", "count"), REACH.items())
def test_reach(name: str, count: int, labels: LabelSchema) -> None:
    assert len(load_taxonomy(name).list_covered(labels)) == count


def test_no_source_but_kiji_fills_all_labels(labels: LabelSchema) -> None:
    unreached = {
        name: set(labels.entity_codes) - set(load_taxonomy(name).list_covered(labels))
        for name in REACH
        if name != "kiji"
    }
    assert all(unreached.values())
    assert unreached["ai4privacy-200k"] == {
        "COUNTRY", "DRIVERLICENSENUM", "PASSPORTID", "NATIONALID", "IDCARDNUM", "TAXNUM", "SECURITYTOKEN",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "outside", "label", "group", "lossy"),
    [
        ("ai4privacy-200k", "LASTNAME", "SURNAME", "PERSON", False),
        ("ai4privacy-200k", "MIDDLENAME", "FIRSTNAME", "PERSON", True),
        ("ai4privacy-200k", "ACCOUNTNAME", "", "NOT_PII", False),
        ("ai4privacy-300k", "IDCARD", "IDCARDNUM", "GOVERNMENT_ID", False),
        ("nemotron-pii", "vehicle_identifier", "", "VEHICLE", False),
        ("nemotron-pii", "street_address", "STREET", "LOCATION", True),
        ("presidio", "PERSON", "", "PERSON", False),
        ("kiji", "DOB", "DATEOFBIRTH", "DATE_TIME", False),
    ],
)
def test_mappings(name: str, outside: str, label: str, group: str, lossy: bool) -> None:
    target = load_taxonomy(name).resolve(outside)
    assert (target.label, target.group, target.lossy) == (label, group, lossy)


def test_unknown_names_say_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="first_name"):
        load_taxonomy("nemotron-pii").resolve("firstname")
    with pytest.raises(UnknownNameError, match="nemotron-pii"):
        load_taxonomy("nemotron")


def test_a_label_named_twice_is_an_error(tmp_path: Path) -> None:
    original = schemas.path("taxonomies/tab.toml").read_text()
    broken = tmp_path / "tab.toml"
    broken.write_text(original + 'ORG = { label = "", group = "ORGANIZATION" }\n')
    with pytest.raises(SchemaError, match="Cannot overwrite a value"):
        read_taxonomy(broken)
    broken.write_text(original.replace('group = "ORGANIZATION"', 'group = "ORGANISATION"'))
    with pytest.raises(SchemaError, match="/labels/ORG/group"):
        read_taxonomy(broken)


def test_labels_that_are_not_ours_are_found(labels: LabelSchema, tmp_path: Path) -> None:
    original = schemas.path("taxonomies/tab.toml").read_text()
    changed = tmp_path / "tab.toml"
    changed.write_text(original.replace("COMPANYNAME", "EMPLOYER"))
    assert check_taxonomy(read_taxonomy(changed), labels) == [
        "tab: ORG maps to EMPLOYER, which the label schema lacks."
    ]
    changed.write_text(original.replace('"COMPANYNAME", group = "ORGANIZATION"', '"COMPANYNAME", group = "PERSON"'))
    assert "belongs to ORGANIZATION" in check_taxonomy(read_taxonomy(changed), labels)[0]


def test_taxonomies_are_found_by_repository_or_labels() -> None:
    assert find_taxonomy("ai4privacy/pii-masking-300k").name == "ai4privacy-300k"
    assert find_taxonomy("NVIDIA/nemotron-pii").name == "nemotron-pii"
    assert find_taxonomy("someone/else", {"GIVENNAME1", "TEL"}).name == "ai4privacy-300k"
    with pytest.raises(UnknownNameError, match="--taxonomy"):
        find_taxonomy("someone/else", {"GIVENNAME1", "first_name"})
    with pytest.raises(UnknownNameError):
        find_taxonomy("someone/else")


def test_the_label_schema_is_a_taxonomy_of_its_own(labels: LabelSchema) -> None:
    own = open_taxonomy("own", labels)
    assert check_taxonomy(own, labels) == []
    assert len(own.list_covered(labels)) == len(labels.entities)
    assert own.resolve("DOB").label == "DATEOFBIRTH"
    smaller = LabelSchema(tuple(label for label in labels.labels if label.code != "DATEOFBIRTH"))
    with pytest.raises(UnknownNameError):
        open_taxonomy("own", smaller).resolve("DOB")
    assert open_taxonomy("tab", labels) is load_taxonomy("tab")
