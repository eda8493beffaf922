"""The baseline that needs no model: patterns, check digits, and the words that announce a value.

It finds what has a form. Names, cities in running text and countries have none: those labels stay empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from goldspan.annotation.corpus.uncertainty import score_entities
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.affixes import joins_affix
from goldspan.annotation.text.words import snap_span, splits_word, stands_alone
from goldspan.annotation.types import Annotation, Author, Entity
from goldspan.predictors.base import LocalPredictor, TextInput
from goldspan.predictors.patterns import contacts, dates, finance, identifiers, places, secrets
from goldspan.predictors.patterns.candidates import REGIONS, Candidate, Finder, LocalisedText, resolve_overlaps
from goldspan.predictors.patterns.typography import unify_typography

FINDERS: tuple[Finder, ...] = (
    contacts.find_emails,
    contacts.find_urls,
    contacts.find_phones,
    contacts.find_usernames,
    finance.find_ibans,
    finance.find_cards,
    identifiers.find_identifiers,
    identifiers.find_self_evident,
    dates.find_birth_dates,
    dates.find_ages,
    places.find_streets,
    places.find_postcodes,
    places.find_companies,
    secrets.find_tokens,
    secrets.find_passwords,
)

LABELS = frozenset(
    {
        "AGE", "BUILDINGNUM", "CITY", "COMPANYNAME", "CREDITCARDNUMBER", "DATEOFBIRTH", "DRIVERLICENSENUM", "EMAIL",
        "IBAN", "IDCARDNUM", "LICENSEPLATENUM", "NATIONALID", "PASSPORTID", "PASSWORD", "PHONENUMBER",
        "SECURITYTOKEN", "SSN", "STATE", "STREET", "TAXNUM", "URL", "USERNAME", "ZIP",
    }
)  # fmt: skip
"""Labels that have a form, or that the text announces."""


class RegexPredictor(LocalPredictor):
    """Finds entities by form. Forms of the text's country are looked for; without one, those of its language.

    Labels that the schema lacks are left out.
    """

    name = "regex"
    version = "1"

    def __init__(self, labels: LabelSchema) -> None:
        self.labels = labels.entity_codes & LABELS

    def predict_batch(self, texts: Sequence[TextInput]) -> list[Annotation]:
        """Entities without overlap, each with the score of its rule (0 to 1)."""
        return [self._read_text(*text) for text in texts]

    def _read_text(self, text: str, language: str, country: str) -> Annotation:
        document = LocalisedText(unify_typography(text), (country,) if country else REGIONS.get(language, ()))
        candidates = [
            clear_borders(text, found, language)
            for find in FINDERS
            for found in find(document)
            if found.label in self.labels
        ]
        entities = tuple(
            Entity(candidate.start, candidate.end, candidate.label, score=round(candidate.score, 3))
            for candidate in resolve_overlaps(candidates)
        )
        return Annotation(Author.model(self.model_version), entities, score=score_entities(text, entities))


def clear_borders(text: str, candidate: Candidate, language: str) -> Candidate:
    """The candidate with each edge at the nearest border of a word, so `7424287` in `L7424287` becomes all of it."""
    start, end = candidate.start, candidate.end
    if stands_alone(text, start, end) or not splits_word(text, start, end) or joins_affix(text, start, end, language):
        return candidate
    start, end = snap_span(text, start, end)
    return replace(candidate, start=start, end=end)
