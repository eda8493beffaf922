from __future__ import annotations

import orjson

from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.live.replay import replay_answers
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
        assert replay_answers(journal, queue, "live") == 2
        assert journal.count_rows() == {
            ("draft", "ok"): 2,
            ("draft", "pending"): 1,
            ("coreference", "pending"): 2,
        }
        assert replay_answers(journal, queue, "live") == 0
        assert replay_answers(journal, queue, "none") == 0
