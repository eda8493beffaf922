from __future__ import annotations

import pytest

from goldspan.annotation.errors import ConfigurationError, InputError, RecordError
from goldspan.generators.simulator.corruptions import CONTENT, LINE, apply_faults
from goldspan.generators.simulator.examples import make_example
from goldspan.generators.simulator.faults import build_plan, draw_number, load_plan
from goldspan.generators.simulator.latency import Latency, parse_latency
from goldspan.generators.simulator.model_output import ModelOutput


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "earthquake"},
        {"kind": "accept_and_drop"},
        {"kind": "truncated", "rate": 2},
        {"kind": "slow"},
        {"kind": "missing", "retry_after": 1},
    ],
)
def test_wrong_plans_are_refused_with_a_pointer(fault):
    with pytest.raises(RecordError) as caught:
        build_plan({"faults": [fault]})
    assert caught.value.pointer.startswith("/faults/0")


def test_a_refused_plan_names_the_file_and_the_fault(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('[[faults]]\nkind = "missing"\n[[faults]]\nkind = "truncated"\nrate = 2\n')
    with pytest.raises(RecordError, match=r"plan\.toml#/faults/1/rate: Fault 2 of 2 \(truncated\)"):
        load_plan(path)


def test_plan_from_toml(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text('seed = 3\n[[faults]]\nkind = "truncated"\nrate = 0.5\n')
    plan = load_plan(path)
    assert plan.seed == 3
    assert plan.faults[0].rate == 0.5
    path.write_text("seed = ")
    with pytest.raises(InputError, match="not readable TOML"):
        load_plan(path)
    path.write_bytes(b'seed = "\xff"')
    with pytest.raises(InputError, match="not UTF-8"):
        load_plan(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_plan(tmp_path / "none.toml")


def test_draws_depend_on_their_key_alone():
    assert draw_number(1, "a") == draw_number(1, "a") != draw_number(2, "a")
    mean = sum(draw_number(1, n) for n in range(2000)) / 2000
    assert 0.47 < mean < 0.53


def test_latencies():
    assert parse_latency("0.5") == Latency("fixed", 0.5)
    assert 0.2 <= parse_latency("0.2..1.5").draw(1, "a") <= 1.5
    draws = sorted(parse_latency("0.5~0.8").draw(1, str(n)) for n in range(999))
    assert draws[499] == pytest.approx(0.5, rel=0.15)
    for wrong in ("fast", "1..", "-1", "nan", "0..inf"):
        with pytest.raises(ConfigurationError):
            parse_latency(wrong)


def test_a_latency_range_goes_upwards():
    with pytest.raises(ConfigurationError, match="first number must not be larger"):
        parse_latency("3..1")
    assert parse_latency("1..1").draw(1, "a") == 1
    assert parse_latency("3~1").low == 3


def test_spoilers_on_tagged_text():
    written = ModelOutput('{"tagged_text": "Ann lives in <CITY>Lyon</CITY> near the river."}')
    assert "<CITY>" not in apply_faults(written, ["wrong_labels"], CONTENT).content
    assert "Ann indeed lives" in apply_faults(written, ["changed_text"], CONTENT).content


@pytest.mark.parametrize("kind", sorted(CONTENT))
def test_every_fault_of_content_changes_the_output(kind):
    written = ModelOutput('{"tagged_text": "Ann lives in <CITY>Lyon</CITY>. <FIRSTNAME>Bo</FIRSTNAME> too."}')
    assert apply_faults(written, [kind], CONTENT) != written


def test_lines_keep_their_bytes_but_for_the_fault():
    line = b'{"custom_id":"a","response":{"status_code":200,"body":{"x":1}},"error":null}'
    assert apply_faults(line, ["byte_order_mark"], LINE) == b"\xef\xbb\xbf" + line
    assert b'"status_code":"200"' in apply_faults(line, ["status_as_text"], LINE)
    assert apply_faults(line, [], LINE) == line


def test_examples_keep_references_and_lists():
    schema = {
        "type": "object",
        "required": ["rows"],
        "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}},
        "$defs": {"row": {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": ["a", "b"]}}}},
    }
    assert make_example(schema) == {"rows": [{"kind": "a"}]}
