from __future__ import annotations

from pathlib import Path

import pytest

import goldspan.schemas as schemas
from goldspan.annotation.errors import SchemaError, UnknownNameError
from goldspan.annotation.labels.edit import add_label, measure_contrast, review_labels
from goldspan.annotation.labels.schema import LabelSchema, build_labels, load_labels
from goldspan.annotation.tasks.codec import load_task_validator

SEED_ENTRY = {
    "name": "Medical Record Number",
    "color": "#00838f",
    "chance": 0.1,
    "hints": ["Use formats like MRN-123456 or various hospital ID formats"],
}


def test_the_included_schema_is_complete_and_sound(labels: LabelSchema) -> None:
    assert len(labels.entities) == 26
    assert [label.code for label in labels.mentions] == ["MENTION", "PRONOUN", "REFERENCE"]
    assert review_labels(labels) == []
    assert not labels.entity_codes & labels.mention_codes
    assert len(labels.bio_table) == 53
    assert [code for codes in labels.categories.values() for code in codes] == list(labels.entities)


def test_one_edit_reaches_everything_that_follows_from_the_schema(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_bytes(schemas.path("labels.toml").read_bytes())
    before = load_labels(file)
    added = add_label(file, "MEDICAL_RECORD_NUMBER", SEED_ENTRY)
    after = load_labels(file)
    assert (added.name, added.category, added.layer) == ("Medical Record Number", "Other", "entity")
    assert "B-MEDICAL_RECORD_NUMBER" in after.bio_table
    assert "MEDICAL_RECORD_NUMBER" in load_task_validator(after).schema["$defs"]["entity_label"]["enum"]
    assert "MEDICAL_RECORD_NUMBER" not in load_task_validator(before).schema["$defs"]["entity_label"]["enum"]
    assert after.fingerprint != before.fingerprint
    assert file.read_text().startswith(schemas.path("labels.toml").read_text().rstrip())
    with pytest.raises(SchemaError, match="already"):
        add_label(file, "MEDICAL_RECORD_NUMBER", SEED_ENTRY)


@pytest.mark.parametrize(
    ("code", "fields", "word"),
    [
        ("lower", {"name": "x"}, "lower"),
        ("GOOD", {}, "name"),
        ("GOOD", {"name": "x", "color": "red"}, "color"),
        ("GOOD", {"name": "x", "group": "HELTH"}, "group"),
        ("PRONOUN", {"name": "x"}, "already"),
        ("GOOD", {"name": "x", "validator": "ibann"}, "iban"),
        ("GOOD", {"name": "a\x7fb"}, "on one line"),
        ("GOOD", {"name": "x", "hints": ["a\x01"]}, "control characters"),
        ("A B", {"name": "x"}, "capitals, digits and underscores"),
    ],
)
def test_a_bad_label_changes_nothing(tmp_path: Path, code: str, fields: dict[str, object], word: str) -> None:
    file = tmp_path / "labels.toml"
    original = schemas.path("labels.toml").read_bytes()
    file.write_bytes(original)
    with pytest.raises((SchemaError, UnknownNameError), match=word):
        add_label(file, code, fields)
    assert file.read_bytes() == original


def test_adding_keeps_line_ends_and_rights_and_takes_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_bytes(b'\xef\xbb\xbf[labels.A]\r\nname = "a"\r\n')
    file.chmod(0o600)
    assert add_label(file, "B", {"name": "b"}).name == "b"
    assert file.read_bytes() == b'[labels.A]\r\nname = "a"\r\n\r\n[labels.B]\r\nname = "b"\r\n'
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("labels = [", "not readable TOML"),
        ("", "labels"),
        ('[labels.A]\nname = "a"\nsize = 3', "size"),
        ('[labels.A]\nname = "a"\n[mentions.A]\nname = "a"', "both layers"),
        ('[labels.A]\nname = "a"\npatern = "x"', "did you mean pattern"),
        ('[labels.A]\nname = "a"\nvalues = "lst"', "pattern, list, faker, model or function"),
        ('[labels.A]\ncategory = "a"', "'name' is missing"),
        ('[labels.A]\nname = "a"\n[labels.A]\nname = "b"', "not readable TOML"),
    ],
)
def test_a_broken_file_says_where_and_what(tmp_path: Path, content: str, word: str) -> None:
    file = tmp_path / "labels.toml"
    file.write_text(content)
    with pytest.raises(SchemaError, match=word) as caught:
        load_labels(file)
    assert str(file) in str(caught.value)


def test_a_missing_file_and_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOLDSPAN_LABELS", str(tmp_path / "none.toml"))
    with pytest.raises(SchemaError, match="--labels"):
        load_labels()


def test_unknown_labels_name_the_nearest(labels: LabelSchema) -> None:
    with pytest.raises(UnknownNameError, match="IBAN"):
        labels["IBANN"]


def test_looks_do_not_change_the_fingerprint() -> None:
    plain = build_labels({"labels": {"A": {"name": "a"}}})
    assert plain.fingerprint == build_labels({"labels": {"A": {"name": "a", "color": "#123456"}}}).fingerprint
    assert plain.fingerprint != build_labels({"labels": {"A": {"name": "a", "hints": ["x"]}}}).fingerprint


def test_contrast_is_that_of_wcag() -> None:
    assert measure_contrast("#000000") == pytest.approx(21.0)
    assert measure_contrast("#ffffff") == pytest.approx(1.0)
    assert measure_contrast("#777777") == pytest.approx(4.48, abs=0.01)


def test_doubtful_labels_are_listed() -> None:
    document = {"labels": {
        "A": {"name": "a", "color": "#ffff00", "validator": "luhnn", "hints": ["x"], "hotkey": "a"},
        "B": {"name": "b", "color": "#ffff00", "hotkey": "a"},
    }}  # fmt: skip
    messages = " ".join(finding.message for finding in review_labels(build_labels(document)))
    for word in ("luhnn", "too pale", "share a color: #ffff00 by A, B", "hotkey a is also used by A", "no hints"):
        assert word in messages
