"""Reconcile after a crash or a lost reply: was the batch created? Answered before anything is paid again."""

from __future__ import annotations

import time

from goldspan.generators.journal.submissions import Submission
from goldspan.generators.providers.batch.api import INTENT_KEY, BatchApi
from goldspan.generators.providers.batch.replies import TERMINAL, RemoteBatch


async def find_batches(api: BatchApi, submission: Submission) -> list[RemoteBatch]:
    """The batches that carry the submission's intent (or, failing that, its input file), oldest first.

    Doubleword searches its list over metadata; elsewhere the list is read back to the batch that was the newest
    before the call. No clock decides: those of providers are off by hours.
    """
    found = []
    async for batch in api.list_newest(submission.intent, str(submission.details.get("newest_before", ""))):
        if is_ours(batch, submission):
            found.append(batch)
    found.reverse()
    return sorted(found, key=lambda batch: batch.created_at)


def is_ours(batch: RemoteBatch, submission: Submission) -> bool:
    """True when the batch was created for this submission."""
    intent = batch.metadata.get(INTENT_KEY)
    if intent:
        return intent == submission.intent
    return bool(submission.input_file) and batch.input_file == submission.input_file


async def keep_one(api: BatchApi, found: list[RemoteBatch], keep: str = "") -> RemoteBatch:
    """The batch to adopt: `keep` if it is among them, else the oldest.

    The others, created by calls whose replies were lost, are cancelled.
    """
    chosen = next((batch for batch in found if batch.id == keep), found[0])
    for batch in found:
        if batch.id != chosen.id and batch.status not in TERMINAL:
            await api.cancel(batch.id)
    return chosen


def list_waits(submission: Submission, grace: tuple[float, ...]) -> list[float]:
    """Pauses between further lookups, for lists that lag: none for an intent older than all of them."""
    age = time.time() - submission.updated
    waits, total = [], 0.0
    for pause in grace:
        total += pause
        if total > age:
            waits.append(min(pause, total - age))
    return waits
