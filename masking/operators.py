"""Operators that need nothing but the value, its rule and a key.

`number` and `fake` choose replacements that are free, which takes a ledger: see `masking.allocation`.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from datetime import UTC, date, datetime, timedelta

import regex

from goldspan.annotation.errors import MaskingError
from goldspan.annotation.labels.schema import LabelSchema
from goldspan.annotation.text.words import fold
from goldspan.masking.dates import find_year, parse_date
from goldspan.masking.keys import MaskingKey
from goldspan.masking.persons import Referent
from goldspan.masking.policy import Rule

TOKEN = regex.compile(r"\[([A-Z][A-Z0-9_]*)~([0-9a-f]{8})([sg])~([A-Za-z0-9_-]+)\]")
"""An encrypted value: label, key id, `s` for AES-SIV or `g` for AES-GCM, and the ciphertext in base64url."""

_HASH_BYTES = 10
_NONCE_BYTES = 12
_KINDS = {"age": "age", "postcode": "postcode", "date_of_birth": "date"}
_GRAPHEME = regex.compile(r"\X")


def name_label(label: str) -> str:
    """`[LABEL]`."""
    return f"[{label}]"


def mask_characters(value: str, rule: Rule) -> str:
    """The value with visible characters hidden; all of them where the rule would keep half of it or more."""
    characters: list[str] = _GRAPHEME.findall(value)
    if rule.length:
        return rule.character * rule.length
    hidden = [number for number, one in enumerate(characters) if not (rule.separators and not one[0].isalnum())]
    first, last = rule.keep_first, rule.keep_last
    if 2 * (first + last) > len(hidden) + (first + last) // 2:
        first = last = 0
    covered = set(hidden[first : len(hidden) - last])
    return "".join(rule.character if number in covered else one for number, one in enumerate(characters))


def hash_value(value: str, label: str, key: MaskingKey) -> str:
    """`[LABEL:hash]`: HMAC-SHA-256 over label and value, cut to 80 bits; case and spacing do not count."""
    digest = key.sign("hash", label, " ".join(fold(value).split()))[:_HASH_BYTES]
    return f"[{label}:{digest.hex()}]"


def encrypt_value(value: str, label: str, key: MaskingKey, *, linkable: bool = True) -> str:
    """A token that `decrypt_token` reverses; label and key id are authenticated with it.

    Linkable: AES-SIV (RFC 5297), equal values give equal tokens. Otherwise AES-256-GCM with a random nonce.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

    data, bound = value.encode("utf-8", "surrogatepass"), f"{label}|{key.id}".encode()
    if linkable:
        sealed = AESSIV(key.derive("siv", 64)).encrypt(data, [bound])
    else:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + AESGCM(key.derive("gcm")).encrypt(nonce, data, bound)
    text = base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    return f"[{label}~{key.id}{'s' if linkable else 'g'}~{text}]"


def decrypt_token(token: str, key: MaskingKey) -> str | None:
    """The value of a token; None if it is not a token, of another key, or was changed."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

    match = TOKEN.fullmatch(token)
    if match is None or match[2] != key.id:
        return None
    bound = f"{match[1]}|{key.id}".encode()
    try:
        sealed = base64.urlsafe_b64decode(match[4] + "=" * (-len(match[4]) % 4))
        if match[3] == "s":
            data = AESSIV(key.derive("siv", 64)).decrypt(sealed, [bound])
        else:
            nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            data = AESGCM(key.derive("gcm")).decrypt(nonce, rest, bound)
    except (InvalidTag, ValueError, binascii.Error):
        return None
    return data.decode("utf-8", "surrogatepass")


def shift_date(
    value: str, label: str, rule: Rule, referent: Referent, key: MaskingKey, language: str = "", country: str = ""
) -> str:
    """The date moved by the days of its person, in the same form; `[LABEL]` where it cannot be read as a date.

    A date that no cluster gives to a person moves with the first person of the text.
    """
    written = parse_date(value, language, country)
    if written is None:
        return name_label(label)
    number = int.from_bytes(key.sign("dates", referent.key), "big")
    days = (1 + number % rule.days) * (1 if number >> 128 & 1 else -1)
    try:
        return written.write(written.day + timedelta(days=days))
    except OverflowError:
        return name_label(label)


def generalise(
    value: str,
    label: str,
    rule: Rule,
    schema: LabelSchema,
    language: str = "",
    country: str = "",
    today: date | None = None,
) -> str:
    """An age as a band, a postcode as its first digits, a date as its year or month.

    `[LABEL]` where the value cannot be read.

    Raises:
        MaskingError: the rule names no kind and the label's validator is none of age, postcode and date_of_birth.
    """
    kind = rule.kind or _KINDS.get(schema[label].validator if label in schema else "", "")
    if kind == "age":
        return _generalise_age(value, rule) or name_label(label)
    if kind == "postcode":
        return _generalise_postcode(value, rule) or name_label(label)
    if kind == "date":
        return _generalise_date(value, rule, language, country, today) or name_label(label)
    raise MaskingError(f"generalise does not know what {label} is; give its rule kind = age, postcode or date.")


def _generalise_age(value: str, rule: Rule) -> str:
    numbers = regex.findall(r"\d+", value)
    if len(numbers) != 1 or int(numbers[0]) > 150:
        return ""
    age = int(numbers[0])
    if age >= rule.top:
        return f"{rule.top}+"
    begin = age - age % rule.band
    return str(age) if rule.band == 1 else f"{begin}–{min(begin + rule.band, rule.top) - 1}"


def _generalise_postcode(value: str, rule: Rule) -> str:
    characters = [character for character in value if character.isalnum()]
    if len(characters) <= rule.digits:
        return ""
    prefix = "".join(characters[: rule.digits])
    shown = "0" * rule.digits if prefix in rule.suppress else prefix
    return shown + "*" * (len(characters) - rule.digits)


def _generalise_date(value: str, rule: Rule, language: str, country: str, today: date | None) -> str:
    written = parse_date(value, language, country)
    year = written.day.year if written else find_year(value)
    this_year = (today or datetime.now(UTC).date()).year
    if year is None or (rule.oldest and this_year - year > rule.oldest):
        return ""
    return f"{year}-{written.day.month:02d}" if written and rule.precision == "month" else str(year)
