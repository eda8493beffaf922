"""Collects the answers of one batch, while it runs and when it has ended, each exactly once."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import orjson

from goldspan.annotation.errors import TerminalServiceError, TransientServiceError
from goldspan.generators.journal.failpoints import failpoint
from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.raw import RawLog
from goldspan.generators.journal.rows import fold_custom_id
from goldspan.generators.journal.submissions import list_open_rows
from goldspan.generators.providers.batch.api import BatchApi
from goldspan.generators.providers.batch.lines import LineKind, make_unreadable, parse_line, split_documents
from goldspan.generators.providers.batch.replies import RemoteBatch
from goldspan.generators.providers.protocol import Answer, AnswerState, RequestQueue

_CHUNK = 50
_TRIES = 5
_WHOLE_FILE = 256 * 1024 * 1024
"""Bytes up to which a file that has no readable line is read as a whole."""


@dataclass(slots=True)
class FileReading:
    """What reading a file of a batch gave: rows named by its lines, damaged and nameless lines, lines of no batch."""

    named: set[str]
    damaged: dict[str, Answer]
    nameless: list[Answer | None]
    foreign: int = 0


class Collector:
    """Reads the answers of one submission's open rows."""

    def __init__(self, api: BatchApi, journal: Journal, queue: RequestQueue, intent: str) -> None:
        self._api, self._journal, self._queue, self._intent = api, journal, queue, intent
        self.open_rows = set(list_open_rows(journal, intent))
        self._ids = {fold_custom_id(custom_id): custom_id for custom_id in self.open_rows}
        self.failed: dict[str, Answer] = {}
        self.unreadable: dict[str, Answer] = {}
        self.nameless: list[Answer | None] = []
        self.foreign = 0
        self.lines = 0
        self._stored: set[int] = set()
        self._lines_read = 0
        self._first_line = b""
        self._skip_works = True

    @property
    def missing(self) -> set[str]:
        """Open rows that no line of either file names."""
        return self.open_rows - self.failed.keys() - self.unreadable.keys()

    async def read_new(self, file_id: str, completed: int) -> None:
        """Deliver lines of a growing output file that were not read before."""
        if self._skip_works and completed > self._lines_read:
            await self._read(self._iter_new(file_id), "output")

    async def read_files(self, batch: RemoteBatch) -> None:
        """Read both files from their first line: deliver answers, and note the rows that failed or cannot be read.

        The whole files are read each time, since lines are inserted behind an earlier read, and since the error file
        shrinks when rows are retried. Afterwards `missing` holds the rows that neither file names.
        """
        self.failed, self.unreadable, self.nameless, self.foreign, self.lines = {}, {}, [], 0, 0
        for kind, file_id in (("output", batch.output_file), ("errors", batch.error_file)):
            if file_id and self.open_rows:
                reading = await self._read(self._iter_with_retries(file_id), kind)
                if not reading.named:
                    reading = await self._read_whole(file_id, kind) or reading
                self.lines += len(reading.named) + len(reading.damaged) + len(reading.nameless)
                self.unreadable |= {row: one for row, one in reading.damaged.items() if row in self.open_rows}
                self.nameless += reading.nameless
                self.foreign += reading.foreign
            failpoint("output-read" if kind == "output" else "errors-read")

    def match_nameless(self) -> None:
        """Attribute lines that name no row, where that is certain: one such line and one missing row."""
        missing = self.missing
        if len(missing) == len(self.nameless) == 1:
            (row,), (answer,) = missing, self.nameless
            if answer is None or answer.state is not AnswerState.ANSWERED:
                self.unreadable[row] = make_unreadable(row)
            else:
                self._queue.deliver([replace(answer, custom_id=row, repairs=(*answer.repairs, "nameless_line"))])
                self.open_rows.discard(row)
        elif self.nameless:
            for row in sorted(missing)[: len(self.nameless)]:
                self.unreadable[row] = make_unreadable(row)

    async def deliver(self, answers: list[Answer]) -> None:
        """Deliver answers of open rows in chunks."""
        for start in range(0, len(answers), _CHUNK):
            self._queue.deliver(answers[start : start + _CHUNK])
            await asyncio.sleep(0)
        self.open_rows -= {answer.custom_id for answer in answers}

    def give_back(self, rows: set[str] | None = None) -> None:
        """Give open rows back: they were not answered and not paid."""
        chosen = self.open_rows if rows is None else rows & self.open_rows
        self._queue.give_back(sorted(chosen))
        self.open_rows = self.open_rows - chosen

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

    async def _read_whole(self, file_id: str, kind: str) -> FileReading | None:
        """Read a file whose objects are not one a line; None if it holds no such object."""
        content = bytearray()
        with contextlib.suppress(TerminalServiceError):
            async for line in self._iter_with_retries(file_id):
                content += line + b"\n"
                if len(content) > _WHOLE_FILE:
                    return None
        lines = [orjson.dumps(document) for document in split_documents(bytes(content))]
        if not lines:
            return None

        async def iterate() -> AsyncIterator[bytes]:
            for line in lines:
                yield line

        reading = await self._read(iterate(), kind)
        return reading if reading.named else None

    async def _read(self, lines: AsyncIterator[bytes], kind: str) -> FileReading:
        """Store each line that concerns an open row as received, then deliver its answer."""
        reading = FileReading(set(), {}, [])
        with self._journal.guard():
            raw = self._journal.open_raw(f"{self._intent}-{kind}")
        chunk: list[Answer] = []
        try:
            async for line in lines:
                answer = self._take_line(line, reading, raw)
                if answer is None:
                    continue
                self.open_rows.discard(answer.custom_id)
                chunk.append(answer)
                if len(chunk) >= _CHUNK:
                    await self._deliver(chunk)
        except TerminalServiceError as error:
            if error.status != 404:
                raise
        finally:
            raw.close()
            if chunk:
                await self._deliver(chunk)
        return reading

    def _take_line(self, line: bytes, reading: FileReading, raw: RawLog) -> Answer | None:
        """The answer that a line gives to an open row, to be delivered; failures and damaged lines are noted."""
        parsed = parse_line(line)
        answer = parsed.answer
        if answer and answer.custom_id and (known := self._ids.get(fold_custom_id(answer.custom_id))):
            answer = replace(answer, custom_id=known)
        if parsed.kind is LineKind.BLANK:
            return None
        if parsed.kind is LineKind.FOREIGN:
            reading.foreign += 1
            return None
        if parsed.kind is LineKind.NAMELESS:
            reading.nameless.append(answer)
            self._store_once(line, raw)
            return None
        if answer is None:
            return None
        if parsed.kind is LineKind.DAMAGED:
            reading.damaged[answer.custom_id] = answer
            self._store_once(line, raw)
            return None
        reading.named.add(answer.custom_id)
        if answer.custom_id not in self.open_rows:
            return None
        if answer.state is AnswerState.FAILED:
            self.failed[answer.custom_id] = answer
            self._store_once(line, raw)
            return None
        self.failed.pop(answer.custom_id, None)
        with self._journal.guard():
            raw.append(line)
        return answer

    def _store_once(self, line: bytes, raw: RawLog) -> None:
        """Store a line that is read again at every poll."""
        if hash(line) not in self._stored:
            self._stored.add(hash(line))
            with self._journal.guard():
                raw.append(line)

    async def _deliver(self, chunk: list[Answer]) -> None:
        failpoint("lines-kept")
        self._queue.deliver(chunk)
        chunk.clear()
        failpoint("answers-delivered")
        await asyncio.sleep(0)
