"""Expands the phrases of a lexicon (lexicon.py, where the notation is explained) for one document."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from random import Random

from goldspan.annotation.errors import SchemaError
from goldspan.generators.offline.elision import elide_last
from goldspan.generators.offline.lexicon import (
    NAMES,
    NAMES_AND_WORDS,
    ORGANISATION,
    SLOT,
    UNLABELLED,
    Lexicon,
    Noun,
    Phrase,
    Slot,
    load_jobs,
    load_words,
    raise_first,
)
from goldspan.generators.offline.marks import drop_marks
from goldspan.generators.specs.families import Family
from goldspan.generators.surrogates.chance import pick
from goldspan.generators.surrogates.online import draw_link

_NAMING_SHARE = 0.5
"""How often a phrase that names others is kept when it is drawn from a list that has others."""
_TRIES = 4
_MASCULINE_JOBS = frozenset({"de", "fr", "es"})
"""Languages whose occupations are listed in the masculine; whom a phrase names beside one is a man."""
_VERB_PLACE = "@"
"""Where the finite verb of a subordinate clause goes if it does not stand last, as before Dutch infinitives."""
_VOWELS = "aeiouàâéèêëîïôûœæAEIOUÉÊÎ"
_MUTE = "hH"
_ASPIRATED = ("hamac", "hangar", "hall", "haut", "homard", "housse", "hublot")


class Phrasing:
    """Expands phrases for one document: equal random state, equal text."""

    def __init__(
        self,
        lexicon: Lexicon,
        rng: Random,
        name: Callable[[str, bool], str],
        noise: Callable[[str], str],
        *,
        naming: bool,
        family: Family,
    ) -> None:
        self.lexicon, self._rng, self._family = lexicon, rng, family
        self._name, self._noise, self._naming = name, noise, naming
        self._among_jobs = False

    def draw(self, name: str) -> str:
        """One phrase of a list; a list whose name begins with a capital gives one that does."""
        if name in self.lexicon.phrases:
            return self.expand(self._choose(self.lexicon.phrases[name]))
        mark, determiner, plain = _read_name(name)
        if plain in NAMES_AND_WORDS or mark:
            return self._fill(Slot(mark, determiner, plain))
        lowered = (determiner or plain)[0].lower() + (determiner or plain)[1:]
        if lowered != (determiner or plain):
            return raise_first(self.draw(f"{lowered}:{plain}" if determiner else lowered))
        return self.draw_noun(plain, determiner)

    def _choose(self, phrases: Sequence[Phrase]) -> Phrase:
        """A phrase; one that names others is passed over now and then, and always in a text that names nobody."""
        share = _NAMING_SHARE if self._naming else 0.0
        phrases = self._family.choose(phrases)
        phrase = pick(self._rng, phrases)
        for _ in range(_TRIES if self._naming else 10 * _TRIES):
            if not _names_others(phrase) or self._rng.random() < share:
                break
            phrase = pick(self._rng, phrases)
        return phrase

    def draw_noun(self, name: str, determiner: str = "") -> str:
        """A noun of a class, with a determiner if one is named."""
        return self._determine(pick(self._rng, self.lexicon.nouns[name]), determiner)

    def list_phrases(self, name: str, kinds: frozenset[str]) -> tuple[Phrase, ...]:
        """The phrases of a list of the family that have a slot for a name of one of the kinds."""
        return tuple(
            phrase
            for phrase in self._family.choose(self.lexicon.phrases[name])
            if any(isinstance(part, Slot) and not part.mark and part.name in kinds for part in phrase)
        )

    def expand(self, phrase: Phrase) -> str:
        """The phrase with its slots filled."""
        text = ""
        before, self._among_jobs = self._among_jobs, self._among_jobs or _names_a_job(phrase)
        for part in phrase:
            if isinstance(part, str):
                text += part
            else:
                filled = self._fill(part)
                text = elide_last(self.lexicon.language, text, drop_marks(filled)) + filled
        self._among_jobs = before
        return text

    def _fill(self, slot: Slot) -> str:
        if slot.mark == "#":
            return self._noise(slot.name)
        if slot.mark == "!":
            return self._name(slot.name, True)
        if slot.mark:
            clause = self._write_clause(slot.mark, slot.name.lower())
            return raise_first(clause) if slot.name[0].isupper() else clause
        if slot.name in NAMES or slot.name in UNLABELLED:
            return self._fill_name(slot)
        if slot.name in self.lexicon.nouns and (slot.determiner or slot.name not in self.lexicon.phrases):
            return self.draw_noun(slot.name, slot.determiner)
        if slot.name == "word":
            return pick(self._rng, load_words(self.lexicon.language))
        if slot.name == "link":
            words = load_words(self.lexicon.language)
            return draw_link(self._rng, [pick(self._rng, words) for _ in range(self._rng.randint(2, 6))])
        if slot.name == "job":
            job = pick(self._rng, load_jobs(self.lexicon.language))
            return self._determine(Noun("x", job, job), slot.determiner) if slot.determiner else job
        return self.draw(slot.name)

    def _fill_name(self, slot: Slot) -> str:
        if self._among_jobs and slot.name in {"Person", "First"} and self.lexicon.language in _MASCULINE_JOBS:
            return self._name(f"m:{slot.name}", False)
        if not slot.determiner:
            return self._name(slot.name, False)
        name = self._name(f"{slot.determiner.lower()}:{slot.name}", False)
        return raise_first(name) if slot.determiner[0].isupper() else name

    def _determine(self, noun: Noun, determiner: str) -> str:
        if not determiner:
            return noun.word
        if determiner[0].isupper():
            return raise_first(self._determine(noun, determiner[0].lower() + determiner[1:]))
        forms = self.lexicon.determiners[determiner]
        if "suffix" in forms:
            return noun.definite
        if self._starts_with_vowel(noun.word):
            return forms.get(f"{noun.gender}v", forms.get("v", forms[noun.gender])) + noun.word
        return forms[noun.gender] + noun.word

    def _starts_with_vowel(self, word: str) -> bool:
        if self.lexicon.language == "en" and word.startswith(("uni", "use", "eu")):
            return False
        return word[0] in _VOWELS or (
            self.lexicon.language == "fr" and word[0] in _MUTE and not word.startswith(_ASPIRATED)
        )

    def _write_clause(self, mark: str, name: str) -> str:
        lexicon = self.lexicon
        name = pick(self._rng, lexicon.classes) if name == "any" else name
        if mark == "*":
            entries = [entry for entry in lexicon.predicates[name] if not entry.agrees]
            entry = pick(self._rng, self._family.choose(entries))
            return f"{entry.verb} {self.expand(entry.rest).replace(_VERB_PLACE, '')}".rstrip()
        noun = pick(self._rng, lexicon.nouns[name])
        subject = self._determine(noun, "the")
        if self._rng.random() < 0.4:
            of_noun = f"of_{name}" if f"of_{name}" in lexicon.phrases else "of_noun"
            subject = f"{subject} {_agree(self.draw(of_noun), noun.gender)}"
        predicates = lexicon.predicates[name] if mark not in "~^" else lexicon.events[name]
        if not self._naming:
            predicates = tuple(entry for entry in predicates if not _names_others(entry.rest))
        verb, phrase, _ = pick(self._rng, self._family.choose(predicates))
        verb, rest = _agree(verb, noun.gender), _agree(self.expand(phrase), noun.gender)
        if mark == "&" and _VERB_PLACE in rest:
            return f"{subject} {rest.replace(_VERB_PLACE, f'{verb} ')}"
        rest = rest.replace(_VERB_PLACE, "")
        if mark in "-^" and lexicon.verb_second:
            return f"{verb} {subject} {rest}".rstrip()
        if mark == "&" and lexicon.verb_final:
            rest, particle = _split_particle(rest, lexicon.particles)
            return f"{subject} {rest} {particle}{verb}".replace("  ", " ")
        if mark == "~":
            middle, end = (self.draw("when"), rest) if lexicon.verb_second else (rest, self.draw("when"))
            return f"{subject} {verb} {middle} {end}".rstrip()
        return f"{subject} {verb} {rest}".rstrip()


def _split_particle(rest: str, particles: frozenset[str]) -> tuple[str, str]:
    """The rest of a clause and the particle at its end, which joins a verb that stands last ("anzeigte")."""
    before, _, last = rest.rpartition(" ")
    return (before, last) if last in particles else (rest, "")


@cache
def _read_name(name: str) -> Slot:
    match = SLOT.fullmatch(f"<{name}>")
    if match is None:
        raise SchemaError(f"{name!r} is no phrase")
    return Slot(match[1], match[2] or "", match[3])


@cache
def _names_a_job(phrase: Phrase) -> bool:
    return any(isinstance(part, Slot) and part.name.lower() == "job" for part in phrase)


@cache
def _names_others(phrase: Phrase) -> bool:
    """True if the phrase holds an entity."""
    return any(
        part.name in NAMES and part.mark != "!" if isinstance(part, Slot) else ORGANISATION in part for part in phrase
    )


def _agree(text: str, gender: str) -> str:
    return re.sub(r"\{(\w*)/(\w*)\}", lambda match: match[2 if gender == "f" else 1], text) if "{" in text else text
