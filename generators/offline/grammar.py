"""The language that documents are written in: templates, read from one TOML file per language.

[this|that]          one of them
{#date}              something that is no personal data (noise.py), or a phrase (lexicon.py)
{CITY} {b.CITY}      a value of person a, of b  {~closing}         one template of the list `closing`
{a.full}             a name (full, short, formal, oblique, first, last)
{a:she|he}           a pronoun of person a, for a woman or a man; it needs a's name before it
{a;she|he}           a pronoun that stands before the name it means
{ab:they} {ab=both}  a and b together
{o.name} {o:it}      the company of a
{q.name} {q:it}      an institution
{n=a nurse} {n:she}  somebody without a name
{s=a clerk}          somebody who is mentioned once and has no cluster
{a!I}                a pronoun of the one who speaks or is spoken to
{a=the tenant}       a noun phrase that refers to a
{a?née|né}           agrees with a's gender, refers to nobody
{@agent}             as {~agent}, but the same choice all through the document
{%story}             a part that the author composes: story, facts, others, more, card, dialog, neutral
{>de a.full}         a preposition that contracts with the next word (d'Alice, del señor)
{in COUNTRY}         in, from or the: with the preposition or article that the country's name takes
$S                   a macro of the file: a stretch of template that is written often
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import SchemaError

PERSONS = "abc"
NAME_FORMS = frozenset({"full", "short", "formal", "oblique", "first", "last", "name"})
_CALL = re.compile(r"([~@%])(\w+)|(#)([+~^&-]?\w+(?::\w+)?)")
_SAY = re.compile(r"(ab|[abcoqns])([:;!=?])(.*)", re.DOTALL)
_NAME = re.compile(r"([abcoq])\.([a-z]+)")
_VALUE = re.compile(r"(?:([abc])\.)?([A-Z][A-Z0-9_]*)")
_JOIN = re.compile(r">(\S+) (.+)")
_COUNTRY = re.compile(r"(in|from|the) COUNTRY")
_MACRO = re.compile(r"\$([A-Z])")
_CALLS = {"~": "call", "@": "memo", "%": "part", "#": "noise"}
_SAYS = {":": "pronoun", ";": "cataphor", "!": "deictic", "=": "reference", "?": "agree"}


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a template that is filled when the document is written."""

    kind: str
    person: str = ""
    name: str = ""
    options: tuple[str, ...] = ()
    inner: Slot | None = None
    phrases: tuple[Template, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, one of which is written."""

    options: tuple[Template, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Template:
    """Text, slots and choices in order."""

    nodes: tuple[str | Slot | Choice, ...]
    source: str


@dataclass(frozen=True, slots=True)
class DocumentGrammar:
    """How documents of one type are written: from whose view, and their lists of templates."""

    person: str
    lists: Mapping[str, tuple[Template, ...]]


@dataclass(frozen=True, slots=True)
class Grammar:
    """Everything a language needs: lists that all document types share, titles, and the types themselves."""

    language: str
    titles: Mapping[str, tuple[str, ...]]
    informal_short: bool
    lists: Mapping[str, tuple[Template, ...]]
    types: Mapping[str, DocumentGrammar]


def parse_template(source: str) -> Template:
    """Read one template.

    Raises:
        SchemaError: a bracket is not closed, or a slot is none of those above.
    """
    nodes, end = _parse_nodes(source, 0, "")
    if end != len(source):
        raise SchemaError(f"Template {source!r}: {source[end]!r} at {end} closes nothing")
    return Template(tuple(nodes), source)


def _parse_nodes(source: str, start: int, stops: str) -> tuple[list[str | Slot | Choice], int]:
    nodes: list[str | Slot | Choice] = []
    text: list[str] = []
    place = start

    def flush() -> None:
        if text:
            nodes.append("".join(text))
            text.clear()

    while place < len(source) and source[place] not in stops:
        character = source[place]
        if character == "\\":
            text.append(source[place + 1])
            place += 2
        elif character == "{":
            flush()
            end = _find_brace(source, place)
            nodes.append(_parse_slot(source[place + 1 : end], source))
            place = end + 1
        elif character == "[":
            flush()
            choice, place = _parse_choice(source, place + 1)
            nodes.append(choice)
        else:
            text.append(character)
            place += 1
    flush()
    return nodes, place


def _parse_choice(source: str, start: int) -> tuple[Choice, int]:
    options: list[Template] = []
    place = start
    while True:
        nodes, end = _parse_nodes(source, place, "|]")
        if end >= len(source):
            raise SchemaError(f"Template {source!r}: the [ before {start} is not closed")
        options.append(Template(tuple(nodes), source[place:end]))
        if source[end] == "]":
            return Choice(tuple(options)), end + 1
        place = end + 1


def _find_brace(source: str, start: int) -> int:
    depth = 0
    for place in range(start, len(source)):
        depth += {"{": 1, "}": -1}.get(source[place], 0)
        if depth == 0:
            return place
    raise SchemaError(f"Template {source!r}: the {{ at {start} is not closed")


def _parse_slot(body: str, source: str) -> Slot:
    if match := _CALL.fullmatch(body):
        return Slot(_CALLS[match[1] or match[3]], name=match[2] or match[4])
    if (match := _SAY.fullmatch(body)) and "{" in match[3]:
        choice, _ = _parse_choice(f"{match[3]}]", 0)
        return Slot(_SAYS[match[2]], match[1], phrases=choice.options)
    if match := _SAY.fullmatch(body):
        return Slot(_SAYS[match[2]], match[1], options=tuple(match[3].split("|")))
    if body.startswith("^"):
        return Slot("register", options=tuple(body[1:].split("|")))
    if (match := _NAME.fullmatch(body)) and match[2] in NAME_FORMS:
        return Slot("name", match[1], match[2])
    if match := _COUNTRY.fullmatch(body):
        return Slot("country", "a", match[1])
    if match := _JOIN.fullmatch(body):
        return Slot("join", name=match[1], inner=_parse_slot(match[2], source))
    if match := _VALUE.fullmatch(body):
        return Slot("value", match[1] or "a", match[2])
    raise SchemaError(f"Template {source!r}: {{{body}}} is no slot")


def _parse_lists(table: Mapping[str, Any], macros: Mapping[str, str]) -> dict[str, tuple[Template, ...]]:
    return {
        name: tuple(parse_template(_MACRO.sub(lambda match: macros[match[1]], source)) for source in sources)
        for name, sources in table.items()
        if isinstance(sources, list)
    }


@cache
def load_grammar(language: str) -> Grammar:
    """The grammar of a language (ISO 639-1)."""
    path = Path(__file__).with_name("grammar") / f"{language}.toml"
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    macros = document["macros"]
    types = {
        name: DocumentGrammar(table["person"], _parse_lists(table, macros)) for name, table in document["types"].items()
    }
    titles = {name: tuple(forms) for name, forms in document["titles"].items()}
    lists = _parse_lists(document["lists"], macros)
    return Grammar(language, titles, document.get("informal_short", False), lists, types)
