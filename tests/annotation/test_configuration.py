from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import goldspan.schemas as schemas
from goldspan.annotation.configuration import find_line, parse_toml, read_configuration, require_least
from goldspan.annotation.environment import read_env_file
from goldspan.annotation.errors import ConfigurationError, InputError, SchemaError
from goldspan.annotation.labels.schema import load_labels
from goldspan.annotation.labels.taxonomy import read_taxonomy
from goldspan.generators.mixing.plan import load_mix
from goldspan.masking.policy import load_policy
from goldspan.training.config import read_config

PROJECT = """# a project
name = "Tickets"
purpose = "pii"

[label_studio]
port = 8080
"""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (('purpose = "pii"', 'purpose = "gdpr"'), [":3: purpose: ", "pii (personal data", "entities"]),
        (("port = 8080", "port = 80"), [":6: label_studio.port: ", "a port from 1024 to 65535"]),
        (
            ("port = 8080", 'prot = 8080\nurl = "http://x"'),
            [":6: label_studio.prot: ", "unknown key 'prot'", "did you mean port?"],
        ),
        (('name = "Tickets"', ""), ["the key 'name' is missing"]),
        (('name = "Tickets"', 'name = "a\\nb"'), [":2: name: ", "1 to 100 characters on one line"]),
        (('name = "Tickets"', "name = Tickets"), ["not readable TOML", "line 2"]),
        (("[label_studio]", "languages = ['english']\n[label_studio]"), [":5: languages.0: ", "an ISO 639-1 code"]),
    ],
)
def test_a_broken_file_says_where_and_what_would_be_right(
    tmp_path: Path, change: tuple[str, str], expected: list[str]
) -> None:
    file = tmp_path / "goldspan.toml"
    file.write_text(PROJECT.replace(*change))
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(file, "project", ConfigurationError)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert all(text in message for text in expected), message
    assert len(message.splitlines()) <= 2


def test_all_faults_of_a_file_are_named_in_its_order(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_text(
        """defaulttarget = 3

[labels.person]
name = "Person"

[labels.CITY]
kind = "indirect"
color = "red"
hints = "a city"
cathegory = "Places"
"""
    )
    with pytest.raises(SchemaError) as caught:
        load_labels(file)
    faults = [
        ":1: defaulttarget: unknown key 'defaulttarget' (did you mean default_target?).",
        ':3: labels.person: "person" is not allowed; expected a code of at most 40 capitals, ',
        ":6: labels.CITY: the key 'name' is missing.",
        ':7: labels.CITY.kind: "indirect" is not allowed; expected direct, quasi, none.',
        ":8: labels.CITY.color: ",
        ':9: labels.CITY.hints: "a city" is not allowed; expected a list.',
        ":10: labels.CITY.cathegory: unknown key 'cathegory' (did you mean category?).",
    ]
    lines = str(caught.value).splitlines()
    assert len(lines) == len(faults), lines
    for line, fault in zip(lines, faults, strict=True):
        assert line.startswith(f"{file}{fault}")


def test_of_very_many_faults_the_first_are_named(tmp_path: Path) -> None:
    file = tmp_path / "labels.toml"
    file.write_text("".join(f"[labels.L{number}]\n" for number in range(200)))
    with pytest.raises(SchemaError) as caught:
        load_labels(file)
    assert str(caught.value).splitlines()[-1] == "And 150 more."


@pytest.mark.parametrize("content", [b"name = '\xff'", b"[" * 5000])
def test_files_that_are_no_toml_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "goldspan.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"goldspan\.toml"):
        read_configuration(file, "project", ConfigurationError)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_configuration(tmp_path / "none.toml", "project", ConfigurationError)


def test_a_byte_order_mark_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "goldspan.toml"
    file.write_bytes(b"\xef\xbb\xbf" + PROJECT.encode())
    assert read_configuration(file, "project", ConfigurationError)["name"] == "Tickets"


@pytest.mark.parametrize(
    ("pointer", "line"), [("/name", 2), ("/label_studio/port", 6), ("/label_studio/none", 5), ("/none", 0), ("", 0)]
)
def test_lines_of_values(pointer: str, line: int) -> None:
    assert find_line(PROJECT, pointer) == line


def test_only_line_ends_count_as_lines() -> None:
    assert find_line("title = 'one\u2028two'\nname = 'x'\n", "/name") == 2


KEYS = [
    "name",
    "purpose",
    "labels",
    "languages",
    "label_studio",
    "port",
    "A",
    "B_2",
    "pattern",
    "terms",
    "values",
    "chance",
    "kind",
    "mentions",
    "relations",
    "reviewed",
    "samples",
    "coverage",
]
PLAIN = st.none() | st.booleans() | st.integers(-3, 70000) | st.text(max_size=5) | st.sampled_from(["pii", "en"])
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", ["project", "labels", "gate", "taxonomy"])
@given(document=VALUES)
def test_both_validators_come_to_the_same_verdict(name: str, document: Any) -> None:
    validator = schemas.validator(name)
    problems = validator.list_best_problems(document)
    assert bool(problems) != validator.accepts(document)
    from jsonschema import Draft202012Validator

    assert Draft202012Validator(dict(validator.schema)).is_valid(document) == validator.accepts(document)
    for problem in problems:
        assert problem.message
        assert len(problem.message) < 320
    json.dumps(document)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = " + "[" * 5000, "nested too deep"),
        ("x = " + "9" * 5000, "integer is too long"),
        (".".join("a" * 20_000) + " = 1", "more than 64 parts"),
        ("[" + " . ".join(['"a.b"'] * 200) + "]", "more than 64 parts"),
        ("x = ", "Invalid value"),
    ],
)
def test_toml_that_would_exhaust_the_parser_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match=reason):
        parse_toml(text)


def test_long_sentences_and_numbers_are_no_long_keys() -> None:
    text = 'a.b.c = """' + "one thing. another thing. " * 100 + '= ]"""\nx = 1.5 # ' + "a." * 100
    assert parse_toml(text)["x"] == 1.5


@pytest.mark.parametrize("name", ["/dev/zero", "large.toml"])
def test_a_device_or_an_endless_file_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A project of a stranger may name any file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("goldspan.annotation.files.LARGEST_SETTINGS", 100)
    Path("large.toml").write_text("# " + "a" * 100)
    readers = (load_policy, load_mix, read_config, read_taxonomy, load_labels)
    for read in readers:
        with pytest.raises(InputError, match=r"device|larger"):
            read(Path(name))
    assert read_env_file(Path(name)) == {}


def test_settings_that_are_too_small_or_not_finite_are_named_together() -> None:
    settings = SimpleNamespace(shots=-1, attempts=0, temperature=float("nan"), rate=float("inf"), good=3)
    least = {"shots": 0, "attempts": 1, "temperature": 0, "rate": 0, "good": 3}
    with pytest.raises(ConfigurationError) as refused:
        require_least("the model", settings, least)
    assert str(refused.value) == (
        "Settings of the model: shots is at least 0, not -1; attempts is at least 1, not 0; temperature is at least 0, "
        "not nan; rate is at least 0, not inf."
    )
    require_least("the model", settings, {"good": 2.5})
