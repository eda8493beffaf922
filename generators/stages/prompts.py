"""Prompts of the generation stages.

The system message holds the instructions and the label set, equal for a whole run so that providers can cache it.
The user message holds the brief and the text of the stages before (`goldspan.generators.stages.prose`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.tagged import show_tagged_value

VERSION = 3
"""Raised when the wording changes what is asked; it is part of every prompt's fingerprint."""

_NOTATION = """\
Tagged text is the plain text with tags in it. An entity stands between the tags of its label: {example}.
Tags touch the value itself: no spaces, quotes or punctuation inside that are not part of it. Entities never overlap.
Write &lt; for a < that could be read as a tag. Without the tags the text must read exactly as intended."""

_DRAFT = """\
You write realistic documents for training software that finds {subject}. {fiction}
The user sends a brief in the language of the document. Write the document that it describes: in that language, in the
style of its type and country, following what it says of the situation and the writer, and making up the rest. Every
value of the brief goes into the text letter by letter, in a natural order, with sentences around it.
{together} Lengths do not count the values. The number of the brief means nothing for the text. Where the brief shows
another document, take its notation, never its words or values.{invented}
Where the brief says that nothing belongs to a label, write a document {negative}.
Tag every entity, also each repeat of a value and values that you add yourself. Use these labels only:

{labels}

{notation}{instructions}

Answer with JSON: {{"tagged_text": "<the document with its tags>"}}"""

_COREFERENCE = """\
You find which expressions of a text mean the same {referent}.
The user sends the brief of a text, and the text with its entities in tags. Answer with one list for
each {referent} that is mentioned at least twice, holding every expression that means it: names, noun phrases and
pronouns. For each expression give
`text`: its words exactly as they stand in the text, without tags;
`nth`: which place is meant among all places where exactly these words stand as words, counted from 1 at the top of the
text, small and capital letters told apart;
`kind`: one of
{mentions}
A full name is one expression. An expression takes in whole entities, never a part of one; it may lie in another one.

For example, {coreference}

Answer with JSON: {{"chains": [[{{"text": "...", "nth": 1, "kind": "..."}}, ...], ...]}}"""

_REVIEW = """\
You check the annotation of a text that was written to train software which finds {subject}.
The user sends the brief of the text, and the text with its tags. Look for {subject} without a tag, wrong labels,
tags that take in too much or too little, and <m> tags with the wrong number. The text itself must not change by one
character. For each correction give a proposal: `kind` is add, remove, relabel, resize or coreference; `value` the words
concerned as they stand in the text; `label` the label they should have (empty for remove and coreference); `reason` one
sentence.
Only corrections that have a proposal are applied. An annotation that is right gets an empty list. Labels:

{labels}

{notation}

Answer with JSON: {{"proposals": [...], "tagged_text": "<the text with all proposals applied>"}}"""

_JUDGE = """\
You judge a text that was written to train software which finds {subject}.
The user sends the brief of the text, and the text with its tags. Tags and annotation are not judged. Give three scores,
whole numbers from 1 (bad) over 3 (acceptable) to 5 (very good), each on its own:
`naturalness`: does the text read like a real document of its type, written by somebody who masters the language: no
filler, no mechanical lists of values in sentences, no talk about the task;
`brief`: does it say what the brief asks for, in its type, register, length, situation and writer;
`consistency`: do its facts agree with one another: persons and their pronouns, ages and dates, places, sums, the course
of events.
`remark` names the greatest fault in one sentence; it is empty if there is none.

Answer with JSON: {{"naturalness": 4, "brief": 5, "consistency": 3, "remark": "..."}}"""

_PII_WORDS = {
    "fiction": "All persons and data are invented.",
    "referent": "person or organization",
    "together": (
        "Values under a person belong to that person.\nPersons are referred to again later by pronouns, titles or "
        "parts of their names."
    ),
    "negative": "in which numbers and names of things look like personal data, but none is",
}
_ENTITY_WORDS = {
    "fiction": "Everything that happens in them is invented.",
    "referent": "thing or person",
    "together": (
        "Values of one group belong together.\nWhat is named is referred to again later by pronouns and noun phrases."
    ),
    "negative": "of the same kind that holds none of the labels below, though words look like it",
}
_BARE = re.compile(r"<[^<>]*>")
_TEMPLATES = {"draft": _DRAFT, "coreference": _COREFERENCE, "review": _REVIEW, "judge": _JUDGE}


def build_system(stage: str, labels: LabelSchema) -> str:
    """The system message of a stage, written from the label schema."""
    purpose = labels.purpose
    return _TEMPLATES[stage].format(
        **(_PII_WORDS if purpose.is_pii else _ENTITY_WORDS),
        subject=purpose.subject,
        invented=_describe_invented(labels),
        labels="\n".join(_describe(label.code, label.name, label.guidance) for label in labels.entities),
        mentions="\n".join(_describe(label.code, label.name, label.guidance) for label in labels.mentions),
        coreference=_show_coreference(labels),
        notation=_NOTATION.format(example=show_tagged_value(labels)),
        instructions=f"\n\n{purpose.instructions}" if purpose.instructions else "",
    )


def _describe_invented(labels: LabelSchema) -> str:
    """Which values the model has to think of itself."""
    codes = [label.code for label in labels.entities if label.values == "model"]
    if not codes:
        return ""
    return (
        f"\nValues of {', '.join(codes)} are not given: where the brief asks for values of your own, choose real, "
        "fitting and ever different ones."
    )


def _show_coreference(labels: LabelSchema) -> str:
    """A text with its answer in the labels of a schema."""
    default = labels.default_mention
    if {"FIRSTNAME", "SURNAME"} <= labels.entity_codes and "PRONOUN" in labels.mention_codes:
        text = "<FIRSTNAME>Maria</FIRSTNAME> <SURNAME>Santos</SURNAME> says she moved."
        mentions = [("Maria Santos", default), ("she", "PRONOUN")]
    else:
        value = show_tagged_value(labels)
        text = f"{value} was named first, and it was named again."
        others = [label.code for label in labels.mentions if label.code != default]
        mentions = [(_BARE.sub("", value), default), ("it", others[0] if others else default)]
    chain = [{"text": words, "nth": 1, "kind": kind} for words, kind in mentions]
    return f"{text}\nis answered with {json.dumps({'chains': [chain]}, ensure_ascii=False)}"


def _describe(code: str, name: str, hints: Sequence[str]) -> str:
    return f"- {code}: {name}{'. ' if hints else ''}{'; '.join(hints)}"
