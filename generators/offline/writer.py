"""Fills templates for one spec and keeps account of which values stand in the text already."""

from __future__ import annotations

from random import Random
from typing import TypeVar

from annotation.labels import LabelSchema
from generators.offline.chance import pick
from generators.offline.grammar import PERSONS, Choice, Grammar, Slot, Template
from generators.offline.melting import melt
from generators.offline.noise import draw_noise
from generators.offline.page import Page
from generators.offline.world import find_country
from generators.specs import Spec

T = TypeVar("T")
UNAVAILABLE = -1
_LABELS_OF: dict[tuple[str, str, str], dict[Template, frozenset[str]]] = {}
_REFERRING = frozenset({"name", "pronoun", "deictic", "reference"})


class Writer:
    """Writes templates onto a page.

    A template is available when everybody and every value that it names exists, and when its first pronoun has
    its antecedent in the sentence before.
    """

    def __init__(self, spec: Spec, labels: LabelSchema, grammar: Grammar, rng: Random, page: Page) -> None:
        self.spec, self.labels, self.grammar, self.rng, self.page = spec, labels, grammar, rng, page
        self.type = grammar.types[spec.document_type]
        self.values = {person: spec.of_person(person) for person in range(1, spec.persons + 1)}
        self.missing = {person: set(values) for person, values in self.values.items()}
        self.binding = {letter: number for number, letter in enumerate(PERSONS, 1) if number <= spec.persons}
        self.topic = 0
        self.facts_only = False
        self._awaiting_lead = True
        self._introduced: set[int] = set()
        self._used: set[Template] = set()
        self._memo: dict[str, Template] = {}
        self._titles: dict[tuple[int, str], str] = {}
        self._labels_of = _LABELS_OF.setdefault((spec.language, spec.country, spec.document_type), {})

    def find_list(self, name: str) -> tuple[Template, ...]:
        """The document type's own list, else the language's, those for the country first."""
        for lists in (self.type.lists, self.grammar.lists):
            for key in (f"{name}_{self.spec.country}", name):
                if key in lists:
                    return lists[key]
        return ()

    def write_one_of(self, name: str) -> bool:
        """Write one available template of a list, preferably a fresh one; False if none is available."""
        templates = self.find_list(name)
        measured = [(template, self.measure(template)) for template in templates]
        available = [(template, gain) for template, gain in measured if gain >= 0]
        fresh = [entry for entry in available if entry[0] not in self._used] or available
        if not fresh:
            return False
        greedy = self.facts_only or name.startswith("address")
        weights = [8**gain if greedy else 1 for _, gain in fresh]
        self.write_template(self.rng.choices(fresh, weights)[0][0])
        return True

    def write_fresh(self, name: str) -> bool:
        """Write a template of a list that was not used yet; False if there is none left."""
        fresh = [t for t in self.find_list(name) if t not in self._used and self.measure(t) >= 0]
        if not fresh:
            return False
        self.write_template(pick(self.rng, fresh))
        return True

    def write_gainful(self, name: str, label: str) -> bool:
        """Write a template of a list that can put in this missing value of person a; False if there is none."""
        self.facts_only = True
        gainful = []
        for template in self.find_list(name):
            if label in _find_labels(template, self, self._labels_of) and (gain := self.measure(template)) > 0:
                gainful.append((template, 8**gain * (0.2 if template in self._used else 1)))
        if gainful:
            templates, weights = zip(*gainful, strict=True)
            self.write_template(self.rng.choices(templates, weights)[0])
        self.facts_only = False
        return bool(gainful)

    def write_template(self, template: Template) -> None:
        """Write a template; afterwards its first person is the one that a pronoun would mean."""
        self._used.add(template)
        self._awaiting_lead = True
        self.page.capitalises_next = self.page.capitalises_next or self.page.after_sentence
        topic = self._write_nodes(template.nodes)
        self.topic = topic or self.topic
        self._awaiting_lead = True

    def measure(self, template: Template) -> int:
        """How many missing values the template could put in, or `UNAVAILABLE`."""
        return self._measure_nodes(template.nodes, self._awaiting_lead)

    def _measure_nodes(self, nodes: tuple[str | Slot | Choice, ...], leading: bool) -> int:
        total = 0
        for node in nodes:
            if isinstance(node, str):
                continue
            if isinstance(node, Choice):
                gain = max(self._measure_nodes(option.nodes, leading) for option in node.options)
                leading = False
            else:
                gain = self._measure_slot(node, leading)
                leading = leading and node.kind not in _REFERRING
            if gain < 0:
                return UNAVAILABLE
            total += gain
        return total

    def _measure_slot(self, slot: Slot, leading: bool) -> int:
        if slot.kind in {"noise", "part", "register"}:
            return 0
        if slot.kind in {"call", "memo"}:
            return max((self._measure_nodes(t.nodes, leading) for t in self.find_list(slot.name)), default=UNAVAILABLE)
        if slot.inner:
            return self._measure_slot(slot.inner, leading)
        person = self.binding.get(slot.person)
        if person is None:
            return UNAVAILABLE
        if slot.kind in {"value", "country"}:
            return self._measure_value(person, "COUNTRY" if slot.kind == "country" else slot.name)
        if slot.kind == "name":
            return self._measure_name(person, slot.name)
        return UNAVAILABLE if slot.kind == "pronoun" and leading and self.topic != person else 0

    def _measure_value(self, person: int, label: str) -> int:
        if label in self.missing[person]:
            return 1
        return 0 if label in self.values[person] and not self.facts_only else UNAVAILABLE

    def _measure_name(self, person: int, form: str) -> int:
        needed = {"first": ("FIRSTNAME",), "last": ("SURNAME",)}.get(form, ())
        if any(label not in self.values[person] for label in needed):
            return UNAVAILABLE
        return 0 if {"FIRSTNAME", "SURNAME"} & self.values[person].keys() else UNAVAILABLE

    def _write_nodes(self, nodes: tuple[str | Slot | Choice, ...]) -> int:
        lead = 0
        for node in nodes:
            if isinstance(node, str):
                self._write_text(node)
            elif isinstance(node, Choice):
                lead = self._write_choice(node) or lead
            else:
                person = self._write_slot(node)
                lead = lead or person
        return lead

    def _write_text(self, text: str) -> None:
        """Plain text of a template; Switzerland writes German without ß."""
        self.page.write(text.replace("ß", "ss") if self.spec.country == "CH" else text)

    def _write_choice(self, choice: Choice) -> int:
        measured = [(o, self._measure_nodes(o.nodes, self._awaiting_lead)) for o in choice.options]
        available = [(option, gain) for option, gain in measured if gain >= 0]
        weights = [(8**gain if self.facts_only else 1) * (2 if _starts_with_pronoun(o) else 1) for o, gain in available]
        return self._write_nodes(self.rng.choices(available, weights)[0][0].nodes)

    def _write_slot(self, slot: Slot) -> int:
        if slot.kind == "noise":
            self.page.write(draw_noise(self.rng, slot.name, self.spec.language, self.spec.country))
        elif slot.kind == "register":
            self._write_text(slot.options[0 if self.spec.register == "formal" else 1])
        elif slot.kind == "call":
            self.write_one_of(slot.name)
        elif slot.kind == "memo":
            self._write_memo(slot.name)
        elif slot.kind == "part":
            self.write_part(slot.name)
        elif slot.kind == "join":
            self._write_joined(slot)
        else:
            return self._write_person(slot)
        return 0

    def write_part(self, name: str) -> None:
        """Compose a part; the author knows how."""
        raise NotImplementedError

    def _write_memo(self, name: str) -> None:
        if name not in self._memo:
            self._memo[name] = pick(self.rng, [t for t in self.find_list(name) if self.measure(t) >= 0])
        self._write_nodes(self._memo[name].nodes)

    def _write_joined(self, slot: Slot) -> None:
        inner = slot.inner
        if inner is None:
            return
        if inner.kind == "noise":
            drawn = draw_noise(self.rng, inner.name, self.spec.language, self.spec.country)
            self.page.write(melt(self.spec.language, slot.name, "", drawn) + drawn)
            return
        person = self.binding[inner.person]
        title = self._find_title(person, inner.name) if inner.kind == "name" else ""
        value = self._spell_name(person, inner.name) if inner.kind == "name" else self.values[person][inner.name]
        self.page.write(melt(self.spec.language, slot.name, title, value))
        self._write_person(inner, untitled=True)

    def _write_person(self, slot: Slot, untitled: bool = False) -> int:
        person = self.binding[slot.person]
        if slot.kind == "value":
            self._write_value(person, slot.name)
            return 0
        if slot.kind == "country":
            self._write_country(person, slot.name)
            return 0
        option = self._agree(slot.options, person) if slot.options else ""
        if slot.kind == "agree":
            self._write_text(option)
            return 0
        if slot.kind == "name":
            self._write_name(person, slot.name, untitled)
        elif option or slot.phrases:
            start = self.page.length
            self._write_text(option)
            if slot.phrases:
                self._write_nodes(self._agree(slot.phrases, person).nodes)
            self.page.add_mention(start, "REFERENCE" if slot.kind == "reference" else "PRONOUN", str(person))
        self._awaiting_lead = False
        return person

    def _agree(self, options: tuple[T, ...], person: int) -> T:
        return options[0 if len(options) == 1 or self.spec.genders[person - 1] == "f" else 1]

    def _write_value(self, person: int, label: str) -> None:
        self.page.write_entity(label, self.values[person][label])
        self.missing[person].discard(label)

    def _write_country(self, person: int, preposition: str) -> None:
        name = find_country(self.values[person]["COUNTRY"], self.spec.country, self.spec.language)
        before = {"in": name.inside, "from": name.origin, "the": name.article}[preposition]
        self.page.write(before if before.endswith("'") or not before else f"{before} ")
        self._write_value(person, "COUNTRY")

    def _parts_of_name(self, person: int, form: str) -> tuple[str, ...]:
        have = self.values[person]
        both = tuple(label for label in ("FIRSTNAME", "SURNAME") if label in have)
        wanted = {"first": "FIRSTNAME", "last": "SURNAME"}.get(form)
        if form in {"short", "formal", "oblique"}:
            if person not in self._introduced and not self.missing[person].isdisjoint(both):
                return both
            informal = form == "short" and (self.grammar.informal_short or self.spec.register == "informal")
            wanted = "FIRSTNAME" if informal else "SURNAME"
        return (wanted,) if wanted in have else both

    def _spell_name(self, person: int, form: str) -> str:
        return " ".join(self.values[person][label] for label in self._parts_of_name(person, form))

    def _find_title(self, person: int, form: str) -> str:
        if form in {"first", "last"} or self._parts_of_name(person, form) != ("SURNAME",):
            return ""
        if form == "full" and (self.page.at_field_start or (person == 1 and self.type.person == "first")):
            return ""
        gender = self.spec.genders[person - 1]
        key = f"{gender}_oblique" if form == "oblique" and f"{gender}_oblique" in self.grammar.titles else gender
        if (person, key) not in self._titles:
            self._titles[person, key] = pick(self.rng, self.grammar.titles[key])
        return self._titles[person, key]

    def _write_name(self, person: int, form: str, untitled: bool) -> None:
        title = "" if untitled else self._find_title(person, form)
        if title:
            self.page.write((title[0].upper() + title[1:] if self.page.at_sentence_start else title) + " ")
        start = self.page.length
        for number, label in enumerate(self._parts_of_name(person, form)):
            if number:
                self.page.write(" ")
            if title and self.spec.country == "NL" and label not in self.missing[person]:
                surname = self.values[person][label]
                self.page.write_entity(label, surname[0].upper() + surname[1:])
            else:
                self._write_value(person, label)
        self._introduced.add(person)
        self.page.add_mention(start, "MENTION", str(person))


def _starts_with_pronoun(template: Template) -> bool:
    first = template.nodes[0] if template.nodes else ""
    return isinstance(first, Slot) and first.kind == "pronoun"


def _find_labels(template: Template, writer: Writer, cache: dict[Template, frozenset[str]]) -> frozenset[str]:
    """Labels of person a that the template, or a template that it calls, can put in."""
    if template in cache:
        return cache[template]
    found: set[str] = set()
    stack = list(template.nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, Choice):
            stack.extend(inner for option in node.options for inner in option.nodes)
        elif isinstance(node, Slot):
            if node.inner:
                stack.append(node.inner)
            if node.kind == "country":
                found.add("COUNTRY")
            elif node.kind == "value" and node.person == "a":
                found.add(node.name)
            elif node.kind in {"call", "memo"}:
                for inner in writer.find_list(node.name):
                    found |= _find_labels(inner, writer, cache)
    cache[template] = frozenset(found)
    return cache[template]
