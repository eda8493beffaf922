"""Replay answers that were stored but not processed before the process died, instead of asking again."""

from __future__ import annotations

from pathlib import Path

from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import OPEN_STATES
from goldspan.generators.providers.parsing import load_json_bytes, read_completion
from goldspan.generators.providers.protocol import Answer, RequestQueue

_CHUNK = 50


def replay_answers(journal: Journal, queue: RequestQueue, name: str) -> int:
    """Deliver the answers in the raw file `name` whose rows are still open; returns their number.

    Lines are `{"custom_id": …, "body": <chat.completion>}`. A line cut off by a crash is skipped.
    """
    path = journal.folder / "raw" / f"{name}.jsonl"
    open_rows = {
        custom_id for (custom_id,) in journal.query("SELECT custom_id FROM row WHERE state IN (?, ?)", OPEN_STATES)
    }
    if not open_rows or not path.exists():
        return 0
    with journal.guard():
        answers = _read_answers(path, open_rows)
    for start in range(0, len(answers), _CHUNK):
        queue.deliver(answers[start : start + _CHUNK])
    return len(answers)


def _read_answers(path: Path, open_rows: set[str]) -> list[Answer]:
    answers = []
    with path.open("rb") as lines:
        for line in lines:
            custom_id = line[: line.find(b",")].removeprefix(b'{"custom_id":').strip(b'"').decode(errors="replace")
            if custom_id in open_rows and (answer := _read_answer(custom_id, line)):
                open_rows.discard(custom_id)
                answers.append(answer)
    return answers


def _read_answer(custom_id: str, line: bytes) -> Answer | None:
    try:
        return read_completion(custom_id, load_json_bytes(line)["body"])
    except (ValueError, RecursionError):
        return None
