"""An author who needs no language model: writes the document that a spec asks for, as tagged text."""

from __future__ import annotations

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.language import find_other_language
from goldspan.annotation.text.tagged import Tagged
from goldspan.annotation.types import sort_spans
from goldspan.generators.noise.apply import REGISTERS as NOISE_REGISTERS
from goldspan.generators.noise.apply import add_noise
from goldspan.generators.offline.domain import compose_domain_document, draw_statement, fill_values
from goldspan.generators.offline.frames import draw_frame
from goldspan.generators.offline.grammar import parse_template
from goldspan.generators.offline.loose import split_values, write_loose
from goldspan.generators.offline.name_lists import write_name_list
from goldspan.generators.offline.page import Page, has_unlabelled_repeat
from goldspan.generators.offline.registers import NOISE, REGISTERS
from goldspan.generators.offline.variants import find_spelling
from goldspan.generators.offline.writer import Writer
from goldspan.generators.specs.documents import DOCUMENT_TYPES
from goldspan.generators.specs.spec import Spec
from goldspan.generators.specs.values import NAMES
from goldspan.generators.surrogates.chance import make_random, pick
from goldspan.generators.surrogates.values import BUILT_IN as GRAMMAR_LABELS

_ATTEMPTS = 12
_MIN_LENGTH = 60
_STORIES = {"short": (0, 1), "medium": (1, 4), "long": (3, 8)}
_NAMES = frozenset(NAMES)
_CRLF_SHARE = 0.06
_ADDRESS = frozenset({"STREET", "BUILDINGNUM", "ZIP", "CITY", "STATE"})
_VIEWS = {"facts_first": "first", "facts_third": "third", "facts_key": "card"}
_FRAME_SHARE, _ADDRESS_SHARE = 0.93, 0.35
"""How often a value is told by a frame of the lexicon: one that stands alone, and a part of an address."""
_PEOPLE_SHARE, _TYPE_SHARE = 0.28, 0.31
"""Of passages: those about people, and up to where the document type's own go."""
_REPORT_SHARE, _EPONYM_SHARE = 0.85, 0.05
"""Of the other passages: those that name others, and those with names that are parts of other names."""
_TALK_SHARE = 0.6
"""Of those of informal documents: opinions about others and news of friends."""
_FOOTER_SHARE = 0.06
"""Documents that end with a line about an organisation, and those that never do."""
_WITHOUT_FOOTER = frozenset({"chat", "sms", "voice_note", "log", "record", "phone_transcript", "note", "post", "news"})
_WITH_NAME_LIST = frozenset(
    {"news", "scan", "form", "hr_memo", "forum_post", "support_email", "email_thread", "delivery_note"}
)
"""Documents that list names where they hold no entity."""
_OWN_NAME = parse_template("{a.full}")
_PEOPLE_FIRST = ("pair_first", "nameless", "nested_first", "org", "institution")
_PEOPLE_THIRD = ("pair", "interplay", "cataphora", "nameless", "nested", "org", "institution")


def compose_document(spec: Spec, labels: LabelSchema) -> Tagged:
    """The document as text, entities and mentions. Same spec and labels, same document.

    Every value of the spec stands in it, labelled wherever it stands.
    """
    spec = fill_values(spec, labels)
    if spec.document_type not in DOCUMENT_TYPES or not _knows(labels):
        return compose_domain_document(spec, labels)
    for attempt in range(_ATTEMPTS):
        author = Author.begin(spec, labels, attempt)
        author.write_plan(is_last=attempt == _ATTEMPTS - 1)
        text = author.page.text
        complete = not any(author.account.missing.values()) and len(text) >= _MIN_LENGTH
        document = Tagged(text, sort_spans(author.page.entities), sort_spans(author.page.keep_clusters()))
        if complete and not has_unlabelled_repeat(text, document.entities) and _reads_as(spec, text):
            noisy = _add_noise(document, spec, attempt)
            fits = noisy is document or (
                len(noisy.text) >= _MIN_LENGTH
                and not has_unlabelled_repeat(noisy.text, noisy.entities)
                and _reads_as(spec, noisy.text)
            )
            return noisy if fits else document
    return document


def _reads_as(spec: Spec, text: str) -> bool:
    """False if the text, full of names or with English keys, is taken for one in another language."""
    return not find_other_language(text, spec.language)


def _add_noise(document: Tagged, spec: Spec, attempt: int) -> Tagged:
    """What typing, speaking or scanning does to documents of this type; values keep every character."""
    rng = make_random(spec.seed, spec.index, "noise", attempt)
    register = pick(rng, NOISE.get(spec.document_type, ("",)))
    return add_noise(document, rng, NOISE_REGISTERS[register], spec.language) if register else document


