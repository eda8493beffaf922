"""The request queue of a run: rows go out, answers come in, every step is committed before the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import OPEN_STATES, Item, Row, RowKey
from goldspan.generators.providers.budget import Budget, count_prompt_tokens, estimate_usage
from goldspan.generators.providers.protocol import Answer, Request
from goldspan.generators.runs.novelty import REPEATED, NoveltyCheck
from goldspan.generators.stages.answers import AnswerVerdict, judge_answer
from goldspan.generators.stages.context import AnswerContext
from goldspan.generators.stages.stage import OPTIONAL_STAGES, Stage, StageInput

_HELD = 512
"""Questions that are held in memory from the moment their row is written until it is decided."""
_MEASURED = 20
"""Rows of a stage that are built again to measure their prompts; building all would take long."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A row's request with what it was built from, which its answer is judged by."""

    request: Request
    item: Item
    tagged_text: str


@dataclass(frozen=True, slots=True)
class Workload:
    """The work of a run: `total` items, each stage asked at most `attempts` times.

    `draw_brief` takes an item and a variant: the first brief is variant 0; others have its values, told differently.
    `novelty` judges drafts that are right; None accepts all of them. `is_trusted`: the author tags nothing wrongly.
    `is_changed`: the run was begun with other labels or prompts, so answers are not judged; their rows are ready again,
    and are given the stored answers when the run goes on as it was begun.
    """

    total: int
    stages: Mapping[str, Stage]
    labels: LabelSchema
    draw_brief: Callable[[int, int], dict[str, Any]]
    attempts: int = 3
    novelty: NoveltyCheck | None = None
    is_trusted: bool = False
    is_changed: bool = False


