"""Answers that a run has stored and not read, since the process died, the disk was full, or its labels had changed."""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path

from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import OPEN_STATES
from goldspan.generators.providers.batch.lines import find_custom_id, read_line
from goldspan.generators.providers.live.replay import iter_stored
from goldspan.generators.providers.protocol import Answer, AnswerState, RequestQueue

_CHUNK = 50


def replay_answers(journal: Journal, queue: RequestQueue) -> int:
    """Deliver stored answers whose rows are open, in whichever mode they came, instead of asking again.

    Returns their number.
    """
    open_rows = {
        custom_id for (custom_id,) in journal.query("SELECT custom_id FROM row WHERE state IN (?, ?)", OPEN_STATES)
    }
    chunk: list[Answer] = []
    count = 0
    with journal.guard():
        for answer in _iter_open(journal.folder, open_rows):
            open_rows.discard(answer.custom_id)
            chunk.append(answer)
            count += 1
            if len(chunk) == _CHUNK:
                queue.deliver(chunk)
                chunk = []
    queue.deliver(chunk)
    return count


def _iter_open(folder: Path, wanted: Set[str]) -> Iterator[Answer]:
    """The stored answers to the rows `wanted`."""
    if wanted:
        yield from iter_stored(folder, wanted)
        yield from _iter_batches(folder, wanted)


def _iter_batches(folder: Path, wanted: Set[str]) -> Iterator[Answer]:
    for path in sorted((folder / "raw").glob("*-output.jsonl")):
        with path.open("rb") as lines:
            for line in lines:
                if find_custom_id(line) not in wanted:
                    continue
                answer = read_line(line)
                if answer and answer.state is AnswerState.ANSWERED:
                    yield answer
