"""What people have online: addresses, handles, pages, passwords, tokens; and their telephones."""

from __future__ import annotations

import re
import string
import unicodedata
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from random import Random

from goldspan.generators.surrogates.chance import DIGITS, LETTERS_AND_DIGITS, draw_digits, draw_from, fill_pattern, pick
from goldspan.generators.surrogates.world import load_data

_MIXED = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_LINK_ID = string.ascii_lowercase + DIGITS
_SPECIAL = {"ß": "ss", "ø": "oe", "æ": "ae", "å": "aa", "ä": "ae", "ö": "oe", "ü": "ue"}
_ENDINGS = {"US": "com", "GB": "co.uk", "MX": "com.mx"}
_TOKENS = {
    "ghp_": (_MIXED, 36),
    "sk-proj-": (_MIXED, 40),
    "xoxb-": (DIGITS, 12),
    "AKIA": (LETTERS_AND_DIGITS, 16),
    "glpat-": (_MIXED, 20),
    "pk_live_": (_MIXED, 24),
    "": (_HEX, 32),
    "tok_": (_HEX, 24),
}


def _draw_word(rng: Random, kind: str) -> str:
    return str(pick(rng, load_data("names")["online"][kind]))


def make_slug(name: str) -> str:
    """A name in lower-case ASCII letters, as addresses spell it."""
    text = "".join(_SPECIAL.get(character, character) for character in name.lower())
    plain = unicodedata.normalize("NFD", text)
    return re.sub(r"[^a-z0-9]+", "", plain)


def _draw_handle(rng: Random, first: str, surname: str) -> str:
    given, family = make_slug(first), make_slug(surname.split()[-1]) if surname else ""
    if not (given or family):
        return f"{_draw_word(rng, 'handles')}{rng.randint(10, 99)}"
    if not (given and family):
        return f"{given or family}{pick(rng, ('', '_', '.'))}{rng.randint(10, 2005)}"
    forms = (
        f"{given}.{family}",
        f"{given[0]}{family}",
        f"{given}_{family[0]}",
        f"{given[0]}.{family}",
        f"{family}.{given}",
    )
    return pick(rng, forms) + pick(rng, ("", "", str(rng.randint(1, 99)), str(rng.randint(1970, 2004))))


def draw_username(rng: Random, first: str, surname: str) -> str:
    """A log-in or handle."""
    is_own = rng.random() < 0.6
    handle = _draw_handle(rng, first, surname) if is_own else f"{_draw_word(rng, 'handles')}{rng.randint(1, 999)}"
    if "." not in handle and "_" not in handle and not handle[-1].isdigit():
        handle += str(rng.randint(2, 99))
    return f"@{handle}" if rng.random() < 0.2 else handle


def draw_email(rng: Random, country: str, first: str, surname: str, company: str) -> str:
    """An e-mail address at the country's usual providers or at the person's firm."""
    local = _draw_handle(rng, first, surname)
    if rng.random() < 0.12:
        local += f"+{pick(rng, ('shop', 'news', 'bank', 'work'))}"
    if company and rng.random() < 0.5:
        ending = _ENDINGS.get(country, country.lower())
        domain = f"{make_slug(' '.join(company.split()[:2]))[:24]}.{ending}"
        return f"{local}@{pick(rng, ('', '', 'mail.'))}{domain}"
    return f"{local}@{pick(rng, load_data('world')['mail'][country])}"


def draw_url(rng: Random, country: str, first: str, surname: str) -> str:
    """A personal page or profile."""
    slug = "-".join(part for part in (make_slug(first), make_slug(surname)) if part)
    slug = slug or f"{_draw_word(rng, 'handles').replace('.', '').replace('_', '')}{rng.randint(1, 99)}"
    if rng.random() < 0.25:
        return f"https://www.{slug}.{country.lower() if country not in ('US', 'GB') else 'me'}"
    slug += pick(rng, ("", f"-{draw_digits(rng, 4)}"))
    return pick(rng, ("https://", "https://", "")) + _draw_word(rng, "hosts").format(slug)


def draw_link(rng: Random, words: Sequence[str]) -> str:
    """The address of a page about something, with the words in its path: a thread, an article, a shop."""
    slug = pick(rng, ("-", "_")).join(map(make_slug, words))
    place = _draw_word(rng, "link_hosts").format(word=make_slug(words[0]), slug=slug, id=draw_from(rng, _LINK_ID, 6))
    return f"https://{place}{pick(rng, ('', '', '/')) if '?' not in place else ''}"


def draw_password(rng: Random) -> str:
    """A password as people choose it, or as a generator does."""
    word, sign = _draw_word(rng, "password_words"), pick(rng, "!#$%*+-_=?")
    forms = (
        f"{word}{rng.randint(10, 2026)}{sign}",
        f"{word.replace('o', '0').replace('e', '3')}{sign}{draw_digits(rng, 3)}",
        f"{word.lower()}-{_draw_word(rng, 'password_words').lower()}-{rng.randint(2, 99)}",
        draw_from(rng, _MIXED, 5) + sign + draw_from(rng, _MIXED + "!#$%*", 5) + draw_digits(rng, 1),
        draw_from(rng, _MIXED, 10),
    )
    return pick(rng, forms)


def draw_token(rng: Random) -> str:
    """An API key, a bearer token or a one-time code."""
    kind = rng.random()
    if kind < 0.15:
        return draw_digits(rng, 6)
    if kind < 0.25:
        body = urlsafe_b64encode(draw_from(rng, _MIXED, 24).encode()).decode().rstrip("=")
        return f"eyJhbGciOiJIUzI1NiJ9.{body}.{draw_from(rng, _MIXED, 27)}"
    prefix = pick(rng, tuple(_TOKENS))
    alphabet, length = _TOKENS[prefix]
    return prefix + draw_from(rng, alphabet, length)


def draw_phone(rng: Random, country: str) -> str:
    """A number that libphonenumber holds valid in the country, written as people there write it."""
    import phonenumbers

    while True:
        written = fill_pattern(rng, pick(rng, load_data("world")["phones"][country]))
        number = phonenumbers.parse(written, country)
        if phonenumbers.is_valid_number(number) and "555" not in written:
            break
    if rng.random() < 0.3:
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))
    return (
        str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)) if rng.random() < 0.1 else written
    )
