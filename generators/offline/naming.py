"""How a document names its people: in full at first, then by surname with title or by first name."""

from __future__ import annotations

from collections import Counter
from random import Random

from goldspan.generators.offline.grammar import Grammar
from goldspan.generators.specs.spec import Spec
from goldspan.generators.surrogates.chance import pick

_ALONE = {"first": "FIRSTNAME", "last": "SURNAME"}
_SHORT = frozenset({"short", "formal", "oblique"})


class Names:
    """The names of a spec's people, with one title each that stays the same all through the document."""

    def __init__(self, spec: Spec, grammar: Grammar, rng: Random, *, speaks: bool) -> None:
        self._spec, self._grammar, self._rng, self._speaks = spec, grammar, rng, speaks
        self._values = {person: spec.of_person(person) for person in range(1, spec.persons + 1)}
        surnames = Counter(values.get("SURNAME") for values in self._values.values())
        self._shared = {name for name, count in surnames.items() if count > 1}
        """Family names that two persons bear: they say nothing alone."""
        self._titles: dict[tuple[int, str], str] = {}
        self.introduced: set[int] = set()
        """Persons who were named already."""

    def can_name(self, person: int, form: str) -> bool:
        """Whether the person has what the form needs."""
        have = self._values[person].keys()
        return _ALONE[form] in have if form in _ALONE else bool({"FIRSTNAME", "SURNAME"} & have)

    def choose_parts(self, person: int, form: str) -> tuple[str, ...]:
        """Labels of the names that the form is made of; a person who was not named yet is named in full."""
        have = self._values[person]
        both = tuple(label for label in ("FIRSTNAME", "SURNAME") if label in have)
        wanted = _ALONE.get(form)
        if form in _SHORT and person in self.introduced:
            informal = form == "short" and (self._grammar.informal_short or self._spec.register == "informal")
            wanted = "FIRSTNAME" if informal else "SURNAME"
            if wanted == "SURNAME" and have.get(wanted) in self._shared:
                return both
        return (wanted,) if wanted in have else both

    def spell(self, person: int, form: str) -> str:
        """The name without title."""
        return " ".join(self._values[person][label] for label in self.choose_parts(person, form))

    def find_title(self, person: int, form: str, stands_alone: bool) -> str:
        """The title before the name, empty where none belongs: first names, full names, names that stand alone."""
        if form in _ALONE or self.choose_parts(person, form) != ("SURNAME",):
            return ""
        speaks = person == 1 and self._speaks
        if form == "full" and (stands_alone or speaks):
            return ""
        gender = self._spec.genders[person - 1]
        key = f"{gender}_oblique" if form == "oblique" and f"{gender}_oblique" in self._grammar.titles else gender
        if (person, key) not in self._titles:
            self._titles[person, key] = pick(self._rng, self._grammar.titles[key])
        return self._titles[person, key]
