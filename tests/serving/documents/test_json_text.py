from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import InputError, RecordError
from goldspan.annotation.labels.schema import load_labels
from goldspan.serving.documents.base import FieldChoice, FileSettings
from goldspan.serving.documents.json_text import find_places
from tests.serving.documents.conftest import FileMasker

values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=12,
)


def test_strings_keys_and_escapes_are_masked_and_the_rest_stays(mask: FileMasker) -> None:
    source = '{"a" :  "Ann \\u0026 Bob\\n",\t"b": [1.50, {"bob@mail.com": null}], "c": "\\u00e9"}\n\n{"a": 1e3}\n'
    assert mask("a.jsonl", source).decode() == (
        '{"a" :  "[FIRSTNAME_1] & [FIRSTNAME_2]\\n",\t"b": [1.50, {"[EMAIL_2]": null}], "c": "\\u00e9"}\n\n{"a": 1e3}\n'
    )


def test_paths_choose_values_and_labels_take_them_whole(mask: FileMasker) -> None:
    settings = FileSettings(fields=(FieldChoice("/user/name"), FieldChoice("/ids/*", "TAXNUM")))
    source = '{"user": {"name": "Ann", "nick": "Ann"}, "ids": [123456, "77"]}'
    masked = '{"user": {"name": "[FIRSTNAME_1]", "nick": "Ann"}, "ids": ["[TAXNUM_1]", "[TAXNUM_2]"]}'
    assert mask("a.json", source, settings).decode() == masked


def test_a_path_that_is_not_there_is_refused(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="/user/name"):
        mask("a.json", '{"user": {"name": "Ann"}}', FileSettings(fields=(FieldChoice("/user/nome"),)))


def test_names_share_their_number_over_the_lines_of_a_file(mask: FileMasker) -> None:
    assert mask("a.jsonl", '"Ann"\n"Bob and Ann"\n').decode() == '"[FIRSTNAME_1]"\n"[FIRSTNAME_2] and [FIRSTNAME_1]"\n'


@pytest.mark.parametrize("source", ['{"a": }', '{"a": "Ann"} x', "\ufffe", b'"\xff"'])
def test_broken_json_is_refused(mask: FileMasker, source: str | bytes) -> None:
    for name in ("a.json", "a.jsonl"):
        with pytest.raises((RecordError, InputError)):
            mask(name, source)
        assert not (mask.folder / f"out-{name}").exists()


def test_two_keys_that_become_one_are_refused(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="two keys"):
        mask("a.json", '{"Ann": 1, "Bob": 2}', policy="redact")


@given(values, st.sampled_from([None, 2]), st.booleans())
def test_every_string_number_and_key_is_found_at_its_place(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = [json.loads(text[place.start : place.end]) for place in find_places(text)]
    assert found == list(walk(value))
    for place in find_places(text):
        assert not place.pointer or place.pointer.startswith("/")


def walk(value: Any) -> Any:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)
    elif isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
        yield value


@given(values)
def test_json_without_values_comes_out_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    text = json.dumps(value)
    mask = FileMasker(tmp_path_factory.mktemp("json"), load_labels())
    if not any(word in text for word in ("Ann", "Bob")):
        assert mask("a.json", text).decode() == text
