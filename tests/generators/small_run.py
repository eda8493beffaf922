"""Small runs against a simulated provider, in this process and in processes that are killed."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from goldspan.annotation.labels.schema import load_labels
from goldspan.generators.journal.journal import Journal
from goldspan.generators.providers.batch.executor import BatchExecutor
from goldspan.generators.providers.batch.schedule import PollSchedule
from goldspan.generators.providers.budget import Budget, Prices
from goldspan.generators.providers.profiles import find_profile
from goldspan.generators.runs.queue import PipelineQueue, Workload
from goldspan.generators.stages.prose import read_conversation
from goldspan.generators.stages.stage import ModelSettings, build_stages
from tests.waiting import SECONDS

FAST = PollSchedule(
    first_poll=0.03, last_poll=0.1, gather=0.1, grace=(0.1, 0.2), hold=0.1, outage=5.0, settle=0.5, vanish=0.5
)
LABELS = load_labels()


def write_small(body: Any) -> str | None:
    """The simulated model of these tests: one sentence with two entities, then one mention."""
    message = read_conversation(body["messages"])
    if message.stage == "draft":
        number = message.brief["index"]
        return json.dumps(
            {"tagged_text": f"Letter {number}: <FIRSTNAME>Maria</FIRSTNAME> moved to <CITY>Lyon</CITY> in spring."}
        )
    return json.dumps({"chains": [[{"text": "in spring", "nth": 1, "kind": "REFERENCE"}]]})


def make_work(items: int, attempts: int = 3) -> Workload:
    stages = build_stages(("draft", "coreference"), ModelSettings("small", max_tokens=400), LABELS, seed=1)
    return Workload(
        items, stages, LABELS, lambda number, variant: {"language": "en", "index": number, "values": []}, attempts
    )


def make_executor(journal: Journal, url: str, profile: str, mode: str, **more: Any) -> Any:
    if mode == "live":
        from goldspan.generators.providers.live.pool import LiveExecutor, LiveLimits

        return LiveExecutor(journal, url, "any", LiveLimits(max_workers=more.get("workers", 4)))
    known = find_profile(profile)
    options = {"pace": FAST, **more}
    return BatchExecutor(journal, known, url, "any", known.windows[0], **options)


async def run_items(
    folder: Path,
    url: str,
    profile: str,
    items: int,
    mode: str = "batch",
    attempts: int = 3,
    seconds: float = SECONDS,
    **more: Any,
) -> Counter[str]:
    """Drive a run to its end (or as far as it goes); returns its items by state."""
    with Journal(folder, create=True, lock=True) as journal:
        queue = PipelineQueue(journal, make_work(items, attempts), Budget(Prices()))
        executor = make_executor(journal, url, profile, mode, **more)
        await asyncio.wait_for(executor.run(queue, asyncio.Event()), seconds)
        return Counter(journal.count_items())


def run_until_killed(point: str, folder: Path, url: str, profile: str, items: int, mode: str) -> None:
    """What a process does that shall be killed at a commit point."""
    os.environ["GOLDSPAN_KILL_AT"] = point
    asyncio.run(run_items(folder, url, profile, items, mode))
