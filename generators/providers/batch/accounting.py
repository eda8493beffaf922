"""The end of a batch: every row is delivered or given back, and nothing is asked again without its reason on record."""

from __future__ import annotations

import orjson

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.generators.providers.batch.collector import Collector
from goldspan.generators.providers.batch.context import BatchContext, SubmissionRecord
from goldspan.generators.providers.batch.lines import UNREADABLE
from goldspan.generators.providers.batch.replies import RemoteBatch
from goldspan.generators.providers.batch.shards import read_custom_id
from goldspan.generators.providers.protocol import Answer, AnswerState

QUEUE_FULL = "token_limit_exceeded"
_NEVER_RAN = frozenset({"batch_expired", "batch_cancelled", "batch_canceled"})
_LOST = frozenset({UNREADABLE, "missing"})
"""Rows that the provider may have answered, and billed, though no answer can be read."""
_NO_BALANCE = ("insufficient_quota", "insufficient_credits", "billing", "balance", "payment")


async def account_rows(
    context: BatchContext, record: SubmissionRecord, collector: Collector, batch: RemoteBatch
) -> None:
    """Deliver the rows that failed, cannot be read or are missing, give back those that never ran, close the batch.

    Raises:
        TransientServiceError: the batch ended before any of its rows ran.
        TerminalServiceError: every row failed for one reason that concerns all. Either way the rows are ready again.
    """
    submission = record.read()
    unrun = {row for row, answer in collector.failed.items() if answer.error in _NEVER_RAN}
    if batch.status in {"expired", "cancelled"} and batch.total:
        unrun |= collector.missing
    message = f"the batch ended as {batch.status} and holds no line for this row"
    missing = [
        Answer(row, AnswerState.MISSING, error="missing", message=message) for row in sorted(collector.missing - unrun)
    ]
    failed = [answer for row, answer in collector.failed.items() if row not in unrun]
    unreadable = list(collector.unreadable.values())
    failures = [*failed, *unreadable, *missing]
    is_claimed = batch.completed > 0 or (batch.status == "completed" and not batch.total)
    is_whole = len(failures) == submission.rows and (is_claimed or not missing)
    if is_whole and _have_common_cause(context, failures):
        if failures[0].error in _LOST:
            _stop_lost(context, record, batch, failures)
        else:
            _stop_whole(context, record, collector, batch, failures)
        return
    counted = (len(failed), "failed"), (len(unreadable), "cannot be read"), (len(missing), "are missing")
    said = [f"{count} {what}" for count, what in (*counted, (len(unrun), "never ran")) if count]
    if said:
        context.journal.write_event(
            "asked again", f"Batch {batch.id} ended as {batch.status}: of its rows {', '.join(said)}."
        )
    await collector.deliver(failures)
    collector.give_back(unrun)
    record.close("collected")
    if unrun and len(unrun) == submission.rows:
        raise TransientServiceError(
            f"Batch {batch.id} ended as {batch.status} before any of its rows ran. They are ready again ({len(unrun)}) "
            "and nothing was paid; resume later, or with another --window."
        )


def give_up_batch(context: BatchContext, record: SubmissionRecord, collector: Collector, batch: RemoteBatch) -> None:
    """The batch was refused as a whole and nothing was paid: rows go back, lines that were named have failed.

    Raises:
        TransientServiceError: the provider's queue stays full.
        TerminalServiceError: the batch was refused for a reason that concerns all rows.
    """
    rows, problem = record.read().rows, batch.problems[0]
    bad = _find_bad_rows(record, collector, batch)
    context.queue.deliver(bad)
    collector.open_rows -= {answer.custom_id for answer in bad}
    collector.give_back()
    record.close("abandoned")
    if problem.code == QUEUE_FULL:
        context.journal.write_event("queue full", problem.message, batch=batch.id, rows=rows)
        context.admission.note_queue_full(rows)
        return
    context.admission.note_accepted()
    if not bad:
        raise TerminalServiceError(f"The provider refused batch {batch.id}: {problem.message} ({problem.code}).")


def _find_bad_rows(record: SubmissionRecord, collector: Collector, batch: RemoteBatch) -> list[Answer]:
    named = {read_custom_id(record.input_path, one.line): one for one in batch.problems if one.line}
    return [
        Answer(custom_id, AnswerState.FAILED, error=one.code, message=one.message)
        for custom_id, one in named.items()
        if custom_id in collector.open_rows
    ]


def _have_common_cause(context: BatchContext, failures: list[Answer]) -> bool:
    """True if all rows of a batch failed for one reason; a single row says little once others have succeeded."""
    is_alone = len(failures) == 1 and context.admission.is_proven()
    return not is_alone and len({(answer.error, answer.detail) for answer in failures}) == 1


def _stop_whole(
    context: BatchContext,
    record: SubmissionRecord,
    collector: Collector,
    batch: RemoteBatch,
    failures: list[Answer],
) -> None:
    """All rows failed alike. The server refuses a part of the request: leave it out; else stop before more is sent.

    A run that was stopped for the same reason before goes on, and the rows count as failed.
    """
    failure = failures[0]
    code = failure.detail or failure.error
    said = _describe_whole(batch, failure)
    if context.admission.learn(failure, _read_first_body(record)):
        context.journal.write_event("adapted", f"{said} The requests are adapted and sent again.")
        collector.give_back()
        record.close("collected")
        return
    stopped_for = list(context.journal.read_settings().get("stopped_for", []))
    if code in stopped_for:
        context.journal.write_event("asked again", said)
        context.queue.deliver(failures)
        collector.open_rows.clear()
        record.close("collected")
        return
    collector.give_back()
    record.close("collected")
    context.journal.write_settings({"stopped_for": [*stopped_for, code]})
    is_balance = any(word in f"{code} {failure.message}".lower() for word in _NO_BALANCE)
    advice = (
        "Top up, then resume." if is_balance else "Resume when that is solved; a second time the rows count as failed."
    )
    raise TerminalServiceError(f"{said} No attempt was counted and the rows are ready again. {advice}")


def _stop_lost(context: BatchContext, record: SubmissionRecord, batch: RemoteBatch, failures: list[Answer]) -> None:
    """No answer of a batch can be read. Count the rows as failed, and stop before any is asked again."""
    said = _describe_whole(batch, failures[0])
    context.journal.write_event("asked again", said)
    context.queue.deliver(failures)
    record.close("collected")
    if not context.queue.finished:
        raise TerminalServiceError(
            f"{said} They may have been paid, and would be again: resume only if that is solved."
        )


def _describe_whole(batch: RemoteBatch, failure: Answer) -> str:
    code = failure.detail or failure.error
    return f"Every row of batch {batch.id} failed with {code}: {failure.message.rstrip('.')}."


def _read_first_body(record: SubmissionRecord) -> dict[str, object]:
    try:
        with record.input_path.open("rb") as source:
            return dict(orjson.loads(source.readline())["body"])
    except (OSError, ValueError, KeyError):
        return {}
