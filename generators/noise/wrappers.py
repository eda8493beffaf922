"""Wrappers: annotated text as software stores it, in HTML, JSON, CSV, a log or a quoted e-mail, with exact offsets.

A wrapper writes around the text, at the beginnings of lines, and escapes what its format needs. Escapes inside a value
belong to the value; a checked value keeps its characters, as sloppy software leaves them. What stands around the text
holds no value of any label: no names, dates, addresses or numbers but small ones.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Mapping
from random import Random

from goldspan.annotation.text.tagged import Tagged
from goldspan.generators.noise.edits import Edit, apply_edits
from goldspan.generators.surrogates.chance import pick

_CHANNELS = ("web", "app", "mail", "phone", "import")
_STATES = ("open", "closed", "new", "waiting")
_HTML_FRAMES = (
    ('<div class="message">\n<p>', "</p>\n</div>"),
    ("<!DOCTYPE html>\n<html>\n<body>\n<main>\n<p>", "</p>\n</main>\n</body>\n</html>\n"),
    ('<tr><td class="note"><p>', "</p></td><td>open</td></tr>"),
    ("<li><span>", "</span></li>"),
)
_FORWARDED = {
    "en": ("See below.", "-----Original Message-----"),
    "de": ("Siehe unten.", "-----Ursprüngliche Nachricht-----"),
    "fr": ("Voir ci-dessous.", "-----Message d'origine-----"),
    "es": ("Véase más abajo.", "-----Mensaje original-----"),
    "nl": ("Zie hieronder.", "-----Oorspronkelijk bericht-----"),
    "da": ("Se nedenfor.", "-----Oprindelig meddelelse-----"),
}
_HTML_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_JSON_SPECIAL = re.compile(r'["\\\x00-\x1f]')


def wrap_html(tagged: Tagged, rng: Random, language: str, checked: Container[str]) -> Tagged:
    """As a piece of a web page: special characters as entities, lines as `<br>`."""
    before, after = pick(rng, _HTML_FRAMES)
    edits = _escape(tagged, re.compile("[&<>]"), _HTML_ESCAPES.__getitem__, checked)
    edits += [Edit(place, place, "<br>") for place in _find_breaks(tagged)]
    return _frame(tagged, edits, before, after)


def wrap_json(tagged: Tagged, rng: Random, language: str, checked: Container[str]) -> Tagged:
    """As a string in an object; a blank divides the `n` of a line break from a value that follows it."""
    fields = [("seq", rng.randint(1, 60)), ("channel", pick(rng, _CHANNELS))]
    state = json.dumps(pick(rng, _STATES))
    line, indent = pick(rng, ((" ", ""), ("\n  ", "\n"), ("", "")))
    head = "".join(f'{line if n else line.lstrip(" ")}"{k}": {json.dumps(v)},' for n, (k, v) in enumerate(fields))
    starts = {start for start, _ in _list_spans(tagged)}
    edits = [
        edit._replace(text=f"{edit.text} ") if edit.end in starts and edit.text[-1].isalnum() else edit
        for edit in _escape(tagged, _JSON_SPECIAL, lambda character: json.dumps(character)[1:-1], checked)
    ]
    return _frame(tagged, edits, f'{{{head}{line}"text": "', f'",{line}"state": {state}{indent}}}')


def wrap_csv(tagged: Tagged, rng: Random, language: str, checked: Container[str]) -> Tagged:
    """As a quoted field of a row, under a line of names."""
    mark = pick(rng, ",;\t")
    row = (str(rng.randint(1, 60)), pick(rng, _CHANNELS))
    head = mark.join(("row", "channel", "text", "state")) + "\n" + mark.join(row) + mark + '"'
    edits = _escape(tagged, re.compile('"'), lambda character: '""', checked)
    return _frame(tagged, edits, head, f'"{mark}{pick(rng, _STATES)}\n')


def wrap_log(tagged: Tagged, rng: Random, language: str, checked: Container[str]) -> Tagged:
    """As lines of a log, each with the seconds since the start, a level and a module."""
    seconds = rng.uniform(1, 900)
    level, module = pick(rng, ("INFO", "DEBUG", "WARN")), pick(rng, ("intake", "worker", "queue", "form"))

    def stamp() -> str:
        nonlocal seconds
        seconds += rng.uniform(0.0001, 0.02)
        return f"[{seconds:12.6f}] {level} {module}: "

    first = stamp()
    return _frame(tagged, _start_lines(tagged, stamp), first, "\n")


def wrap_email(tagged: Tagged, rng: Random, language: str, checked: Container[str]) -> Tagged:
    """As a quoted message under a short reply, once or twice quoted."""
    reply, heading = _FORWARDED.get(language, _FORWARDED["en"])
    mark = pick(rng, ("> ", ">> ", "> > ", "| "))
    return _frame(tagged, _start_lines(tagged, lambda: mark), f"{reply}\n\n{heading}\n{mark}", "\n")


def _escape(
    tagged: Tagged, special: re.Pattern[str], escape: Callable[[str], str], checked: Container[str]
) -> list[Edit]:
    closed = [(entity.start, entity.end) for entity in tagged.entities if entity.label in checked]
    return [
        Edit(match.start(), match.end(), escape(match[0]))
        for match in special.finditer(tagged.text)
        if not any(start <= match.start() < end for start, end in closed)
    ]


def _list_spans(tagged: Tagged) -> list[tuple[int, int]]:
    return [(e.start, e.end) for e in tagged.entities] + [(m.start, m.end) for m in tagged.mentions]


def _find_breaks(tagged: Tagged) -> list[int]:
    """Where lines end outside all spans; the end of the text is none."""
    spans = _list_spans(tagged)
    return [
        place
        for place, character in enumerate(tagged.text[:-1])
        if character == "\n" and not any(start <= place < end for start, end in spans)
    ]


def _start_lines(tagged: Tagged, mark: Callable[[], str]) -> list[Edit]:
    return [Edit(place + 1, place + 1, mark()) for place in _find_breaks(tagged)]


def _frame(tagged: Tagged, edits: list[Edit], before: str, after: str) -> Tagged:
    end = len(tagged.text)
    first = "".join(edit.text for edit in edits if edit[:2] == (0, 0))
    inner = [edit for edit in edits if edit[:2] != (0, 0)]
    return apply_edits(tagged, [Edit(0, 0, before + first), *inner, Edit(end, end, after)])


Wrapper = Callable[[Tagged, Random, str, Container[str]], Tagged]

WRAPPERS: Mapping[str, Wrapper] = {
    "html": wrap_html,
    "json": wrap_json,
    "csv": wrap_csv,
    "log": wrap_log,
    "email": wrap_email,
}
"""Wrappers by name."""
