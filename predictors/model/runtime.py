"""Run a model directory's ONNX graph over whole texts: windows in, one averaged row a token out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from goldspan.annotation.errors import ServiceError, StateError
from goldspan.annotation.wording import describe_error
from goldspan.predictors.model.decode import average_windows, log_softmax
from goldspan.predictors.model.encoding import EncodedText, Integers, WindowSize, encode_texts, load_tokenizer, pad_rows
from goldspan.predictors.onnx import open_session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from goldspan.predictors.windows import Window

INPUTS = ("input_ids", "attention_mask")
OUTPUTS = ("pii_logits", "mention_logits", "coref_q", "coref_k")
_BATCH_TOKENS = 128
"""Tokens of one run, padding included: on a CPU only windows below some 50 tokens gain from company."""


class TextOutputs(NamedTuple):
    """The outputs for one text, a row a token: log-probabilities of tags and mention tags, queries and keys."""

    pii: NDArray[np.float32]
    mention: NDArray[np.float32]
    queries: NDArray[np.float32]
    keys: NDArray[np.float32]


class OnnxRuntime:
    """A loaded graph and its tokenizer. `run` may be called from several threads.

    `threads` compute one batch together, and so many batches at once: on two cores, two batches of one thread each
    finish sooner than one after the other with two threads.
    """

    def __init__(self, model: bytes, tokenizer: bytes, size: WindowSize, *, threads: int = 1, name: str = "") -> None:
        self._name, self._size = name, size
        self._session = _open_session(model, threads, name)
        self._pad, self._tokenizer = _open_tokenizer(tokenizer, name)
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def encode(self, texts: Sequence[str]) -> list[EncodedText]:
        """Encode texts whole."""
        return encode_texts(self._tokenizer, texts)

    def run(self, encoded: Sequence[EncodedText]) -> list[TextOutputs]:
        """Outputs of texts, in their order. Windows of like length run together, the longest ones first: what several
        threads do ends at about the same time.

        Raises:
            ServiceError: the runtime failed.
        """
        cuts = [one.cut(self._size) for one in encoded]
        jobs = [(text, place) for text, windows in enumerate(cuts) for place in range(len(windows))]
        jobs.sort(key=lambda job: cuts[job[0]][job[1]].start - cuts[job[0]][job[1]].end)
        rows = [encoded[text].wrap(cuts[text][place]) for text, place in jobs]
        found: dict[tuple[int, int], TextOutputs] = {}
        parts = _group([len(row) for row in rows])
        batches = [pad_rows([rows[job] for job in part], self._pad) for part in parts]
        for part, arrays in zip(parts, self._run_all(batches), strict=True):
            for row, job in enumerate(part):
                text, place = jobs[job]
                window, first = cuts[text][place], len(encoded[text].prefix)
                inner = slice(first, first + window.end - window.start)
                pii, mention, queries, keys = (array[row, inner] for array in arrays)
                found[text, place] = TextOutputs(log_softmax(pii), log_softmax(mention), queries, keys)
        return [
            join_windows(one, cuts[text], [found[text, place] for place in range(len(cuts[text]))])
            for text, one in enumerate(encoded)
        ]

    def _run_all(self, batches: Sequence[tuple[Integers, Integers]]) -> list[list[NDArray[np.float32]]]:
        if self._pool is None or len(batches) < 2:
            return [self._run(*batch) for batch in batches]
        return list(self._pool.map(lambda batch: self._run(*batch), batches))

    def _run(self, ids: Integers, mask: Integers) -> list[NDArray[np.float32]]:
        try:
            return list(self._session.run(list(OUTPUTS), dict(zip(INPUTS, (ids, mask), strict=True))))
        except Exception as error:  # noqa: BLE001
            said = describe_error(error)[:200]
            raise ServiceError(f"The model {self._name} failed on {ids.shape[0]} windows: {said}") from None


def join_windows(encoded: EncodedText, windows: Sequence[Window], parts: Sequence[TextOutputs]) -> TextOutputs:
    """One row a token from the outputs of all windows; empty arrays for a text without tokens."""
    if not windows:
        return TextOutputs(*(np.zeros((0, 1), dtype=np.float32) for _ in TextOutputs._fields))
    return TextOutputs(*(average_windows(len(encoded), windows, rows) for rows in zip(*parts, strict=True)))


def _group(widths: Sequence[int]) -> list[list[int]]:
    """Numbers of rows, the widest first, in batches of at most `_BATCH_TOKENS`."""
    groups: list[list[int]] = []
    for number in range(len(widths)):
        if groups and (len(groups[-1]) + 1) * widths[groups[-1][0]] <= _BATCH_TOKENS:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _open_session(model: bytes, threads: int, name: str) -> InferenceSession:
    session = open_session(model, name, threads)
    missing = set(OUTPUTS) - {output.name for output in session.get_outputs()}
    if missing or {one.name for one in session.get_inputs()} != set(INPUTS):
        raise StateError(f"The graph of {name} has not the inputs and outputs of a Goldspan model.")
    return session


def _open_tokenizer(data: bytes, name: str) -> tuple[int, Tokenizer]:
    try:
        tokenizer = load_tokenizer(data)
    except ValueError as error:
        raise StateError(f"The tokenizer of {name} cannot be loaded: {error}") from None
    pads = (tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>", "<|pad|>"))
    return next((pad for pad in pads if pad is not None), 0), tokenizer
