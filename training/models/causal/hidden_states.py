"""Hidden states of a frozen backbone: computed once, stored as float16, read through a memory map.

    <key>.states     (tokens, hidden), float16: the tokens of all windows of all texts, in order
    <key>.json       how many windows are done, while they are being computed

The key is a digest of the backbone, its attention, the window size and every token id. An interrupted computation goes
on with the first window that was not on disk. Hidden states let texts be guessed: the files are private (0600).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import torch
from numpy.typing import NDArray

from goldspan.annotation.errors import StateError
from goldspan.annotation.files import explain_disk, make_private_folder, write_atomic
from goldspan.predictors.model.encoding import EncodedText, WindowSize, pad_rows
from goldspan.predictors.windows import Window
from goldspan.training.models.causal.backbone import Backbone
from goldspan.training.models.device import Device, explain_memory

Half = NDArray[np.float16]
_LARGEST = 65_504.0
_BATCH_TOKENS = 4_096
_FLUSH_BATCHES = 16
_ADVICE = "Take a smaller base, or four_bit = true on CUDA."


@dataclass(frozen=True, slots=True)
class StoredWindow:
    """One window of a text; its hidden states begin at `row`."""

    text: int
    window: Window
    row: int

    @property
    def rows(self) -> slice:
        """The rows of its hidden states."""
        return slice(self.row, self.row + self.window.end - self.window.start)


@dataclass(frozen=True, slots=True)
class HiddenStates:
    """`rows` has shape (tokens of all windows, hidden); `windows` are in the order of the texts."""

    rows: Half
    windows: tuple[StoredWindow, ...]


def cut_windows(encoded: Sequence[EncodedText], size: WindowSize) -> tuple[StoredWindow, ...]:
    """Every window of every text, with the row at which its hidden states begin."""
    windows: list[StoredWindow] = []
    row = 0
    for text, one in enumerate(encoded):
        for window in one.cut(size):
            windows.append(StoredWindow(text, window, row))
            row += window.end - window.start
    return tuple(windows)


def make_key(identity: str, encoded: Sequence[EncodedText], size: WindowSize) -> str:
    """SHA-256, 32 hex digits, over the identity of the backbone, the window size and all ids."""
    hashed = hashlib.sha256(f"1 {identity} {size.tokens} {size.overlap}".encode())
    for one in encoded:
        hashed.update(orjson.dumps([one.prefix, one.suffix, len(one)]) + one.ids.tobytes())
    return hashed.hexdigest()[:32]


def compute_hidden_states(
    open_backbone: Callable[[], Backbone],
    identity: str,
    hidden: int,
    encoded: Sequence[EncodedText],
    size: WindowSize,
    device: Device,
    folder: Path,
    *,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> HiddenStates:
    """The hidden states of texts, from the cache or computed into it.

    Args:
        open_backbone: gives the backbone; not called when everything is on disk.
        identity: names the backbone and all that changes what it gives.
        hidden: width of the hidden states.
        encoded: the texts.
        size: how they are cut.
        device: where the backbone runs.
        folder: the cache.
        report: called with the number of windows done and of all.

    Raises:
        StateError: the disk refused, memory ran out, or the backbone gives NaN.
    """
    windows = cut_windows(encoded, size)
    total = windows[-1].rows.stop if windows else 0
    if not total:
        return HiddenStates(np.zeros((0, hidden), dtype=np.float16), windows)
    key = make_key(identity, encoded, size)
    states, progress = folder / f"{key}.states", folder / f"{key}.json"
    with explain_disk(folder):
        make_private_folder(folder)
        done = _read_progress(states, progress, 2 * total * hidden)
        if done is None:
            write_atomic(progress, orjson.dumps({"done": 0}))
            _reserve(states, 2 * total * hidden)
            done = 0
        if done < len(windows):
            rows = np.memmap(states, dtype=np.float16, mode="r+", shape=(total, hidden))
            _fill(open_backbone(), rows, windows, encoded, device, progress, done, size, report)
            del rows
        return HiddenStates(np.memmap(states, dtype=np.float16, mode="r", shape=(total, hidden)), windows)


def _fill(
    backbone: Backbone,
    rows: np.memmap[tuple[int, int], np.dtype[np.float16]],
    windows: Sequence[StoredWindow],
    encoded: Sequence[EncodedText],
    device: Device,
    progress: Path,
    done: int,
    size: WindowSize,
    report: Callable[[int, int], None],
) -> None:
    """Compute the windows that are not on disk; those of like length run together."""
    order = sorted(range(len(windows)), key=lambda n: windows[n].window.end - windows[n].window.start)
    while done < len(order):
        for _ in range(_FLUSH_BATCHES):
            part = _take(order, windows, done)
            if not part:
                break
            wrapped = [encoded[w.text].wrap(w.window) for w in part]
            with torch.inference_mode(), explain_memory(_ADVICE), device.autocast():
                ids, mask = (torch.from_numpy(array).to(device.kind) for array in pad_rows(wrapped))
                found = backbone(ids, mask).float().clamp(-_LARGEST, _LARGEST).cpu().numpy()
            for row, one in enumerate(part):
                first = len(encoded[one.text].prefix)
                states = found[row, first : first + one.window.end - one.window.start]
                if np.isnan(states).any():
                    raise StateError("The base gives NaN for a text. Set bf16 = false, or take another base.")
                rows[one.rows] = states
            done += len(part)
        rows.flush()
        write_atomic(progress, orjson.dumps({"done": done}))
        report(done, len(order))


def _take(order: Sequence[int], windows: Sequence[StoredWindow], done: int) -> list[StoredWindow]:
    part: list[StoredWindow] = []
    for number in order[done:]:
        one = windows[number]
        if part and (len(part) + 1) * (one.window.end - one.window.start) > _BATCH_TOKENS:
            break
        part.append(one)
    return part


def _read_progress(states: Path, progress: Path, expected: int) -> int | None:
    """How many windows are on disk; None if there is nothing to resume, or not all of it."""
    if not (states.is_file() and progress.is_file() and states.stat().st_size == expected):
        return None
    return int(orjson.loads(progress.read_bytes())["done"])


def _reserve(path: Path, size: int) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, size)
        else:
            os.ftruncate(descriptor, size)
    finally:
        os.close(descriptor)
