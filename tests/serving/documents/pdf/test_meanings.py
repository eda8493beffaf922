from __future__ import annotations

import pytest

from goldspan.serving.documents.pdf.meanings import read_meanings, write_meanings

TABLE = b"""1 begincodespacerange <00> <FF> endcodespacerange
2 beginbfchar % <09> <0041>
<01> <0041> <0002> <00660069>
endbfchar
3 beginbfrange
<20> <22> <0020>
<30> <31> [<0058> <D835DC00>]
<40> <40> <5A>
endbfrange"""


def test_entries_of_all_forms_are_read_and_written() -> None:
    meanings = {1: "A", 2: "fi", 32: " ", 33: "!", 34: '"', 48: "X", 49: "\U0001d400", 64: "Z"}
    assert read_meanings(TABLE) == meanings
    many = meanings | dict.fromkeys(range(300, 600), "a")
    assert read_meanings(write_meanings(many, 2)) == many
    assert read_meanings(write_meanings({}, 1)) == {}


@pytest.mark.parametrize("entry", [b"<01>", b"<> <0041>", b"<01> <004>", b"<01> <00410042D8>"])
def test_a_broken_table_is_refused(entry: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_meanings(b"1 beginbfchar " + entry + b" endbfchar")
