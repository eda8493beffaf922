"""Training rows: exactly the prompt of the evaluation predictor, and the tagged text that it should answer with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import orjson

from goldspan.annotation.errors import ConfigurationError, InputError, TaggedTextError
from goldspan.annotation.identity import hash_text, make_skeleton
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.types import Entity, Sample
from goldspan.predictors.prompting.prompt import OVERLAP, WINDOW, build_answer, build_messages, find_room, read_answer
from goldspan.predictors.windows import split_text
from goldspan.training.finetuning.settings import TokenCount

_BYTES_A_TOKEN, _FEWEST_BYTES = 4, 2
"""Of a byte-pair tokeniser on European languages: on average, and at the least."""
_TOKENS_A_MESSAGE, _MOST_A_MESSAGE = 4, 10


@dataclass(frozen=True, slots=True)
class TuningRow:
    """One window `[start, end)` of a sample: its conversation, the answer last. `skeleton` hides the entities."""

    sample_id: str
    start: int
    end: int
    messages: tuple[dict[str, str], ...]
    text_hash: str
    skeleton: str

    @property
    def answer(self) -> str:
        """What the model should write."""
        return self.messages[-1]["content"]

    def encode(self) -> bytes:
        """The row as a line of JSONL."""
        return orjson.dumps({"messages": list(self.messages)}) + b"\n"

    def name(self) -> str:
        """The row for people: sample and window, no text."""
        return f"sample {self.sample_id}, characters {self.start} to {self.end}"


class TokenCounter:
    """Counts the tokens of rows; exactly with a `tokenizer.json`, else from their bytes.

    Raises:
        ConfigurationError: the tokenizer cannot be read.
    """

    def __init__(self, tokenizer: Path | None = None) -> None:
        self._tokenizer = None
        if tokenizer is not None:
            from tokenizers import Tokenizer

            try:
                self._tokenizer = Tokenizer.from_file(str(tokenizer))
            except Exception as error:  # noqa: BLE001 (the library raises Exception itself)
                raise ConfigurationError(f"{tokenizer} is not a tokenizer.json: {str(error)[:200]}.") from None

    def count_text(self, text: str) -> tuple[int, int]:
        """Tokens of a text: expected, and at most."""
        if self._tokenizer is not None:
            exact = len(self._tokenizer.encode(text, add_special_tokens=False).ids)
            return exact, exact
        size = len(text.encode())
        return -(-size // _BYTES_A_TOKEN), -(-size // _FEWEST_BYTES)

    def count_row(self, row: TuningRow) -> tuple[int, int]:
        """Tokens of a conversation with what a chat template adds: expected, and at most."""
        counts = [self.count_text(message["content"]) for message in row.messages]
        expected = sum(one for one, _ in counts) + _TOKENS_A_MESSAGE * len(counts)
        return expected, sum(most for _, most in counts) + _MOST_A_MESSAGE * len(counts)

    def count_rows(self, rows: Iterable[TuningRow]) -> TokenCount:
        """Tokens of all rows."""
        counts = [self.count_row(row) for row in rows]
        return TokenCount(len(counts), sum(one for one, _ in counts), sum(most for _, most in counts))


def build_rows(samples: Iterable[Sample], labels: LabelSchema) -> Iterator[TuningRow]:
    """The rows of samples, in windows as the predictor reads them; blank windows are not asked, so they are no rows.

    An entity that a window cuts is tagged as far as the window shows it: overlapping windows show it whole.

    Raises:
        InputError: the answer about a window cannot be written so that it reads back the same.
    """
    for sample in samples:
        entities = sample.best.entities if sample.best else ()
        for window in split_text(sample.text, WINDOW, OVERLAP):
            text = sample.text[window.start : window.end]
            if text.strip():
                inside = tuple(_clip(entities, window.start, window.end, sample.text))
                yield _make_row(sample.sample_id, window.start, text, inside, labels)


def _clip(entities: Iterable[Entity], start: int, end: int, text: str) -> Iterator[Entity]:
    """The entities inside a window, by its own offsets; what is cut off keeps no white space at its ends."""
    for entity in entities:
        first, last = max(entity.start, start), min(entity.end, end)
        if first >= last:
            continue
        if (first, last) != entity.span[:2]:
            piece = text[first:last]
            first += len(piece) - len(piece.lstrip())
            last = first + len(piece.strip())
        if first < last:
            yield replace(entity, start=first - start, end=last - start)


def _make_row(sample_id: str, start: int, text: str, entities: tuple[Entity, ...], labels: LabelSchema) -> TuningRow:
    place = f"Sample {sample_id}, characters {start} to {start + len(text)}"
    try:
        answer = build_answer(text, entities)
    except TaggedTextError as error:
        raise InputError(f"{place}: its entities cannot be written as tagged text: {error}.") from None
    parsed = read_answer(answer, text, labels)
    if parsed.problem or {entity.span for entity in parsed.entities} != {entity.span for entity in entities}:
        raise InputError(f"{place}: its tagged text does not read back the same; it cannot be trained on.")
    messages = (*build_messages(text, labels), {"role": "assistant", "content": answer})
    return TuningRow(sample_id, start, start + len(text), messages, hash_text(text), make_skeleton(text, entities))


@dataclass(frozen=True, slots=True)
class RowLimits:
    """What a provider takes: rows and bytes of a file, tokens of a row; None: no limit."""

    min_rows: int = 1
    max_bytes: int | None = None
    max_row_tokens: int | None = None
    validation_bytes: int | None = None
    validation_share: float | None = None


@dataclass(frozen=True, slots=True)
class CheckedRows:
    """Rows that passed, ready to be written, and what was left out for people to know."""

    train: tuple[TuningRow, ...]
    validation: tuple[TuningRow, ...]
    notes: tuple[str, ...] = ()


def check_rows(
    train: Iterable[TuningRow], validation: Iterable[TuningRow], limits: RowLimits, counter: TokenCounter
) -> CheckedRows:
    """Check rows before anything is sent.

    A row that comes again with the same answer is left out, and so is a validation row whose text or skeleton is
    trained on, and validation rows beyond the provider's limit.

    Raises:
        InputError: one text has two answers, a row or a file is too long, there are too few rows.
    """
    kept, repeated = _drop_repeated(train)
    held, held_repeated = _drop_repeated(validation)
    texts, skeletons = {row.text_hash for row in kept}, {row.skeleton for row in kept}
    fresh = [row for row in held if row.text_hash not in texts and row.skeleton not in skeletons]
    for row in (*kept, *fresh):
        _check_length(row, limits, counter)
    if len(kept) < limits.min_rows:
        raise InputError(f"There are {len(kept)} training rows; the provider wants at least {limits.min_rows}.")
    size = sum(len(row.encode()) for row in kept)
    if limits.max_bytes is not None and size > limits.max_bytes:
        raise InputError(f"The training file would have {size:,} bytes; the provider takes {limits.max_bytes:,}.")
    fitting = _fit_validation(fresh, size, limits)
    notes = [
        (repeated + held_repeated, "rows say the same as another and are left out"),
        (len(held) - len(fresh), "validation rows repeat what is trained on and are left out"),
        (len(fresh) - len(fitting), "validation rows are more than the provider takes and are left out"),
    ]
    return CheckedRows(tuple(kept), tuple(fitting), tuple(f"{count:,} {said}." for count, said in notes if count))


def _drop_repeated(rows: Iterable[TuningRow]) -> tuple[list[TuningRow], int]:
    kept: dict[str, TuningRow] = {}
    count = 0
    for row in rows:
        count += 1
        known = kept.setdefault(row.text_hash, row)
        if known.answer != row.answer:
            raise InputError(
                f"The same text is annotated in two ways: {known.name()}, and {row.name()}. Correct one of them "
                "(`goldspan samples dedupe` finds such pairs)."
            )
    return list(kept.values()), count - len(kept)


def _check_length(row: TuningRow, limits: RowLimits, counter: TokenCounter) -> None:
    text_room = find_room(orjson.loads(row.messages[-2]["content"])["text"])
    expected, _ = counter.count_text(row.answer)
    if expected > text_room:
        raise InputError(
            f"The answer of {row.name()} has about {expected:,} tokens; the predictor gives it {text_room:,}. "
            "It has too many tags for its length."
        )
    total, _ = counter.count_row(row)
    if limits.max_row_tokens is not None and total > limits.max_row_tokens:
        raise InputError(
            f"The row of {row.name()} has about {total:,} tokens; the provider takes {limits.max_row_tokens:,}."
        )


def _fit_validation(rows: list[TuningRow], train_bytes: int, limits: RowLimits) -> list[TuningRow]:
    bounds = [float("inf") if limits.validation_bytes is None else limits.validation_bytes]
    if limits.validation_share is not None:
        bounds.append(train_bytes * limits.validation_share)
    fitting, size = [], 0
    for row in rows:
        size += len(row.encode())
        if size > min(bounds):
            break
        fitting.append(row)
    return fitting