def _knows(labels: LabelSchema) -> bool:
    """True if the grammars fit the label schema: it labels the people they name, or has no label that is not theirs."""
    return labels.entity_codes >= _NAMES or labels.entity_codes <= GRAMMAR_LABELS


class Author(Writer):
    """Composes the parts that plans name."""

    @classmethod
    def begin(cls, spec: Spec, labels: LabelSchema, attempt: int) -> Author:
        """An author before an empty page; each attempt draws anew."""
        rng = make_random(spec.seed, spec.index, "text", attempt)
        newline = "\r\n" if rng.random() < _CRLF_SHARE else "\n"
        page = Page(newline, labels.entity_codes, find_spelling(spec.language, spec.country))
        told, loose = split_values(spec, labels)
        return cls(told, labels, rng, page, loose)

    def write_plan(self, is_last: bool) -> None:
        """Write the whole document; the last attempt is a bare list of the values."""
        plan = f"plan_{self.spec.length}"
        if self.spec.hard_negative and self.spec.document_type in _WITH_NAME_LIST and not (self.loose or is_last):
            write_name_list(self)
        elif not is_last and self.spec.document_type in REGISTERS:
            REGISTERS[self.spec.document_type](self)
        elif self.spec.hard_negative:
            self.write_one_of("negative_plan")
        elif is_last:
            for person in self.account.values:
                self.speaker = 0
                self.account.bind(person)
                self.write_part("card")
                self.page.write("\n\n")
        elif not (self.rng.random() < 0.7 and self.write_one_of(plan)):
            self.write_one_of("plan")
        write_loose(self)
        has_room = self.spec.length != "short" and self.spec.document_type not in _WITHOUT_FOOTER
        has_room = has_room and not self.spec.hard_negative
        if has_room and self.rng.random() < _FOOTER_SHARE:
            self.page.write(f"\n\n{self.noise.draw('footer')}")
        self.page.drop_trailing_space()

    def write_part(self, name: str) -> None:
        """Write one of the parts that a plan can name."""
        parts = {
            "story": self._write_story,
            "facts": self._write_facts,
            "others": self._write_others,
            "more": self._write_more,
            "card": self._write_card,
            "dialog": self._write_dialog,
            "neutral": self._write_neutral,
        }
        parts[name]()

    def _write_story(self) -> None:
        low, high = _STORIES[self.spec.length]
        for _ in range(self.rng.randint(max(low, self.page.at_field_start), high)):
            if not self._write_passage():
                break
            self.page.write(" ")

    def _write_passage(self) -> bool:
        """A sentence or two of a story: about people, about the world, or as this type of document has it."""
        kind = self.rng.random()
        if kind < _PEOPLE_SHARE and self._write_people():
            return True
        if kind < _TYPE_SHARE and self.write_fresh("story"):
            return True
        self._write_sentence()
        return True

    def _write_sentence(self) -> None:
        """A sentence that says nothing of the people of the spec."""
        kind = self.rng.random()
        if kind < _REPORT_SHARE:
            self.write_report()
        else:
            self.page.capitalises_next = True
            self.page.write(self.noise.draw("eponyms" if kind < _REPORT_SHARE + _EPONYM_SHARE else "sentence"))
            self.end_line()

    def write_report(self) -> None:
        """A sentence or a line that names others; in a hard negative one that does not."""
        talks = self.spec.register == "informal" and self.rng.random() < _TALK_SHARE
        self.page.capitalises_next = not talks
        kind = "sentence" if self.spec.hard_negative else "talk" if talks else "report"
        self.page.write(self.noise.draw(kind))
        self.end_line()

    def end_line(self) -> None:
        """A blank after a sentence, a new line after what is none."""
        self.page.write(" " if self.page.after_sentence else "\n")

    def _write_people(self) -> bool:
        """People beside those of the spec, or several of them together; False if nothing fits."""
        lists = _PEOPLE_FIRST if self._speaks else _PEOPLE_THIRD
        return self.write_template_of(self.rng.sample(lists, len(lists)))

    @property
    def _speaks(self) -> bool:
        """True if person a is the one who writes or speaks."""
        return self.account.binding.get("a") == self.speaker

    def speak_as(self, person: int) -> None:
        """Let the person speak in what follows, and be the letter a; 0 for nobody."""
        self.speaker = person
        if person:
            others = [other for other in range(1, self.spec.persons + 1) if other != person]
            self.account.bind(person, *others)

    def write_own_name(self) -> None:
        """The name of the one who speaks, as it stands under a message; nothing if there is none."""
        if self.account.measure(_OWN_NAME) >= 0:
            self.write_template(_OWN_NAME)

    def write_frame_of(self, name: str) -> None:
        """A template of one of the lexicon's lists about people."""
        self.write_template_of([name])

    def _write_neutral(self) -> None:
        low, high = _STORIES[self.spec.length]
        for _ in range(self.rng.randint(low + 1, high + 1)):
            if self.rng.random() < _TYPE_SHARE or not self.write_fresh("neutral"):
                self._write_sentence()
            self.page.write("\n" if self._has_turns else "\n\n" if self.rng.random() < 0.15 else " ")

    @property
    def _has_turns(self) -> bool:
        """True if every sentence stands after the name of who says it, on a line of its own."""
        return self.spec.document_type in {"phone_transcript", "chat"}

    def _write_facts(self) -> None:
        if not self.account.missing[self.account.binding["a"]] and self.page.after_speaker:
            self._write_passage()
        self._write_missing("facts_first" if self._speaks else "facts_third", " ")

    def _write_others(self) -> None:
        binding = self.account.binding
        for person in range(2, self.spec.persons + 1):
            if self.account.missing[person]:
                self.account.bind(1, person)
                self.page.write("\n\n" if self.rng.random() < 0.3 and not self.page.at_field_start else " ")
                self.write_one_of("meet")
                self.page.write(" ")
                self.account.bind(person)
                self.account.topic = person
                self._write_missing("facts_third", " ")
        self.account.binding = binding

    def _write_more(self) -> None:
        if any(self.account.missing[person] for person in range(2, self.spec.persons + 1)):
            self.write_one_of("speaker")
            self._write_others()
            self.page.write("\n")

    def _write_card(self) -> None:
        bullet = self.rng.choice(("", "", "- ", "* ", "• "))
        person = self.account.binding["a"]
        if self.account.missing[person] & _NAMES:
            self.page.write(bullet)
            self.write_one_of("card_name")
            self.page.write("\n")
        self._write_missing("facts_key", "\n", bullet)

    def _write_dialog(self) -> None:
        person = self.account.binding["a"]
        for label in self._order_missing(person):
            if label in self.account.missing[person]:
                self.page.write("" if self.page.at_line_start else "\n")
                if self.rng.random() < 0.6:
                    self.write_one_of("prompt")
                    self.page.write("\n")
                self.write_one_of("speaker")
                self._write_fact("facts_first", label, " ")
        self.page.write("\n")

    def _order_missing(self, person: int) -> list[str]:
        missing = sorted(self.account.missing[person] - _NAMES)
        self.rng.shuffle(missing)
        return missing

    def _write_missing(self, name: str, separator: str, prefix: str = "") -> None:
        person = self.account.binding["a"]
        for number, label in enumerate(self._order_missing(person)):
            if label in self.account.missing[person]:
                if number and separator == " " and self.rng.random() < 0.12:
                    self.page.write("\n\n")
                self._write_fact(name, label, separator, prefix)

    def _write_fact(self, name: str, label: str, separator: str, prefix: str = "") -> None:
        person = self.account.binding["a"]
        while label in self.account.missing[person]:
            self.page.write(prefix)
            self.page.capitalises_next = separator == "\n"
            if not (self._write_frame(name, label) or self.write_gainful(name, label)):
                self.write_other_label(label, self.account.values[person][label], separator == "\n")
                self.account.missing[person].discard(label)
            self.page.write(separator)

    def write_other_label(self, label: str, value: str, is_line: bool) -> None:
        """Write the value of a label that no grammar knows: a line of its own, or a sentence about any subject."""
        if is_line:
            before, after = f"{self.labels[label].name}: ", ""
        else:
            before, after = draw_statement(self.rng, self.spec.language, self.labels[label], value)
        self.page.write(before)
        self.page.write_entity(label, value)
        self.page.write(after)

    def _write_frame(self, name: str, label: str) -> bool:
        """Tell the value by a frame of the lexicon; parts of an address that stand together are left to templates."""
        person = self.account.binding["a"]
        together = label in _ADDRESS and len(self.account.missing[person] & _ADDRESS) > 1
        if self.rng.random() > (_ADDRESS_SHARE if together else _FRAME_SHARE):
            return False
        frame = draw_frame(self.rng, self.spec.language, self.spec.country, _VIEWS[name], label, self.spec.family)
        self.account.only_missing = True
        fits = frame is not None and self.account.measure(frame) > 0
        if frame is not None and fits:
            self.page.capitalises_next = True
            self.write_template(frame)
        self.account.only_missing = False
        return fits
