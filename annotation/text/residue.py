"""Traces in a text of the tool that wrote it: placeholders, code fences, tags, and a model's own preface.

Each check gives the place of the first trace. They look for what no letter, report or chat of a person holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BRACKETED = (
    r"\[(?:your|my|the|insert|name|first ?name|last ?name|surname|full name|address|street|city|date|phone|email|"
    r"e-mail|company|signature|number|title|recipient|sender|ihr|ihre|name des|datum|adresse|vorname|nachname|firma|"
    r"votre|nom|prénom|adresse|date|su|nombre|apellido|fecha|dirección|uw|naam|datum|adres|dit|navn|dato|adresse|"
    r"unterschrift|telefonnummer|straße)\b[^\[\]\n]{0,40}\]"
)
_PLACEHOLDER = re.compile(
    _BRACKETED
    + r"|<(?:your|insert|name|first name|last name|company|date|address)\b[^<>\n]{0,30}>"
    + r"|\{\{[^{}\n]{1,40}\}\}|(?-i:\bX{3,}[- ./]X{2,}(?:[- ./]X{2,})*\b|\bX{4,}\b)|\blorem ipsum\b",
    re.IGNORECASE,
)
_FENCE = re.compile(r"^\s*```", re.MULTILINE)
_TAG = re.compile(
    r"</[A-Z][A-Z0-9_]+>|</?(?:m|entity|tagged_text|think)\b(?: [^<>]*)?>|\[/[A-Z][A-Z_]+\]|&lt;/?[A-Z][A-Z0-9_]+&gt;"
)
_JSON = re.compile(r"[{,]\s*[\"'](?:tagged_text|entities|proposals)[\"']\s*:")
_PREFACE = re.compile(
    r"\A\W*(?:(?:sure|certainly|of course|okay|ok|absolutely)\b[^\n]{0,20}\bhere(?:'s|’s| is| are)\b|"
    r"here(?:'s|’s| is| are)\b[^\n]{0,80}:[ *]*\n|"
    r"(?:hier ist|voici|aquí (?:está|tiene)|hier is|her er)\b[^\n]{0,80}:[ *]*\n|"
    r"(?:tagged_text|tagged text|document)\s*:|"
    r"as an ai\b|als ki-?(?:modell|assistent)|i(?:'m| am) sorry\b[^\n]{0,40}\b(?:generate|create|comply|provide)\b|"
    r"i (?:cannot|can't|am unable to)\b[^\n]{0,20}\b(?:generate|create|comply)\b)",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:^|\n)\W*(?:(?:please )?note|disclaimer|hinweis|remarque|nota|let op|bemærk)\b[^\n]{0,120}"
    r"(?:fictional|invented|fictitious|synthetic|erfunden|fiktiv|fictifs?|fictives?|ficticios?|fictief|opdigtet)"
    r"|(?:^|\n)\W*(?:word count|wortzahl|nombre de mots|número de palabras|aantal woorden|antal ord)\W{1,4}\d+\W*\Z"
    r"|(?:^|\n)\W*end of (?:the )?(?:document|text|letter|message|report)\W*\Z"
    r"|\b(?:generated|written|created) by an? (?:ai|artificial|large language|language model)\b"
    r"|(?:^|\n)\W*(?:let me know if|would you like me to|möchtest du, dass ich|möchten sie, dass ich|soll ich|"
    r"n['’]hésitez pas à me|souhaitez-vous que je|¿(?:quieres|desea|te gustaría) que|laat me weten als|wil je dat ik|"
    r"lad mig vide, hvis|fammi sapere se)\b[^\n]{0,60}"
    r"\b(?:document|text|version|tone|draft|dokument|text|entwurf|ton|document|texte|documento|texto|tekst|testo)\w*"
    r"[^\n]{0,40}\Z",
    re.IGNORECASE,
)

_KINDS = {
    "placeholder": (_PLACEHOLDER.search, ("[", "<", "{{", "xxx", "lorem")),
    "fence": (_FENCE.search, ("```",)),
    "tag": (_TAG.search, ("<", "[/", "&lt;")),
    "json": (_JSON.search, ("tagged_text", "entities", "proposals")),
    "preface": (_PREFACE.match, ("",)),
    "closing": (
        _CLOSING.search,
        (
            *("fict", "invented", "synthetic", "erfunden", "fiktiv", "opdigtet", "word count", "wortzahl"),
            *("nombre de mots", "número de palabras", "aantal woorden", "antal ord", "end of ", " by a"),
            *("let me know if", "would you like", "möchte", "soll ich", "hésitez pas", "souhaitez-vous", "¿"),
            *("laat me weten", "wil je", "lad mig vide", "fammi sapere"),
        ),
    ),
}
"""How each kind is found, and signs of which one stands, in lower case, in every text that holds the kind."""


@dataclass(frozen=True, slots=True)
class Residue:
    """One trace and its place: `kind` is placeholder, fence, tag, json, preface or closing."""

    kind: str
    start: int
    end: int


def find_residue(text: str) -> Iterator[Residue]:
    """The first trace of each kind, in the order of the kinds."""
    lower = text.lower()
    for kind, (search, signs) in _KINDS.items():
        if any(sign in lower for sign in signs) and (match := search(text)):
            yield Residue(kind, *match.span())
