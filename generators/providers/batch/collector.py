"""Collects the answers of one batch, while it runs and when it has ended, each exactly once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from goldspan.annotation.errors import TransientServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal, guard_disk
from goldspan.generators.journal.submissions import list_open_rows
from goldspan.generators.providers.batch.api import BatchApi, RemoteBatch
from goldspan.generators.providers.batch.lines import read_line
from goldspan.generators.providers.protocol import Answer, AnswerState, RequestQueue

_CHUNK = 50
_TRIES = 5


class Collector:
    """Reads the answers of one submission's open rows."""

    def __init__(self, api: BatchApi, journal: Journal, queue: RequestQueue, intent: str) -> None:
        self._api, self._journal, self._queue, self._intent = api, journal, queue, intent
        self.open_rows = set(list_open_rows(journal, intent))
        self._lines_read = 0
        self._first_line = b""
        self._skip_works = True

    async def read_new(self, file_id: str, completed: int) -> int:
        """Deliver lines of a growing output file that were not read before; returns how many answers were new."""
        if not self._skip_works or completed <= self._lines_read:
            return 0
        return await self._read(self._iter_new(file_id))

    async def read_output(self, batch: RemoteBatch) -> None:
        """Read the whole output file: it finds lines that were inserted behind an earlier read."""
        if batch.output_file and self.open_rows:
            await self._read(self._iter_with_retries(batch.output_file))
        failpoint("output-read")

    async def read_errors(self, batch: RemoteBatch) -> dict[str, Answer]:
        """The error file, read whole because it shrinks when rows are run again: the open rows that failed."""
        failed: dict[str, Answer] = {}
        if batch.error_file and self.open_rows:
            with guard_disk(self._journal.folder):
                raw = self._journal.open_raw(f"{self._intent}-errors")
            try:
                async for line in self._iter_with_retries(batch.error_file):
                    answer = read_line(line)
                    if answer and answer.custom_id in self.open_rows:
                        with guard_disk(self._journal.folder):
                            raw.append(line)
                        failed[answer.custom_id] = answer
            finally:
                raw.close()
        return failed

    async def deliver_failed(self, failed: dict[str, Answer], status: str) -> None:
        """Deliver the rows that failed, and as missing those that are in neither file."""
        message = f"the batch ended as {status} and holds no line for this row"
        missing = [
            Answer(custom_id, AnswerState.MISSING, error="missing", message=message)
            for custom_id in sorted(self.open_rows - failed.keys())
        ]
        answers = [*failed.values(), *missing]
        for start in range(0, len(answers), _CHUNK):
            self._queue.deliver(answers[start : start + _CHUNK])
            await asyncio.sleep(0)
        self.open_rows.clear()
        failpoint("errors-read")

    def give_back(self) -> None:
        """Give open rows back: nothing more will be answered or paid."""
        self._queue.give_back(self.open_rows)
        self.open_rows.clear()

    async def _iter_new(self, file_id: str) -> AsyncIterator[bytes]:
        """Lines after those that were read, unless the provider ignores `skip` and begins at the first again."""
        skip = self._lines_read
        is_first = True
        async for line in self._api.iter_lines(file_id, skip):
            if is_first and skip and line == self._first_line:
                self._skip_works = False
                return
            if is_first and not skip:
                self._first_line = line
            is_first = False
            yield line
            self._lines_read += 1

    async def _iter_with_retries(self, file_id: str) -> AsyncIterator[bytes]:
        """All lines of a file; after a broken connection from the start again."""
        for attempt in range(_TRIES):
            try:
                async for line in self._api.iter_lines(file_id):
                    yield line
            except TransientServiceError:
                if attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(2.0**attempt / 4)
            else:
                return

    async def _read(self, lines: AsyncIterator[bytes]) -> int:
        """Store each new line as received, then deliver its answer."""
        raw = self._journal.open_raw(f"{self._intent}-output")
        chunk: list[Answer] = []
        count = 0
        try:
            async for line in lines:
                answer = read_line(line)
                if answer is None or answer.custom_id not in self.open_rows:
                    continue
                with guard_disk(self._journal.folder):
                    raw.append(line)
                self.open_rows.discard(answer.custom_id)
                chunk.append(answer)
                count += 1
                if len(chunk) >= _CHUNK:
                    await self._deliver(chunk)
        finally:
            raw.close()
            if chunk:
                await self._deliver(chunk)
        return count

    async def _deliver(self, chunk: list[Answer]) -> None:
        failpoint("lines-kept")
        self._queue.deliver(chunk)
        chunk.clear()
        failpoint("answers-delivered")
        await asyncio.sleep(0)
