"""The brief as prose in the language of the document, and back: what the user message of every stage holds.

    Auftrag 7-12
    Das Dokument ist ein Arztbrief auf Deutsch, wie man es in Österreich schreibt.
    …
    Diese Werte stehen darin, buchstabengetreu:
    Person 1 (eine Frau)
    - <FIRSTNAME>Maria</FIRSTNAME>

The wordings of a language stand in `wording/<language>.toml`. Values stand between the tags of their labels, as in the
text that is asked for. The offline author and the simulated provider read the same prose as any model.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import InputError
from goldspan.annotation.text.tagged import escape_text, unescape_text

_FOLDER = Path(__file__).with_name("wording")
_ENGLISH = "en"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_SHAPES = {
    "seed": r"-?\d+",
    "index": r"\d+",
    "number": r"\d+",
    "country": r"(?:,.*| \(.*\))?",
}
"""What a placeholder may stand for; anything in one line if it is not listed."""
_VALUE = r"- <(?P<label>[A-Z][A-Z0-9_]*)>(?P<value>(?s:.*?))</(?P=label)>"


@dataclass(frozen=True, slots=True)
class Message:
    """A user message as it was read: stage, brief, and the tagged text that the stage works on."""

    stage: str
    brief: dict[str, Any]
    tagged_text: str = ""


@cache
def _load(language: str) -> Mapping[str, Any]:
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def _list_languages() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


def _make_pattern(sentence: str, shapes: Mapping[str, str]) -> str:
    """The pattern of a line that a sentence with placeholders gives."""
    parts = _PLACEHOLDER.split(sentence)
    return "".join(
        f"(?P<{part}>{shapes.get(part, '.*')})" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )


@cache
def _compile(language: str, name: str) -> re.Pattern[str]:
    words = _load(language)
    shapes = {**_SHAPES, "language": f"{words['language']}|[a-z]{{2,3}}"}
    return re.compile(f"^{_make_pattern(words[name], shapes)}$", re.MULTILINE)


@cache
def _compile_listing(language: str) -> re.Pattern[str]:
    """Lines of persons (a man is a group of its own) and of values."""
    words = _load(language)
    lines = (words[name].split("{number}") for name in ("man", "woman", "person", "group"))
    man, *others = (r"\d+".join(map(re.escape, line)) for line in lines)
    return re.compile(f"^(?:(?P<man>{man})|(?P<other>{'|'.join(others)})|{_VALUE})$", re.MULTILINE)


def _choose_language(language: str) -> str:
    return language if language in _list_languages() else _ENGLISH


def write_message(
    stage: str, brief: Mapping[str, Any], tagged_text: str = "", problem: str = "", *, about_people: bool = True
) -> str:
    """The user message of a stage; equal input gives equal bytes.

    `passage` and `example` of a brief are for the draft alone, `direction` also for the judge. `problem` says why the
    last answer was refused. Values that belong together form a person, or a group where the project is not
    `about_people`.
    """
    words = _load(_choose_language(str(brief.get("language", ""))))
    paragraphs = ["\n".join(_write_head(words, brief, about_people=about_people))]
    if brief.get("direction") and stage in {"draft", "judge"}:
        paragraphs.append(str(brief["direction"]))
    if brief.get("passage") and stage == "draft":
        paragraphs.append(f"{words['passage']}\n{brief['passage']}")
    if brief.get("example") and stage == "draft":
        paragraphs.append(f"{words['example']}\n{brief['example']}")
    paragraphs += [words["problem"].format(problem=problem)] if problem else []
    paragraphs += [f"{words['text'][stage]}\n{tagged_text}"] if stage != "draft" else []
    return "\n\n".join(paragraphs)


def _write_head(words: Mapping[str, Any], brief: Mapping[str, Any], *, about_people: bool) -> list[str]:
    language, country = str(brief.get("language", "")), str(brief.get("country", ""))
    kind, values = str(brief.get("document_type", "")), list(brief.get("values", ()))
    lines = [
        words["title"].format(seed=brief.get("seed", 0), index=brief.get("index", 0)),
        words["document"].format(
            document=words["documents"].get(kind) or words["other"].format(name=kind),
            language=words["language"] if language in {"", *_list_languages()} else language,
            country=words["country"].get(country, f" ({country})" if country else ""),
        ),
    ]
    if brief.get("length"):
        register, length = str(brief.get("register", "formal")), str(brief["length"])
        lines.append(words["shape"].format(register=words["register"][register], length=words["length"][length]))
    if values or (about_people and brief.get("persons")):
        lines += [words["values"], *_write_values(words, brief, values, about_people=about_people)]
    given = {str(entry["label"]) for entry in values}
    if invented := [str(label) for label in brief.get("labels", ()) if label not in given]:
        lines.append(words["invented"].format(labels=", ".join(f"<{label}>" for label in invented)))
    if brief.get("hard_negative"):
        lines.append(words["negative"])
    return lines


def _write_values(
    words: Mapping[str, Any], brief: Mapping[str, Any], values: list[Mapping[str, Any]], *, about_people: bool
) -> list[str]:
    by_person = {
        number: list(entries)
        for number, entries in groupby(
            sorted(values, key=lambda entry: int(entry.get("person", 1))), key=lambda entry: int(entry.get("person", 1))
        )
    }
    genders = list(brief.get("genders", ()))
    lines = []
    for number in range(1, max([int(brief.get("persons", 1)), *by_person]) + 1) if about_people else by_person:
        gender = genders[number - 1] if number <= len(genders) else ""
        name = {"f": "woman", "m": "man"}.get(gender, "person") if about_people else "group"
        lines.append(words[name].format(number=number))
        for entry in by_person.get(number, ()):
            lines.append(f"- <{entry['label']}>{escape_text(str(entry['value']))}</{entry['label']}>")
    return lines


def read_message(content: str) -> Message | None:
    """What `write_message` wrote, without direction, passage, example and problem; None if it is something else.

    The brief has the fields of a spec. Its labels stand in the order in which the message names them, and what it does
    not say of a gender is `f`.
    """
    head, _, rest = content.partition("\n\n")
    for language in _list_languages():
        title = _compile(language, "title").fullmatch(head.partition("\n")[0])
        if title is None:
            continue
        brief = _read_head(language, head) | {"seed": int(title["seed"]), "index": int(title["index"])}
        for stage, heading in _load(language)["text"].items():
            _, found, tagged_text = f"\n\n{rest}".partition(f"\n\n{heading}\n")
            if found:
                return Message(stage, brief, tagged_text)
        return Message("draft", brief)
    return None


def read_conversation(messages: Sequence[Mapping[str, Any]]) -> Message:
    """What `write_message` put into a conversation.

    Raises:
        InputError: the conversation is not one of ours.
    """
    for message in messages:
        if message.get("role") == "user" and (read := read_message(str(message.get("content") or ""))):
            return read
    raise InputError("The conversation is not a request of Goldspan: no user message holds a brief.")


def _read_head(language: str, head: str) -> dict[str, Any]:
    words = _load(language)
    brief: dict[str, Any] = {"language": language, "country": "", "document_type": ""}
    brief |= {"register": "formal", "length": "medium", "hard_negative": words["negative"] in head.split("\n")}
    if document := _compile(language, "document").search(head):
        named = _compile(language, "other").fullmatch(document["document"])
        brief["document_type"] = _invert(words["documents"], document["document"], named["name"] if named else "")
        brief["country"] = _invert(words["country"], document["country"], document["country"].strip(" ()"))
        brief["language"] = language if document["language"] == words["language"] else document["language"]
    if shape := _compile(language, "shape").search(head):
        brief["register"] = _invert(words["register"], shape["register"], "formal")
        brief["length"] = _invert(words["length"], shape["length"], "medium")
    brief["values"], brief["genders"] = _read_values(language, head)
    brief["persons"] = len(brief["genders"])
    labels = [entry["label"] for entry in brief["values"]]
    if invented := _compile(language, "invented").search(head):
        labels += re.findall(r"<([A-Z][A-Z0-9_]*)>", invented["labels"])
    brief["labels"] = list(dict.fromkeys(labels))
    return brief


def _invert(table: Mapping[str, str], wording: str, default: str) -> str:
    return next((name for name, text in table.items() if text == wording), default)


def _read_values(language: str, head: str) -> tuple[list[dict[str, Any]], list[str]]:
    """The values with their persons, and the genders of the persons."""
    values: list[dict[str, Any]] = []
    genders: list[str] = []
    _, _, listed = head.partition(f"\n{_load(language)['values']}\n")
    for match in _compile_listing(language).finditer(listed):
        if match["label"]:
            value = {"label": match["label"], "value": unescape_text(match["value"]), "person": len(genders)}
            values.append(value)
        else:
            genders.append("m" if match["man"] else "f")
    return values, genders
