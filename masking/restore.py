"""Put the originals back into a masked text, or into what somebody wrote about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from goldspan.masking import operators
from goldspan.masking.keys import MaskingKey
from goldspan.masking.ledger import PLACEHOLDER, Ledger, LedgerEntry


@dataclass(frozen=True, slots=True)
class RestoredText:
    """A text with its originals. `unknown` are placeholders and tokens for which there is no original."""

    text: str = field(repr=False)
    restored: int
    unknown: tuple[str, ...]


def restore_text(text: str, mapping: Mapping[str, str] | Ledger, key: MaskingKey | None = None) -> RestoredText:
    """The text with each replacement of the mapping or ledger, and each token of the key, taken back to its original.

    Replacements match exactly, the longest first, and never inside a longer word. What was put back is not looked at
    again.
    """
    ledger = mapping if isinstance(mapping, Ledger) else make_ledger(mapping)
    places = [(*place, ledger.find_original(text[slice(*place)]) or "") for place in ledger.find_replacements(text)]
    unknown: list[str] = []
    for match in operators.TOKEN.finditer(text):
        value = operators.decrypt_token(match.group(), key) if key else None
        if value is None:
            unknown.append(match.group())
        else:
            places.append((*match.span(), value))
    pieces: list[str] = []
    cursor = 0
    for start, end, value in sorted(places):
        if start >= cursor:
            pieces += (text[cursor:start], value)
            cursor = end
    unknown += [m.group() for m in PLACEHOLDER.finditer(text) if ledger.find_original(m.group()) is None]
    return RestoredText("".join([*pieces, text[cursor:]]), len(places), tuple(dict.fromkeys(unknown)))


def make_ledger(mapping: Mapping[str, str]) -> Ledger:
    """A ledger of replacements and their originals."""
    return Ledger(LedgerEntry("run", "", "", value, replacement) for replacement, value in mapping.items())
