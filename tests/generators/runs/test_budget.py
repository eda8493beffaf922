"""Budgets hold: whatever answers take, and whichever process has sent the requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.submissions import plan_submission
from goldspan.generators.providers.budget import Budget, Prices, count_prompt_tokens
from goldspan.generators.providers.protocol import Answer, Request
from goldspan.generators.runs.pipeline import RunOutcome
from goldspan.generators.runs.queue import PipelineQueue
from tests.generators.scripted import ScriptedExecutor, answer_well, drive_scripted, make_settings
from tests.generators.small_run import make_work


@pytest.mark.parametrize("tokens_out", [20, 1500, 4000])
def test_a_wave_of_long_answers_does_not_overrun_the_budget(tmp_path, tokens_out):
    def answer(request: Request) -> Answer:
        tokens_in = count_prompt_tokens(request.body)
        return replace(answer_well(request), tokens_in=tokens_in, tokens_out=tokens_out)

    executor = ScriptedExecutor(answer, at_once=100)
    summary = drive_scripted(tmp_path, make_settings(samples=100), executor, max_tokens=200_000)
    spent = summary.progress.tokens_in + summary.progress.tokens_out
    assert summary.outcome is RunOutcome.BUDGET
    assert 180_000 < spent <= 200_000


def test_rows_left_with_the_provider_hold_their_share_of_the_budget(tmp_path):
    budget = Budget(Prices(), max_tokens=60_000)
    with Journal(tmp_path / "run", create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(1000), budget)
        taken = [request.custom_id for request in queue.take(1000)]
        plan_submission(journal, "intent", taken, state="submitted")
    assert 5 < len(taken) < 1000
    with Journal(tmp_path / "run", lock=True) as journal:
        again = PipelineQueue(journal, make_work(1000), Budget(Prices(), max_tokens=60_000))
        assert again.take(1000) == []
