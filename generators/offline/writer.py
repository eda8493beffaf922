"""Fills templates for one spec."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import TypeVar

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.offline.account import COMPANY, MAX_PERSONS, SINGLE, Account
from goldspan.generators.offline.elision import elide
from goldspan.generators.offline.grammar import Choice, Slot, Template, parse_template
from goldspan.generators.offline.lexicon import load_lexicon
from goldspan.generators.offline.lookup import find_labels, find_templates
from goldspan.generators.offline.marks import drop_marks
from goldspan.generators.offline.noise import Noise, find_words
from goldspan.generators.offline.page import Page
from goldspan.generators.specs.hard_cases import CASED, find_case
from goldspan.generators.specs.spec import Spec, SpecValue
from goldspan.generators.surrogates.chance import pick
from goldspan.generators.surrogates.world import find_country

T = TypeVar("T")
_DEGREE_SHARE = 0.06
DEGREES = {
    "en": (", MD", ", PhD", ", MBA", ", CPA", ", RN", ", Esq."),
    "de": (", M.A.", ", B.Sc.", ", MBA", " (LL.M.)"),
    "fr": (", MBA",),
    "nl": (", MSc", ", BSc", " MA"),
    "da": (", cand.jur.", ", cand.med.", ", ph.d."),
}
"""What stands after full names by language, and how often."""
PHRASE_SHARE = 0.75
"""How often a phrase of the lexicon stands for a template that says something of the kind."""
_PHRASES = {
    "greeting": "greeting",
    "ask": "Ask",
    "closing": "Closing",
    "subject": "Subject_line",
    "title": "Subject_line",
    "product": "goods_any",
    "item": "gadget",
    "neutral_any": "Sentence",
    "neutral_subject": "Subject_line",
}
_AGE_HOLDS = 20
"""How many days before today a document may be that says how old somebody is today."""
_GREED = 8
"""How many times likelier a template gets with each missing value that it can put in."""


class Writer:
    """Writes templates onto a page."""

    def __init__(
        self, spec: Spec, labels: LabelSchema, rng: Random, page: Page, loose: Sequence[SpecValue] = ()
    ) -> None:
        """A writer; `loose` are values that are told beside those of the spec."""
        self.spec, self.labels, self.rng, self.page, self.loose = spec, labels, rng, page, loose
        self.account = Account(spec, rng)
        given = {entry.value.casefold() for entry in (*spec.values, *loose)}
        taken = frozenset(given).union(*map(find_words, given))
        case = find_case(entry.value for entry in spec.values if entry.label in CASED)
        naming = not spec.hard_negative
        days = {"longest_ago": _AGE_HOLDS} if any(entry.label == "AGE" for entry in spec.values) else {}
        self.noise = Noise(
            rng, spec.language, spec.country, taken, case=case, naming=naming, family=spec.family, **days
        )
        self._awaiting_lead = True
        self._used: set[Template] = set()
        self._memo: dict[str, Template] = {}
        self._institution = ""
        self.speaker = int(self.account.speaks)
        """The person who writes or speaks; 0 if nobody of the document does."""

    def write_one_of(self, name: str) -> bool:
        """Write one available template of a list, preferably a fresh one; False if none is available."""
        available = self._measure_list(name)
        fresh = [entry for entry in available if entry[0] not in self._used] or available
        if not fresh:
            return False
        greedy = self.account.only_missing or name.startswith("address")
        self.write_template(self._choose(fresh, [_GREED**gain if greedy else 1 for _, gain in fresh]))
        return True

    def write_fresh(self, name: str) -> bool:
        """Write a template of a list that was not used yet; False if there is none left."""
        fresh = [template for template, _ in self._measure_list(name) if template not in self._used]
        if fresh:
            self.write_template(pick(self.rng, fresh))
        return bool(fresh)

    def write_template_of(self, names: Sequence[str]) -> bool:
        """Write a template of the first list of the lexicon that has one available; False if none has."""
        genders = self.spec.genders
        for name in names:
            if name == "interplay" and genders[0] == genders[min(1, len(genders) - 1)]:
                continue
            people = self.spec.family.choose(load_people(self.spec.language, name))
            fresh = [t for t, _ in self._measure(people) if t not in self._used]
            if fresh:
                self.page.capitalises_next = True
                self.write_template(pick(self.rng, fresh))
                return True
        return False

    def write_gainful(self, name: str, label: str) -> bool:
        """Write a template of a list that can put in this missing value of person a; False if there is none."""
        self.account.only_missing = True
        able = [t for t in self._find(name) if label in find_labels(self.account.kind, t)]
        gainful = [(template, gain) for template, gain in self._measure(able) if gain]
        if gainful:
            weights = [_GREED**gain * (0.2 if template in self._used else 1) for template, gain in gainful]
            self.write_template(self._choose(gainful, weights))
        self.account.only_missing = False
        return bool(gainful)

    def write_template(self, template: Template) -> None:
        """Write a template; afterwards its first person is the one that a pronoun would mean."""
        self._used.add(template)
        if "{n" in template.source:
            self.account.renew("n")
        if "{q" in template.source:
            self._institution = self.noise.draw("institution")
            self.account.renew("q")
        self._awaiting_lead = True
        self.page.capitalises_next = self.page.capitalises_next or self.page.after_sentence
        self.account.topic = self._write_nodes(template) or self.account.topic
        self._awaiting_lead = True

    def write_part(self, name: str) -> None:
        """Compose a part; the author knows how."""
        raise NotImplementedError

    def _find(self, name: str) -> Sequence[Template]:
        return self.spec.family.choose(find_templates(self.account.kind, name))

    def _measure_list(self, name: str) -> list[tuple[Template, int]]:
        return self._measure(self._find(name))

    def _measure(self, templates: Sequence[Template]) -> list[tuple[Template, int]]:
        measured = ((template, self.account.measure(template, self._awaiting_lead)) for template in templates)
        return [(template, gain) for template, gain in measured if gain >= 0]

    def _choose(self, measured: Sequence[tuple[Template, int]], weights: Sequence[float]) -> Template:
        return self.rng.choices(measured, weights)[0][0]

    def _write_nodes(self, template: Template) -> int:
        lead = 0
        for node in template.nodes:
            if isinstance(node, str):
                self.page.write(node)
            elif isinstance(node, Choice):
                person = self._write_choice(node)
                lead = lead or person
            else:
                person = self._write_slot(node)
                lead = lead or person
        return lead

    def _write_choice(self, choice: Choice) -> int:
        available = self._measure(choice.options)
        greed = _GREED if self.account.only_missing else 1
        weights = [greed**gain * (2 if _starts_with_pronoun(option) else 1) for option, gain in available]
        return self._write_nodes(self._choose(available, weights))

    def _write_slot(self, slot: Slot) -> int:
        if slot.kind == "noise":
            self.page.write(self.noise.draw(slot.name))
        elif slot.kind == "register":
            self.page.write(slot.options[0 if self.spec.register == "formal" else 1])
        elif slot.kind == "call":
            self.write_call(slot.name)
        elif slot.kind == "memo":
            self._write_memo(slot.name)
        elif slot.kind == "part":
            self.write_part(slot.name)
        elif slot.inner:
            return self._write_joined(slot.name, slot.inner)
        elif slot.kind == "value":
            self.write_value(self.account.binding[slot.person], slot.name)
        elif slot.kind == "country":
            self._write_country(self.account.binding[slot.person], slot.name)
        else:
            return self._write_person(slot)
        return 0

    def write_call(self, name: str) -> None:
        """A template of the list, or instead of it a phrase of the lexicon that does the same."""
        phrase = _PHRASES.get(name)
        if phrase and self.rng.random() < PHRASE_SHARE:
            self.page.write(self.noise.draw(phrase))
        else:
            self.write_one_of(name)

    def _write_memo(self, name: str) -> None:
        if name not in self._memo:
            self._memo[name] = pick(self.rng, [template for template, _ in self._measure_list(name)])
        self._write_nodes(self._memo[name])

    def _write_joined(self, preposition: str, inner: Slot) -> int:
        language = self.spec.language
        if inner.kind == "noise":
            drawn = self.noise.draw(inner.name)
            self.page.write(elide(language, preposition, "", drop_marks(drawn)) + drawn)
            return 0
        person, names = self.account.binding[inner.person], self.account.names
        if inner.kind == "value":
            self.page.write(elide(language, preposition, "", self.account.values[person][inner.name]))
            self.write_value(person, inner.name)
            return 0
        title = names.find_title(person, inner.name, stands_alone=False)
        self.page.write(elide(language, preposition, title, names.spell(person, inner.name)))
        return self._write_person(inner, has_title=bool(title), may_have_title=False)

    def _write_person(self, slot: Slot, has_title: bool = False, may_have_title: bool = True) -> int:
        person = self.account.binding[slot.person]
        if slot.kind == "name" and person > MAX_PERSONS:
            return self._write_other(person)
        option = self._agree(slot.options, person) if slot.options else ""
        if slot.kind == "agree":
            self.page.write(option)
            return 0
        if slot.kind == "name":
            self._write_name(person, slot.name, (may_have_title and self._write_title(person, slot.name)) or has_title)
        elif option or slot.phrases:
            start = self.page.length
            self.page.write(option)
            if slot.phrases:
                self._write_nodes(self._agree(slot.phrases, person))
            cluster = "" if person == SINGLE else str(person)
            self.page.add_mention(start, "REFERENCE" if slot.kind == "reference" else "PRONOUN", cluster)
        self._awaiting_lead = False
        return person

    def _write_other(self, person: int) -> int:
        """The name of a's company or of an institution."""
        start = self.page.length
        if person == COMPANY:
            self.write_value(1, "COMPANYNAME")
        else:
            self.page.write(self._institution)
        self.page.add_mention(start, "MENTION", str(person))
        self._awaiting_lead = False
        return person

    def _agree(self, options: tuple[T, ...], person: int) -> T:
        if len(options) == 1 or person > self.spec.persons:
            return options[0 if person > self.spec.persons and set(self.spec.genders[:2]) == {"f"} else -1]
        return options[0 if self.spec.genders[person - 1] == "f" else 1]

    def write_value(self, person: int, label: str) -> None:
        """Write a person's value with its label."""
        self.page.write_entity(label, self.account.values[person][label])
        self.account.missing[person].discard(label)

    def _write_country(self, person: int, preposition: str) -> None:
        name = find_country(self.account.values[person]["COUNTRY"], self.spec.country, self.spec.language)
        before = {"in": name.inside, "from": name.origin, "the": name.article}[preposition]
        self.page.write(before if before.endswith("'") or not before else f"{before} ")
        self.write_value(person, "COUNTRY")

    def _write_title(self, person: int, form: str) -> bool:
        title = self.account.names.find_title(person, form, self.page.at_field_start)
        if title:
            self.page.write((title[0].upper() + title[1:] if self.page.at_sentence_start else title) + " ")
        return bool(title)

    def _write_name(self, person: int, form: str, has_title: bool) -> None:
        start = self.page.length
        for number, label in enumerate(self.account.names.choose_parts(person, form)):
            if number:
                self.page.write(". " if len(self.account.values[person]["FIRSTNAME"]) == 1 else " ")
            if has_title and self.spec.country == "NL" and label not in self.account.missing[person]:
                surname = self.account.values[person][label]
                self.page.write_entity(label, surname[0].upper() + surname[1:])
            else:
                self.write_value(person, label)
        self.page.add_mention(start, "MENTION", str(person))
        if form == "full" and self.page.length - start > 8 and self.rng.random() < _DEGREE_SHARE:
            self.page.write(pick(self.rng, DEGREES.get(self.spec.language, ("",))))
        self.account.names.introduced.add(person)


@cache
def load_people(language: str, name: str) -> tuple[Template, ...]:
    """The templates of one of the lexicon's lists about people."""
    return tuple(parse_template(source) for source in load_lexicon(language).frames[name])


def _starts_with_pronoun(template: Template) -> bool:
    first = template.nodes[0] if template.nodes else ""
    return isinstance(first, Slot) and first.kind == "pronoun"
