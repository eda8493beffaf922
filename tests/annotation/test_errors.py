from __future__ import annotations

from goldspan.annotation.errors import RecordError, UnknownNameError


def test_a_file_whose_name_is_no_utf8_can_be_named() -> None:
    message = str(RecordError("not valid JSON", file="caf\udce9.jsonl", line=3))
    assert message.encode().decode() == "caf\ufffd.jsonl:3: not valid JSON"


def test_an_unknown_name_where_none_is_known() -> None:
    assert str(UnknownNameError("run", "nope", [])) == "Unknown run 'nope'. Known: none yet."
