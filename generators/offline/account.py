"""Bookkeeping of a document: persons behind a template's letters, missing values, what can be written next."""

from __future__ import annotations

from random import Random

from goldspan.generators.offline.bases import BASES
from goldspan.generators.offline.grammar import PERSONS, Choice, Slot, Template, load_grammar
from goldspan.generators.offline.lookup import DocumentKind, find_templates
from goldspan.generators.offline.naming import Names
from goldspan.generators.specs.spec import Spec
from goldspan.generators.surrogates.chance import pick

UNAVAILABLE = -1
REFERRING = frozenset({"name", "pronoun", "cataphor", "deictic", "reference"})
PAIR, COMPANY, INSTITUTION, NAMELESS, SINGLE = 12, 20, 21, 30, 99
"""Numbers of referents beside the persons; those without a name count up from `NAMELESS`."""
MAX_PERSONS = 3
_FREE = frozenset({"noise", "part", "register"})


class Account:
    """Keeps count while a document is written, and measures what a template would add.

    A template is available when everybody and every value that it names exists, and when its first pronoun has
    its antecedent in the sentence before.
    """

    def __init__(self, spec: Spec, rng: Random) -> None:
        self.spec = spec
        self.grammar = load_grammar(spec.language)
        base = pick(rng, BASES.get(spec.document_type, (spec.document_type,)))
        self.kind = DocumentKind(spec.language, spec.country, base)
        speaks = self.grammar.types[base].person == "first"
        self.names = Names(spec, self.grammar, rng, speaks=speaks)
        self.speaks = speaks
        """Whether person 1 is the one who writes or speaks, as documents of this kind have it."""
        self.values = {person: spec.of_person(person) for person in range(1, spec.persons + 1)}
        self.missing = {person: set(values) for person, values in self.values.items()}
        self._others = {"q": INSTITUTION, "n": NAMELESS, "s": SINGLE}
        self.binding: dict[str, int] = {}
        self.bind(*range(1, spec.persons + 1))
        self.topic = 0
        """The person whom a pronoun would mean."""
        self.only_missing = False
        """Whether values that stand in the text already are out of bounds."""

    def bind(self, *persons: int) -> None:
        """Let the letters a, b and c mean these persons; a and b together, and a's company, have letters too."""
        self.binding = dict(zip(PERSONS, persons, strict=False)) | self._others
        if persons[:2] == (1, 2):
            self.binding["ab"] = PAIR
        if persons[:1] == (1,) and "COMPANYNAME" in self.values[1]:
            self.binding["o"] = COMPANY

    def renew(self, letter: str) -> None:
        """Let the letter mean somebody new: n somebody without a name, q an institution."""
        self._others[letter] = max(self._others["q"], self._others["n"]) + 1
        self.binding[letter] = self._others[letter]

    def measure(self, template: Template, leading: bool = True) -> int:
        """How many missing values the template could put in, or `UNAVAILABLE`.

        `leading`: nobody was named yet in the sentence, so a pronoun needs its antecedent in the one before.
        """
        total = 0
        for node in template.nodes:
            if isinstance(node, str):
                continue
            if isinstance(node, Choice):
                gain = max(self.measure(option, leading) for option in node.options)
                leading = False
            else:
                gain = self._measure_slot(node, leading)
                leading = leading and node.kind not in REFERRING
            if gain < 0:
                return UNAVAILABLE
            total += gain
        return total

    def _measure_slot(self, slot: Slot, leading: bool) -> int:
        if slot.kind in _FREE:
            return 0
        if slot.kind in {"call", "memo"}:
            called = find_templates(self.kind, slot.name)
            return max((self.measure(template, leading) for template in called), default=UNAVAILABLE)
        if slot.inner:
            return self._measure_slot(slot.inner, leading)
        if any(self.measure(phrase, leading=False) < 0 for phrase in slot.phrases):
            return UNAVAILABLE
        person = self.binding.get(slot.person)
        if person is None:
            return UNAVAILABLE
        if person > MAX_PERSONS:
            return UNAVAILABLE if slot.kind == "pronoun" and leading and self.topic != person else 0
        if slot.kind in {"value", "country"}:
            return self._measure_value(person, "COUNTRY" if slot.kind == "country" else slot.name)
        if slot.kind == "name":
            return 0 if self.names.can_name(person, slot.name) else UNAVAILABLE
        return UNAVAILABLE if slot.kind == "pronoun" and leading and self.topic != person else 0

    def _measure_value(self, person: int, label: str) -> int:
        if label in self.missing[person]:
            return 1
        return 0 if label in self.values[person] and not self.only_missing else UNAVAILABLE
