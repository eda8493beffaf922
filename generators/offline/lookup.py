"""Which templates a name means in one kind of document, and which labels a template can put in."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from goldspan.generators.offline.grammar import Choice, Slot, Template, load_grammar


class DocumentKind(NamedTuple):
    """One kind of document: what decides which lists of templates apply."""

    language: str
    country: str
    document_type: str


@cache
def find_templates(kind: DocumentKind, name: str) -> tuple[Template, ...]:
    """The document type's own list, else the language's; of either the one for the country first."""
    grammar = load_grammar(kind.language)
    for lists in (grammar.types[kind.document_type].lists, grammar.lists):
        for key in (f"{name}_{kind.country}", name):
            if key in lists:
                return lists[key]
    return ()


@cache
def find_labels(kind: DocumentKind, template: Template) -> frozenset[str]:
    """Labels of person a that the template, or one that it calls, can put in."""
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
                found.update(*(find_labels(kind, called) for called in find_templates(kind, node.name)))
    return frozenset(found)
