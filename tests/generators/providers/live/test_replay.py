from __future__ import annotations

import json

import orjson
import pytest

from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.client import Reply
from goldspan.generators.providers.live.replay import iter_stored, make_line
from goldspan.generators.providers.parsing import load_json_bytes, read_completion
from goldspan.generators.providers.replay import replay_answers
from goldspan.generators.runs.queue import PipelineQueue
from tests.generators.small_run import make_work, write_small


def test_kept_answers_are_delivered_once_and_torn_lines_passed_over(tmp_path):
    with Journal(tmp_path / "run", create=True) as journal:
        requests = PipelineQueue(journal, make_work(3), Budget(Prices())).take(3)
        raw = journal.open_raw("live")
        for number, request in enumerate(requests):
            choice = {"message": {"content": write_small(request.body)}, "finish_reason": "stop"}
            line = orjson.dumps({"custom_id": request.custom_id, "body": {"choices": [choice]}})
            raw.append(line if number < 2 else line[:40])
        raw.close()
    with Journal(tmp_path / "run") as journal:
        queue = PipelineQueue(journal, make_work(3), Budget(Prices()))
        assert replay_answers(journal, queue) == 2
        assert journal.count_rows() == {
            ("draft", "ok"): 2,
            ("draft", "pending"): 1,
            ("coreference", "pending"): 2,
        }
        assert replay_answers(journal, queue) == 0


DOCUMENT = {"choices": [{"message": {"content": "Zoë\nleft <CITY>Rīga</CITY>"}, "finish_reason": "stop"}]}
ONE_LINE = json.dumps(DOCUMENT, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "raw",
    [
        ONE_LINE,
        json.dumps(DOCUMENT, indent=2).encode(),
        b"\xef\xbb\xbf" + ONE_LINE,
        b"\r\n\r\n" + ONE_LINE + b"\r\n",
        ONE_LINE.replace(b"\\n", b"\n"),
        ONE_LINE.replace(b"Zo", b"\xed\xa0\x80"),
    ],
    ids=["one line", "indented", "byte order mark", "blank lines", "raw line break", "lone surrogate"],
)
def test_an_answer_is_stored_as_one_line_that_says_the_same(tmp_path, raw):
    body = load_json_bytes(raw)
    with Journal(tmp_path / "run", create=True) as journal:
        log = journal.open_raw("live")
        log.append(make_line("a", Reply(raw, body)))
        log.append(make_line("b", Reply(ONE_LINE, DOCUMENT)))
        log.close()
    expected = [read_completion("a", body), read_completion("b", DOCUMENT)]
    assert list(iter_stored(tmp_path / "run")) == expected
    assert list(iter_stored(tmp_path / "run", {"b"})) == expected[1:]
