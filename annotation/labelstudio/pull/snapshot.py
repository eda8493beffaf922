"""Read all tasks from an export snapshot, which is several times faster than listing."""

from __future__ import annotations

import codecs
import json
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from goldspan.annotation.errors import TransientServiceError
from goldspan.annotation.labelstudio.api.client import StudioClient

_CHUNK = 1 << 20
_SKIPPED = " \t\r\n,"


def iter_snapshot(client: StudioClient, project: int, *, annotated_only: bool) -> Iterator[dict[str, Any]]:
    """The tasks of a fresh snapshot, one at a time, in no particular order.

    Raises:
        TransientServiceError: the snapshot could not be made or read to its end.
    """
    with tempfile.TemporaryFile(prefix="goldspan-snapshot-") as file:
        snapshot = client.create_snapshot(project, annotated_only=annotated_only)
        try:
            client.download_snapshot(project, snapshot, file)
        finally:
            client.delete_snapshot(project, snapshot)
        file.seek(0)
        yield from iter_json_list(file)


def iter_json_list(stream: IO[bytes], chunk: int = _CHUNK) -> Iterator[Any]:
    """The items of a JSON list, read `chunk` bytes at a time.

    Raises:
        TransientServiceError: the list does not end, or is not a list.
    """
    decoder, utf8 = json.JSONDecoder(), codecs.getincrementaldecoder("utf-8")()
    buffer, position, begun = "", 0, False
    while piece := stream.read(chunk):
        buffer, position = buffer[position:] + utf8.decode(piece), 0
        while True:
            while position < len(buffer) and buffer[position] in (_SKIPPED if begun else " \t\r\n["):
                begun = begun or buffer[position] == "["
                position += 1
            if position == len(buffer):
                break
            if buffer[position] == "]":
                return
            try:
                item, position = decoder.raw_decode(buffer, position)
            except json.JSONDecodeError:
                break
            yield item
    raise TransientServiceError("Label Studio's snapshot is truncated. Pull again.")
