"""Check a masked text against its original, independently of how it was made."""

from __future__ import annotations

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.text.words import find_occurrences, fold
from goldspan.masking.repeats import is_verifiable
from goldspan.masking.result import MaskedText

_INVENTING = frozenset({"fake", "shift_date"})


def verify_masked(text: str, masked: MaskedText, *, sweep: bool = True) -> None:
    """Make sure that the masked text shows no value that it masks.

    Every character outside the replaced stretches is the original's, each stretch is replaced by something else than
    its value, and no masked value (of three letters or five digits and more) is a surrogate of another one or, with
    `sweep`, stands in what was kept or invented.

    Raises:
        MaskingError: one of this does not hold; the message names labels and offsets, never a value.
    """
    cursor = masked_cursor = 0
    kept: list[str] = []
    for one in masked.replacements:
        piece = text[cursor : one.start]
        if one.start < cursor or masked.text[masked_cursor : one.masked_start] != piece:
            raise MaskingError(f"The masked text differs from the original before character {one.start}.")
        if masked.text[one.masked_start : one.masked_end] != one.replacement:
            raise MaskingError(f"The replacement at {one.start}–{one.end} ({one.label}) does not stand in its place.")
        kept += (piece, one.replacement) if one.operator in _INVENTING else (piece,)
        cursor, masked_cursor = one.end, one.masked_end
    if masked.text[masked_cursor:] != text[cursor:]:
        raise MaskingError(f"The masked text differs from the original after character {cursor}.")
    kept.append(text[cursor:])
    _search_values(text, masked, "\0".join(kept) if sweep else "")


def _search_values(text: str, masked: MaskedText, kept: str) -> None:
    invented = {fold(one.replacement) for one in masked.replacements if one.operator in _INVENTING}
    looked_for: set[str] = set()
    for one in masked.replacements:
        value = text[one.start : one.end]
        if not is_verifiable(value, one.source) or value in looked_for:
            continue
        looked_for.add(value)
        if fold(value) in invented:
            raise MaskingError(f"The value at {one.start}–{one.end} ({one.label}) is a surrogate in the masked text.")
        if next(find_occurrences(kept, value), None) is not None:
            raise MaskingError(f"The value at {one.start}–{one.end} ({one.label}) still stands in the masked text.")
