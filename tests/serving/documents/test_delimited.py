from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldspan.annotation.errors import InputError, RecordError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema, load_labels
from goldspan.serving.documents.base import FieldChoice, FileSettings
from tests.serving.documents.conftest import FileMasker

SOURCE = 'id;name;"note"\r\n1;Ann Smith;"said ""hi"" to Bob;\nand left"\r\n2;;x\r\n"3";"Bob";\r\n'


def test_cells_that_are_not_masked_stay_byte_for_byte(mask: FileMasker) -> None:
    assert mask("a.csv", SOURCE).decode() == (
        'id;name;"note"\r\n1;[FIRSTNAME_1] [SURNAME_1];"said ""hi"" to [FIRSTNAME_2];\nand left"\r\n2;;x\r\n'
        '"3";"[FIRSTNAME_2]";\r\n'
    )
    assert mask.counts.units == 4


def test_only_chosen_columns_are_masked_and_a_label_takes_the_whole_cell(mask: FileMasker) -> None:
    settings = FileSettings(fields=(FieldChoice("name", "SURNAME"),))
    written = mask("a.csv", "id,name,note\n1,Unheard-of,Ann\n2, van Dyk ,Bob\n3,,\n", settings).decode()
    assert written == "id,name,note\n1,[SURNAME_1],Ann\n2, [SURNAME_2] ,Bob\n3,,\n"


def test_an_unknown_column_is_refused(mask: FileMasker) -> None:
    with pytest.raises(UnknownNameError, match="name"):
        mask("a.csv", "id,name\n1,Ann\n", FileSettings(fields=(FieldChoice("nome"),)))


@pytest.mark.parametrize("source", ['a,b\n"x" y,1\n', 'a,b\n"open,1\n', b"a,b\nZo\xeb,1\n"])
def test_broken_files_are_refused(mask: FileMasker, source: str | bytes) -> None:
    with pytest.raises((RecordError, InputError)):
        mask("a.csv", source)
    assert not (mask.folder / "out-a.csv").exists()


@given(
    st.lists(st.lists(st.text(st.sampled_from("ab,;\"\n\r 'é"), max_size=6), min_size=2, max_size=2), max_size=8),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_any_table_without_values_comes_out_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], quoting: int, end: str
) -> None:
    stream = io.StringIO()
    csv.writer(stream, quoting=quoting, lineterminator=end).writerows([["c,1", "c2"], *rows])
    mask = FileMasker(tmp_path_factory.mktemp("csv"), load_labels())
    assert mask("a.csv", stream.getvalue()).decode() == stream.getvalue()


def test_a_tab_separated_file_with_a_byte_order_mark(mask: FileMasker) -> None:
    settings = FileSettings(fields=(FieldChoice("name"),))
    assert mask("a.tsv", "\ufeffname\tx\nAnn\t1\n", settings).decode() == "\ufeffname\tx\n[FIRSTNAME_1]\t1\n"


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_byte_order_mark_stays_before_a_masked_cell(mask: FileMasker, quote: str) -> None:
    expected = f"\ufeff{quote}[FIRSTNAME_1]{quote},x\n"
    assert mask("a.csv", f"\ufeff{quote}Ann{quote},x\n").decode() == expected


def test_a_masked_cell_that_needs_quotes_gets_them(mask: FileMasker, labels: LabelSchema) -> None:
    written = mask("a.csv", 'a,b\n"Ann, 1",x\n').decode()
    assert written == 'a,b\n"[FIRSTNAME_1], 1",x\n'
