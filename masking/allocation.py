"""Choose the replacements of `number` and `fake`: free in the text, one for each value, the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.words import find_occurrences, fold
from goldspan.masking.keys import MaskingKey
from goldspan.masking.ledger import Ledger, LedgerEntry
from goldspan.masking.personas import PersonaMaker, lay_out
from goldspan.masking.persons import Referent
from goldspan.masking.repeats import is_number, is_telling
from goldspan.masking.result import FoundSpan


class Allocator:
    """Chooses replacements for one text, and tells the ledger."""

    def __init__(
        self,
        text: str,
        spans: Sequence[FoundSpan],
        ledger: Ledger,
        schema: LabelSchema,
        key: MaskingKey,
        language: str = "",
        country: str = "",
    ) -> None:
        self._text, self._ledger = text, ledger
        self._real = {fold(text[span.start : span.end]) for span in spans}
        self._telling = {text[span.start : span.end] for span in spans if is_telling(text[span.start : span.end])}
        self._makers = PersonaMaker(key, schema, language, country)
        self._free: dict[str, bool] = {}

    def choose_placeholder(self, label: str, value: str, referent: Referent) -> str:
        """`[LABEL_1]` by referent; a second form of the referent's value is `[LABEL_1.2]`."""
        known = self._ledger.find("number", label, referent.key, value)
        if known:
            return known[0]
        form = self._ledger.count_forms("number", label, referent.key) + 1
        number = self._ledger.choose_number(label, referent.key)
        while form == 1 and f"[{label}_{number}" in self._text:
            self._ledger.skip_number(label, referent.key)
            number = self._ledger.choose_number(label, referent.key)
        placeholder = f"[{label}_{number}]" if form == 1 else f"[{label}_{number}.{form}]"
        while placeholder in self._text or self._ledger.find_original(placeholder) is not None:
            form += 1
            placeholder = f"[{label}_{number}.{form}]"
        self._ledger.add(LedgerEntry("number", label, referent.key, value, placeholder))
        return placeholder

    def choose_surrogate(self, label: str, value: str, referent: Referent) -> str:
        """An invented value; a placeholder where none of those drawn is free."""
        for known in self._ledger.find("fake", label, referent.key, value):
            if fold(known) not in self._real:
                return known
        own = {fold(surrogate) for surrogate in self._ledger.find_surrogates(referent.key)}
        persona = self._makers.choose_persona(referent, lambda name: fold(name) in own or self._is_free(name))
        number = self._ledger.count_forms("fake", label, referent.key)
        recased = islice(self._makers.draw_values(label, value, referent, persona, 0), 1 if value.isupper() else 0)
        respelled = (
            lay_out(one, value) for one in sorted(self._ledger.find_surrogates(referent.key)) if is_number(value)
        )
        for surrogate in chain(recased, respelled, self._makers.draw_values(label, value, referent, persona, number)):
            if surrogate and self._is_free(surrogate):
                self._ledger.add(LedgerEntry("fake", label, referent.key, value, surrogate))
                return surrogate
        return self.choose_placeholder(label, value, referent)

    def _is_free(self, surrogate: str) -> bool:
        """True if nothing real in the text and no other value's surrogate reads like this one."""
        if fold(surrogate) in self._real or self._ledger.find_original(surrogate) is not None:
            return False
        if surrogate not in self._free:
            shown = next(find_occurrences(self._text, surrogate), None)
            self._free[surrogate] = shown is None and not any(self._holds(surrogate, value) for value in self._telling)
        return self._free[surrogate]

    @staticmethod
    def _holds(surrogate: str, value: str) -> bool:
        """True if a real value stands in the surrogate as a word of its own: `Smith` in `Smith & Sons`."""
        return value in surrogate and next(find_occurrences(surrogate, value), None) is not None
