from __future__ import annotations

import pytest

from goldspan.annotation.errors import InputError, UnknownNameError
from goldspan.serving.documents.base import FieldChoice, FileSettings
from tests.serving.documents.conftest import FileMasker

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


def write(columns: dict[str, object]) -> bytes:
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns), sink)
    return bytes(sink.getvalue())


def read(data: bytes) -> dict[str, list[object]]:
    table: dict[str, list[object]] = parquet.read_table(pyarrow.BufferReader(data)).to_pydict()
    return table


def test_text_columns_are_masked_and_others_are_carried_over(mask: FileMasker) -> None:
    source = {"id": [1, 2, 3], "name": ["Ann", None, "Bob"], "tags": [["Ann", None], [], None], "x": [0.5, None, 2.0]}
    written = mask("a.parquet", write(source))
    assert read(written) == source | {
        "name": ["[FIRSTNAME_1]", None, "[FIRSTNAME_2]"],
        "tags": [["[FIRSTNAME_1]", None], [], None],
    }
    assert b"Ann" not in written


def test_a_chosen_column_with_a_label(mask: FileMasker) -> None:
    settings = FileSettings(fields=(FieldChoice("city", "CITY"),))
    written = read(mask("a.parquet", write({"city": ["Xyz", "Xyz"], "name": ["Ann", "Bob"]}), settings))
    assert written == {"city": ["[CITY_1]", "[CITY_1]"], "name": ["Ann", "Bob"]}


def test_many_rows_come_out_in_order(mask: FileMasker) -> None:
    rows = [f"Ann {number}" for number in range(1500)]
    assert read(mask("a.parquet", write({"t": rows})))["t"] == [f"[FIRSTNAME_1] {number}" for number in range(1500)]


def test_text_at_any_depth_and_in_names_of_columns_is_masked(mask: FileMasker) -> None:
    text = pyarrow.string()
    source = {
        "struct": [{"name": "Ann", "at": [{"city": "Berlin", "zip": 10115}]}, None],
        "map": pyarrow.array([[("Ann", ["Bob"])], None], pyarrow.map_(text, pyarrow.list_(text))),
        "category": pyarrow.array(["Ann", None]).dictionary_encode(),
        "view": pyarrow.array(["Bob", None], pyarrow.string_view()),
        "Bob": [1, 2],
    }
    written = mask("a.parquet", write(source))
    assert read(written) == {
        "struct": [{"name": "[FIRSTNAME_2]", "at": [{"city": "[CITY_1]", "zip": 10115}]}, None],
        "map": [[("[FIRSTNAME_2]", ["[FIRSTNAME_1]"])], None],
        "category": ["[FIRSTNAME_2]", None],
        "view": ["[FIRSTNAME_1]", None],
        "[FIRSTNAME_1]": [1, 2],
    }
    assert mask.counts.notes == ["carried over 1 column unread"]


def test_bytes_are_refused_by_name(mask: FileMasker) -> None:
    with pytest.raises(InputError, match="blob"):
        mask("a.parquet", write({"blob": [b"Ann"]}))
    with pytest.raises(UnknownNameError):
        mask("a.parquet", write({"name": ["Ann"]}), FileSettings(fields=(FieldChoice("nome"),)))
    with pytest.raises(InputError, match="Parquet"):
        mask("a.parquet", b"PAR1 not")
    assert not (mask.folder / "out-a.parquet").exists()


@pytest.mark.parametrize("kind", ["struct", "list", "map"])
def test_a_name_of_a_part_of_a_struct_that_would_be_masked_is_refused(mask: FileMasker, kind: str) -> None:
    inner = pyarrow.struct([("Ann", pyarrow.string())])
    types = {"struct": inner, "list": pyarrow.list_(inner), "map": pyarrow.map_(pyarrow.string(), inner)}
    with pytest.raises(InputError, match="part of a struct"):
        mask("a.parquet", write({"x": pyarrow.array([None], types[kind])}))
