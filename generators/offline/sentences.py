"""Sentences of a project for its own labels: tagged text in which `{LABEL}` stands for a value.

    <m c="1">{DRUG}</m> [reduced|lowered] the risk of {DISEASE}. <m c="1" k="PRONOUN">It</m> was taken daily.

They stand in the lists `sentences`, `opening` and `closing` of a file of phrases (`phrases.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from goldspan.annotation.configuration import read_configuration
from goldspan.annotation.errors import SchemaError, TaggedTextError, UnknownNameError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import Tagged, escape_text, parse_tagged
from goldspan.generators.offline.phrases import LIST, Phrases, load_phrases

_VALUE = re.compile(r"\{([A-Z][A-Z0-9_]*)\}")
_LABEL = re.compile(r"\{([A-Z][A-Z0-9_]*)\}|</?([A-Z][A-Z0-9_]+)>")
_BRACES = re.compile(r"\{([^{}]*)\}")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = "n"
_WITH_VALUES = frozenset({"sentences", "opening", "closing"})
_FRAMES = {
    "term": ("v",),
    "pair": ("v", "w"),
    "code": ("v",),
    "person": ("v",),
    "contact": ("v",),
    "field": ("name", "v"),
}
"""Lists whose phrases hold values of any label, and their slots."""


@cache
def count_values(sentence: str) -> Counter[str]:
    """How many values of each label a sentence may hold."""
    return Counter(_VALUE.findall(sentence))


@cache
def find_labels(sentence: str) -> frozenset[str]:
    """The labels that a sentence names; one with a label that the schema does not have is not used."""
    return frozenset(match[1] or match[2] for match in _LABEL.finditer(sentence))


def fill_sentence(sentence: str, values: Mapping[str, Iterator[str]], labels: LabelSchema) -> Tagged:
    """The sentence with the next value of each label in its slots."""
    tagged = _VALUE.sub(lambda slot: f"<{slot[1]}>{escape_text(next(values[slot[1]]))}</{slot[1]}>", sentence)
    return parse_tagged(tagged, labels)


def check_phrases(labels: LabelSchema) -> list[str]:
    """Check the phrases that the project brings in all languages; sentences with unknown labels are named, not refused.

    Raises:
        SchemaError: the folder holds none, or a phrase names an unknown list or kind of mention, or is not closed.
    """
    folder = labels.purpose.phrases
    if folder is None:
        return []
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise SchemaError(
            f"{folder} holds no phrases; write them to {folder / 'en.toml'}, or remove the key `phrases`."
        )
    return [warning for file in files for warning in _check_file(file, labels)]


def _check_file(file: Path, labels: LabelSchema) -> Iterator[str]:
    document = read_configuration(file, "phrases", SchemaError)
    types = {name for name, table in document.items() if isinstance(table, dict)}
    known = labels.purpose.document_types
    if known and (unknown := sorted(types - {*known})):
        raise SchemaError(f"{file}: {UnknownNameError('document type', unknown[0], known)}")
    unused: Counter[str] = Counter()
    for document_type in ("", *sorted(types)):
        lists = document[document_type] if document_type else document
        own = {name: phrases for name, phrases in lists.items() if isinstance(phrases, list)}
        named = (code for listed in own.values() for phrase in listed for code in find_labels(phrase))
        unused.update(code for code in named if code not in labels.entity_codes)
        _check_lists(file, own, load_phrases(file.stem, file.parent, document_type), labels)
    for code, count in sorted(unused.items()):
        reason = UnknownNameError("label", code, labels.entity_codes)
        yield f"{file}: {count} phrases with {code} are not used. {reason}"


def _check_lists(file: Path, own: Mapping[str, Iterable[str]], phrases: Phrases, labels: LabelSchema) -> None:
    """Check lists of a file; `phrases` are all that a document draws from."""
    slots = {
        name: {slot.lower() for phrase in listed for slot in LIST.findall(phrase)} for name, listed in phrases.items()
    }
    try:
        TopologicalSorter(slots).prepare()
    except CycleError as error:
        raise SchemaError(
            f"{file}: these lists draw from each other without end: {', '.join(error.args[1])}."
        ) from None
    for name, listed in own.items():
        for phrase in listed:
            is_used = find_labels(phrase) <= labels.entity_codes
            if is_used and (problem := _find_problem(name, phrase, phrases, labels)):
                raise SchemaError(f"{file}: {name}: {phrase!r}: {problem}.")


def _find_problem(name: str, phrase: str, phrases: Phrases, labels: LabelSchema) -> str:
    """What is wrong with a phrase; empty if nothing is."""
    lists = {slot.lower() for slot in LIST.findall(phrase)} - {_NUMBER}
    if unknown := sorted(lists - {*phrases}):
        return f"there is no list {unknown[0]}"
    allowed = labels.entity_codes if name in _WITH_VALUES else _FRAMES.get(name, ())
    held = _BRACES.findall(phrase)
    if not allowed and held:
        return f"{{{held[0]}}} can stand in {', '.join(sorted(_WITH_VALUES))} only"
    if unknown := sorted({*held} - {*allowed}):
        return str(UnknownNameError("slot", unknown[0], allowed))
    if name in _FRAMES and sorted(held) != sorted(allowed):
        return f"it needs {' and '.join(f'{{{slot}}}' for slot in allowed)}, once each"
    try:
        for variant in _list_variants(phrase):
            parse_tagged(_VALUE.sub(r"<\1>x</\1>", LIST.sub("x", variant)), labels)
    except TaggedTextError as error:
        return str(error)
    return "a bracket is not closed" if re.search(r"[\[\]{}]", _BRACES.sub("", _CHOICE.sub("", phrase))) else ""


def _list_variants(phrase: str) -> Iterable[str]:
    """The phrase with the first option of each choice, with the second of each, and so on to the last."""
    choices = [match[1].split("|") for match in _CHOICE.finditer(phrase)]
    for number in range(max(map(len, choices), default=1)):
        options = iter([listed[min(number, len(listed) - 1)] for listed in choices])
        yield _CHOICE.sub(partial(_replace_by_next, options), phrase)


def _replace_by_next(options: Iterator[str], choice: re.Match[str]) -> str:
    return next(options)
