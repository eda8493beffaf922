from __future__ import annotations

import datetime

import pytest

import goldspan.schemas as schemas
from goldspan.annotation.errors import RecordError
from goldspan.generators.simulator.plan_checks import check_plan

GOOD = {"kind": "missing"}


@pytest.mark.parametrize(
    ("fault", "pointer", "words"),
    [
        ({"kind": "earthquake"}, "/kind", ["'earthquake'", "Known: accept_and_drop", "wrong_labels"]),
        ({"kind": "truncate"}, "/kind", ["Did you mean truncated", "Known: accept_and_drop"]),
        ({"kind": ["slow"]}, "/kind", ["Known: accept_and_drop"]),
        ({"rate": 1}, "", ["no `kind`", "Known: accept_and_drop"]),
        ({"kind": "truncated", "rate": 2}, "/rate", ["(truncated)", "`rate` is 2", "a number from 0 to 1"]),
        ({"kind": "truncated", "rate": True}, "/rate", ["a number from 0 to 1"]),
        ({"kind": "truncated", "rate": float("nan")}, "/rate", ["a number from 0 to 1"]),
        ({"kind": "missing", "count": 0}, "/count", ["`count` is 0", "a whole number, 1 or more"]),
        ({"kind": "server_error", "call": "creat"}, "/call", ["`call` is 'creat'", "one of upload, create, chat"]),
        ({"kind": "accept_and_drop"}, "", ["needs `call`", "one of upload, create, chat"]),
        ({"kind": "slow"}, "", ["needs `seconds`", "a number, 0 or more"]),
        ({"kind": "slow", "seconds": datetime.date(2020, 1, 1)}, "/seconds", ["a number, 0 or more"]),
        (
            {"kind": "missing", "retry_after": 1},
            "/retry_after",
            ["no `retry_after`", "`kind`, `rate`, `count`, `skip`"],
        ),
    ],
)
def test_a_wrong_fault_is_named_with_its_field_and_what_is_right(fault, pointer, words):
    with pytest.raises(RecordError) as caught:
        check_plan({"faults": [GOOD, fault]})
    assert caught.value.pointer == f"/faults/1{pointer}"
    for word in ["Fault 2 of 2", *words]:
        assert word in caught.value.reason


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"seed": -1}, "`seed` is -1, but must be a whole number, 0 or more"),
        ({"fault": [GOOD]}, "table [[faults]]"),
        ({"faults": GOOD}, "write [[faults]]"),
        ({"faults": ["slow"]}, "write [[faults]]"),
    ],
)
def test_a_wrong_plan_says_how_it_is_written(document, words):
    with pytest.raises(RecordError) as caught:
        check_plan(document)
    assert words in caught.value.reason


def test_every_kind_passes_with_what_it_needs_as_the_schema_says():
    needs = {"call": "create", "seconds": 1, "status": 503}
    for branch in schemas.load("faults")["$defs"]["fault"]["oneOf"]:
        kind = branch["properties"]["kind"]
        for name in kind.get("enum", [kind.get("const")]):
            plan = {"seed": 1, "faults": [{"kind": name, **{key: needs[key] for key in branch.get("required", ())}}]}
            check_plan(plan)
            assert schemas.validator("faults").accepts(plan)
