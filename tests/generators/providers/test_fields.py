from __future__ import annotations

import pytest

from goldspan.generators.providers.batch.lines import parse_line
from goldspan.generators.providers.batch.replies import read_batch
from goldspan.generators.providers.fields import read_count, read_number, read_time
from goldspan.generators.providers.parsing import load_json_bytes, read_completion
from goldspan.generators.providers.protocol import AnswerState

HUGE = "1" + "0" * 400


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", HUGE, f'"{HUGE}"', "true", "null", "[]", '"many"', "{}"])
def test_numbers_that_are_none_stop_nothing(number: str) -> None:
    value = load_json_bytes(number.encode())
    assert read_number({"n": value, "other": 7}, "n", "other") == 7
    assert (read_count({"n": value}, "n"), read_time({"n": value}, "n")) == (0, 0.0)
    batch = read_batch(
        load_json_bytes(
            f'{{"id": "b", "status": "completed", "created_at": {number}, "request_counts": '
            f'{{"total": {number}, "completed": {number}}}, "errors": {{"data": [{{"line": {number}}}]}}}}'.encode()
        )
    )
    assert batch is not None
    assert (batch.total, batch.created_at, batch.problems[0].line) == (0, 0.0, 0)
    line = f'{{"custom_id": "a", "response": {{"status_code": {number}, "body": {{"choices": []}}}}}}'
    answer = parse_line(line.encode()).answer
    assert answer is not None
    assert answer.state is AnswerState.FAILED
    body = load_json_bytes(
        f'{{"choices": [{{"message": {{"content": "x"}}}}], "usage": {{"prompt_tokens": {number}}}}}'.encode()
    )
    assert read_completion("a", body).tokens_in == 0


def test_numbers_and_times_written_as_text_count() -> None:
    assert read_count({"n": "12"}, "n") == 12
    assert read_time({"n": "1970-01-02T00:00:00Z"}, "n") == 86_400
    assert read_time({"n": "0001-01-01T00:00:00"}, "n", "other") == 0.0


def test_a_body_of_text_that_nests_too_deep_is_a_failed_row() -> None:
    line = b'{"custom_id": "a", "response": {"status_code": 200, "body": "' + b"[" * 100_000 + b'"}}'
    answer = parse_line(line).answer
    assert answer is not None
    assert answer.state is AnswerState.FAILED
