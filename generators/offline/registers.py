"""Documents that are no letters: threads, short messages, posts, notes, news, voice notes, scans and forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from goldspan.generators.offline.lexicon import raise_first
from goldspan.generators.offline.records import write_log, write_record, write_table
from goldspan.generators.surrogates.chance import pick

if TYPE_CHECKING:
    from goldspan.generators.offline.author import Author

_CAPITALS_SHARE, _TITLE_SHARE = 0.12, 0.6
"""Of headlines: those in capitals, and in English up to where those with a capital for every long word go."""
_HEADER_SHARE, _MESSAGE_SHARE, _SIGN_SHARE = 0.4, 0.35, 0.7
"""Of threads: those with a header; of notes: those that are messages; of these: those that are signed."""
_LONG_WORD = re.compile(r"(?<![\w'’])[a-z]\w{3,}")


def write_thread(author: Author) -> None:
    """Several messages of a conversation by e-mail, the later ones quoting."""
    page, rng = author.page, author.rng
    page.write(f"{pick(rng, ('Re: ', 'Fwd: ', 'AW: ', 'RE: ', ''))}{author.noise.draw('Subject_line')}\n\n")
    if author.rng.random() < _HEADER_SHARE and not author.spec.hard_negative:
        page.write(f"{author.noise.draw('header')}\n\n")
    persons = list(range(1, author.spec.persons + 1))
    for number, person in enumerate(persons):
        author.speak_as(person)
        if number:
            author.page.write(pick(rng, ("", "\n-----\n", "\n________________\n")))
            author.write_frame_of("wrote")
            page.write("\n\n")
        if rng.random() < 0.6:
            author.write_call("greeting")
            page.write("\n\n")
        author.write_part("facts")
        author.write_part("story")
        page.write("\n\n" + author.noise.draw("Ask") + "\n\n")
        if rng.random() < 0.7:
            author.write_one_of("signoff")
            page.write("\n")
        author.write_own_name()
        page.write("\n\n")
    if not persons:
        for _ in range(rng.randint(2, 3)):
            author.write_part("neutral")
            page.write("\n\n> ")
        page.write(author.noise.draw("Ask"))


def write_sms(author: Author) -> None:
    """Short messages, line by line."""
    page, rng, noise = author.page, author.rng, author.noise
    persons = list(range(1, author.spec.persons + 1)) or [0]
    style = pick(rng, ("[{}] ", "{} ", "({}) ", ""))
    for person in persons:
        for _ in range(rng.randint(1, 2)):
            page.write(style.format(noise.draw("moment")) + _draw_short(author) + "\n")
        if person:
            author.speak_as(person)
            page.write(style.format(noise.draw("moment")))
            author.write_own_name()
            page.write(": ")
            author.write_part("facts")
            page.write(f" {noise.draw('text_speak')}\n")
    page.write(style.format(noise.draw("moment")) + _draw_short(author))


def _draw_short(author: Author) -> str:
    return (
        f"{author.noise.draw('short')} {author.noise.draw('text_speak') if author.rng.random() < 0.6 else ''}".rstrip()
    )


def write_voice_note(author: Author) -> None:
    """A message that somebody spoke, as a recogniser wrote it down."""
    page, rng, noise = author.page, author.rng, author.noise
    if rng.random() < 0.5:
        page.write(f"[{noise.draw('time')}] ")
    page.write(f"{noise.draw('Filler')} ")
    for person in range(1, author.spec.persons + 1):
        author.speak_as(1)
        if person == 1:
            author.write_own_name()
            page.write(f" {noise.draw('filler')} ")
            author.write_part("facts")
            author.write_part("story")
    author.write_part("others")
    if not author.spec.persons:
        author.write_part("neutral")
    page.write(f" {noise.draw('Ask')}")


def write_form(author: Author) -> None:
    """A form with fields, filled in."""
    page, rng, noise = author.page, author.rng, author.noise
    page.write(f"{noise.draw('Paper')} – {noise.draw('topic')}\n\n")
    for person in range(1, author.spec.persons + 1):
        author.speak_as(0)
        author.account.bind(person)
        page.write(f"{person}. {noise.draw('Paper')}\n")
        author.write_part("card")
        page.write("\n")
    if not author.spec.persons:
        author.write_part("neutral")
        page.write("\n")
    for _ in range(rng.randint(1, 4)):
        page.write(f"{pick(rng, ('[ ]', '[x]', '☐', '☒', '( )', '(x)'))} {noise.draw('Subject_line')}\n")
    page.write(f"{noise.draw('Paper')} {noise.draw('order')}, {noise.draw('today')}")


def write_note(author: Author) -> None:
    """A sentence or two, at times with the greeting and the end of a message."""
    is_message = author.rng.random() < _MESSAGE_SHARE and not author.spec.hard_negative
    if is_message:
        author.page.write(author.noise.draw("greeting") + pick(author.rng, (" ", "\n", "\n\n")))
    for person in range(1, author.spec.persons + 1):
        author.speak_as(0)
        author.account.bind(person)
        author.write_part("facts")
        _name_at_last(author, person)
        author.page.write(" ")
    _fill_up(author)
    if is_message and author.rng.random() < _SIGN_SHARE:
        author.page.write(pick(author.rng, (" ", "\n", "\n\n")) + author.noise.draw("sign"))


def write_post(author: Author) -> None:
    """A line or two for everybody to read, with what posts have at their ends."""
    page, rng, noise = author.page, author.rng, author.noise
    if rng.random() < 0.4:
        page.write(f"{_draw_short(author)} ")
    if rng.random() < 0.5:
        author.write_report()
    for person in range(1, author.spec.persons + 1):
        speaks = rng.random() < 0.3
        author.speak_as(person if speaks else 0)
        author.account.bind(person)
        if speaks:
            author.write_own_name()
            page.write(pick(rng, (": ", " – ", " - ", "\n")))
        author.write_part("facts")
        _name_at_last(author, person)
        page.write(" ")
    _fill_up(author)
    if rng.random() < 0.5:
        page.write(pick(rng, (f"#{noise.draw('word')}", noise.draw("text_speak"), f"#{noise.draw('Term')}")))


def _draw_headline(author: Author, kind: str) -> str:
    """A line, at times in capitals, or as English newspapers write headlines."""
    text, share = author.noise.draw("sentence" if author.spec.hard_negative else kind), author.rng.random()
    if share < _CAPITALS_SHARE:
        return text.upper()
    is_titled = author.spec.language == "en" and share < _TITLE_SHARE
    return _LONG_WORD.sub(lambda word: raise_first(word[0]), text) if is_titled else raise_first(text)


def write_news(author: Author) -> None:
    """A short article: a headline, and sentences about people, places and organisations."""
    page, rng = author.page, author.rng
    if (kind := rng.random()) < 0.55:
        page.write(f"{_draw_headline(author, 'report' if kind < 0.3 else 'Subject_line')}\n\n")
    for person in range(1, author.spec.persons + 1):
        author.speak_as(0)
        author.account.bind(person)
        for _ in range(rng.randint(1, 3)):
            author.write_report()
        author.write_part("facts")
        author.write_part("story")
        _name_at_last(author, person)
        page.write("\n\n")
    author.write_report()
    _fill_up(author)


def _name_at_last(author: Author, person: int) -> None:
    """The name of person a on a line of its own, if nothing that was written of the person held it."""
    if not author.account.missing[person].isdisjoint(("FIRSTNAME", "SURNAME")):
        author.page.write("" if author.page.at_line_start else "\n")
        author.write_own_name()
        author.page.write("\n")


def _fill_up(author: Author) -> None:
    while author.page.length < _MIN_LENGTH:
        author.write_report()


_MIN_LENGTH = 64
"""Characters that notes and posts have at least."""

REGISTERS: Mapping[str, Callable[[Author], None]] = {
    "email_thread": write_thread,
    "sms": write_sms,
    "voice_note": write_voice_note,
    "note": write_note,
    "post": write_post,
    "news": write_news,
    "form": write_form,
    "table": write_table,
    "record": write_record,
    "log": write_log,
}
"""Document types that are composed here, without a plan of the grammar."""

NOISE: Mapping[str, tuple[str, ...]] = {
    "sms": ("hasty", ""),
    "chat": ("hasty", "typed", "emphatic", ""),
    "forum_post": ("hasty", "typed", "emphatic", ""),
    "post": ("hasty", "typed", "emphatic", ""),
    "voice_note": ("spoken",),
    "scan": ("scanned",),
    "support_email": ("typed", "", "", "", ""),
}
"""Registers of noise that come with a document type, one of them drawn."""