class PipelineQueue:
    """The `RequestQueue` of a run (see `goldspan.generators.providers.protocol`).

    Items are drawn when there is room for them, so memory does not grow with the run: what waits, waits in the journal.
    """

    def __init__(self, journal: Journal, work: Workload, budget: Budget) -> None:
        self._journal, self._workload, self._budget = journal, work, budget
        self._order = list(work.stages)
        self._changed = asyncio.Event()
        self._next_item = journal.next_item()
        journal.release_unclaimed()
        counts = journal.count_open()
        self._pending, self._outstanding = counts["pending"], counts["submitted"]
        self.stopped_by = ""
        self._held = False
        self._held_questions: dict[str, _Question] = {}
        if self._outstanding and budget.limited and not work.is_changed:
            self._hold_outstanding()

    def _hold_outstanding(self) -> None:
        """Set aside what the rows take that an earlier process has sent."""
        for stage in self._order:
            if rows := self._journal.list_submitted(stage):
                requests = [self._recall(row).request for row in rows[:: len(rows) // _MEASURED + 1]]
                like = max(requests, key=lambda request: count_prompt_tokens(request.body))
                self._budget.hold_outstanding(rows, like, self._count_later(stage))

    @property
    def finished(self) -> bool:
        """True when no row is ready, none is outstanding and none will come."""
        return not self._outstanding and not self._is_ready()

    def _is_ready(self) -> bool:
        return not (self.stopped_by or self._held) and (self._pending > 0 or self._next_item < self._workload.total)

    def stop(self, reason: str) -> None:
        """Hand out nothing more."""
        self.stopped_by = self.stopped_by or reason
        self._changed.set()

    async def wait(self, timeout: float | None = None) -> None:
        """Sleep until a row may be ready or the queue is finished, at most `timeout` seconds."""
        if self._is_ready() or self.finished:
            return
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), timeout)
        except TimeoutError:
            return

    def take(self, limit: int) -> list[Request]:
        """Up to `limit` requests that are ready now, each marked as submitted; empty when none is ready."""
        if not self._is_ready() or limit < 1:
            return []
        requests: list[Request] = []
        with self._journal.transaction():
            self._begin_items(limit - self._pending)
            for row in self._journal.list_pending(limit):
                request = self._recall(row).request
                is_alone = not (requests or self._outstanding)
                if not self._budget.reserve(request, self._count_later(row.stage), is_alone=is_alone):
                    self._hold(bool(requests))
                    break
                requests.append(request)
            self._journal.set_submitted(request.custom_id for request in requests)
        self._pending -= len(requests)
        self._outstanding += len(requests)
        return requests

    def _hold(self, taken: bool) -> None:
        """What is on its way has set aside more than it will take: wait for it, and stop when nothing is."""
        if taken or self._outstanding:
            self._held = True
        else:
            self.stop("budget")

    def _count_later(self, stage: str) -> int:
        return len(self._order) - 1 - self._order.index(stage)

    def _begin_items(self, count: int) -> None:
        for _ in range(min(count, self._workload.total - self._next_item)):
            number = self._next_item
            item = Item(number, self._workload.draw_brief(number, 0), "open", self._order[0])
            self._journal.add_item(number, item.spec, item.stage)
            self._add_row(item, item.stage, 1)
            self._next_item += 1

    def _add_row(self, item: Item, stage: str, attempt: int, problem: str = "", tagged_text: str | None = None) -> None:
        """Add a row to be asked; `tagged_text` is the input of the stage, where it is known."""
        question = self._build(item, stage, attempt, problem, tagged_text)
        custom_id = question.request.custom_id
        self._journal.add_row(custom_id, RowKey(item.item, stage, attempt), reason=problem)
        if len(self._held_questions) < _HELD:
            self._held_questions[custom_id] = question
        self._pending += 1

    def _build(self, item: Item, stage: str, attempt: int, problem: str, tagged_text: str | None = None) -> _Question:
        if tagged_text is None:
            tagged_text = self._find_input(item.item, stage)
        truncations = self._journal.count_answers(item.item, stage, "truncated") if attempt > 1 else 0
        asked = StageInput(stage, item.item, attempt, item.spec, tagged_text, problem, truncations)
        return _Question(self._workload.stages[stage].build_request(asked), item, tagged_text)

    def _recall(self, row: Row) -> _Question:
        """The question of a row, from memory or built anew."""
        if question := self._held_questions.get(row.custom_id):
            return question
        question = self._build(self._journal.read_item(row.item), row.stage, row.attempt, row.reason)
        return replace(question, request=replace(question.request, custom_id=row.custom_id))

    def _find_input(self, item: int, stage: str) -> str:
        position = self._order.index(stage)
        if position == 0:
            return ""
        result: str = self._journal.read_results(item)[self._order[position - 1]]["tagged_text"]
        return result

    def deliver(self, answers: Sequence[Answer]) -> None:
        """Judge and commit answers; when this returns they are in the journal."""
        if self._workload.is_changed:
            self.give_back(answer.custom_id for answer in answers)
            return
        with self._journal.transaction():
            for answer in answers:
                row = self._journal.find_row(answer.custom_id)
                if row is not None and row.state in OPEN_STATES:
                    self._decide(row, answer)
        self._held = False
        self._changed.set()

    def _decide(self, row: Row, answer: Answer) -> None:
        question = self._held_questions.pop(row.custom_id, None)
        item = question.item if question else self._journal.read_item(row.item)
        tagged_text = question.tagged_text if question else self._find_input(row.item, row.stage)
        is_final = row.attempt - item.first_attempt + 1 >= self._workload.attempts
        context = AnswerContext(self._workload.labels, item.spec, tagged_text, is_final, self._workload.is_trusted)
        verdict = judge_answer(answer, row.stage, context)
        if self._workload.novelty and row.stage == self._order[0]:
            verdict = self._workload.novelty.judge(verdict, is_final=is_final)
        if answer.content and not (answer.tokens_in and answer.tokens_out):
            answer = estimate_usage(answer, (question or self._recall(row)).request.body)
        self._journal.decide_row(
            replace(
                row,
                state=verdict.state,
                reason=verdict.reason,
                result=verdict.result,
                finish_reason=answer.finish_reason,
                model=answer.model,
                tokens_in=answer.tokens_in,
                tokens_out=answer.tokens_out,
                cost=self._budget.settle(answer, row.stage),
            )
        )
        if row.state == "submitted":
            self._outstanding -= 1
        else:
            self._pending -= 1
        self._move_on(item, row, verdict)

    def _move_on(self, item: Item, row: Row, verdict: AnswerVerdict) -> None:
        if verdict.state == "ok":
            following = self._order[self._order.index(row.stage) + 1 :]
            if not following:
                self._journal.update_item(row.item, state="done", stage=row.stage)
                return
            self._journal.update_item(row.item, stage=following[0])
            moved = replace(item, stage=following[0], first_attempt=1)
            tagged_text: str = verdict.result["tagged_text"] if verdict.result else ""
            self._add_row(moved, following[0], 1, tagged_text=tagged_text)
        elif row.attempt - item.first_attempt + 1 < self._workload.attempts:
            problem = verdict.reason if verdict.state in {"invalid", REPEATED} else ""
            if verdict.state == REPEATED:
                item = self._vary(item, row.stage)
            self._add_row(item, row.stage, row.attempt + 1, problem)
        elif row.stage in OPTIONAL_STAGES:
            self._budget.forget_item(row.item)
            self._journal.update_item(row.item, state="done", stage=row.stage)
        else:
            self._budget.forget_item(row.item)
            self._journal.update_item(
                row.item, state="dead", stage=row.stage, reason=f"{verdict.state}: {verdict.reason}"
            )

    def _vary(self, item: Item, stage: str) -> Item:
        """Ask for the same values differently."""
        variant = self._journal.count_answers(item.item, stage, REPEATED)
        varied = replace(item, spec=self._workload.draw_brief(item.item, variant))
        self._journal.change_spec(item.item, varied.spec)
        return varied

    def give_back(self, custom_ids: Iterable[str]) -> None:
        """Requests that were taken and certainly not sent; they are ready again."""
        custom_ids = list(custom_ids)
        changed = self._journal.set_pending(custom_ids)
        for custom_id in custom_ids:
            self._budget.release(custom_id)
        self._pending += changed
        self._outstanding -= changed
        self._held = False
        self._changed.set()

    def revive_dead(self) -> int:
        """Open dead items again at the stage where they ended, with a new budget of attempts. Returns how many."""
        count = 0
        with self._journal.transaction():
            for item in list(self._journal.iter_items("dead")):
                attempt = max(row.attempt for row in self._journal.rows_of_item(item.item) if row.stage == item.stage)
                self._journal.revive_item(item.item, attempt + 1)
                self._add_row(replace(item, state="open", first_attempt=attempt + 1), item.stage, attempt + 1)
                count += 1
        self._changed.set()
        return count
