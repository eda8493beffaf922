"""Passwords and security tokens."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from goldspan.predictors.patterns.candidates import (
    CHECKED,
    REACH,
    STATED,
    Candidate,
    LocalisedText,
    compile_stated,
    read_stated,
)

_KNOWN_TOKEN = regex.compile(
    r"(?<![\p{L}\p{N}_-])(?:"
    r"sk-(?:proj-|ant-)?[A-Za-z0-9_-]{16,200}|[sprk]k_(?:live|test)_[A-Za-z0-9]{10,100}|gh[pousr]_[A-Za-z0-9]{20,100}"
    r"|github_pat_[A-Za-z0-9_]{20,100}|glpat-[A-Za-z0-9_-]{16,64}|xox[abeprs]-[A-Za-z0-9-]{10,200}"
    r"|A[KS]IA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,200}|hf_[A-Za-z0-9]{20,64}"
    r"|npm_[A-Za-z0-9]{30,64}|pypi-[A-Za-z0-9_-]{20,250}|SG\.[A-Za-z0-9_-]{16,40}\.[A-Za-z0-9_-]{20,64}"
    r"|dop_v1_[a-f0-9]{40,80}|shpat_[a-fA-F0-9]{20,64}|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r")(?![\p{L}\p{N}_])"
)
_IS = r"[^\S\n]?(?:is|was|ist|lautet|lautete|war|est|était|es|er|var|now|jetzt|nu|:|=|\||->|→|[^\S\n]){0,5}"
_QUOTE = r"[\"'„“”«‘`*]?"
_TOKEN = compile_stated(
    r"api[- ]?(?:key|token|schlüssel|nøgle|sleutel)|clé (?:d['’])?api|clave (?:de )?api|access[- ]token|"
    r"(?:security|auth(?:entication)?|bearer|session|secret|personal access|zugriffs|zugangs)[- ]?(?:token|key)|"
    r"zugriffstoken|jeton(?: d['’]accès| de sécurité)?|bearer|toegangstoken|adgangstoken|token(?: de acceso)?|"
    r"sicherheitstoken|beveiligingstoken|sikkerhedstoken|token de (?:seguridad|sécurité)",
    r"(?=[^\s\"'„“”«»‘’`,;]{0,202}\d)[A-Za-z0-9][A-Za-z0-9_./+=-]{6,200}[A-Za-z0-9=](?![\p{L}\p{N}_])",
    gap=_IS + _QUOTE,
)
_CODE = compile_stated(
    r"(?:one[- ]time|verification|security|login|access|confirmation|2fa) ?(?:code|password|passcode|pin)|otp|"
    r"einmal(?:code|passwort|kennwort)|bestätigungscode|sicherheitscode|verifizierungscode|(?-i:TAN)|"
    r"code (?:de (?:vérification|sécurité|confirmation)|à usage unique|d['’]accès)|"
    r"código (?:de (?:verificación|seguridad|acceso|un solo uso))|"
    r"(?:verificatie|beveiligings|inlog|eenmalige )code|(?:engangs|bekræftelses|sikkerheds)kode",
    r"(?:[A-Z0-9]{2,6}-)?(?=[A-Z0-9 ]{0,10}\d)(?:\d{3} \d{3}|[A-Z0-9]{4,10})(?![\p{L}\p{N}_])",
)
_PASSWORD = compile_stated(
    r"pass[- ]?(?:word|code|phrase)|passwd|pwd|\p{L}{0,12}(?:passwort|kennwort)|mot de passe|mdp|contraseña|clave|"
    r"wachtwoord|adgangskode|kodeord",
    r"[^\s\"'„“”«»‘’`]{5,64}",
    gap=r"[^\S\n]?"
    r"(?:is|was|ist|lautet|lautete|war|est|était|es|er|var|now|jetzt|nu|reset to|set to|:|=|\||->|→|[^\S\n]){1,5}"
    + _QUOTE,
)
_PLAIN_WORD = regex.compile(r"[\p{L}-]+\Z")


def find_tokens(document: LocalisedText) -> Iterator[Candidate]:
    """Tokens with the prefix of a known issuer, and those that the text calls by name."""
    for match in _KNOWN_TOKEN.finditer(document.text):
        yield Candidate(*match.span(), "SECURITYTOKEN", CHECKED)
    yield from read_stated(document.iter_numbers(_TOKEN, 2 * REACH), "SECURITYTOKEN")
    yield from read_stated(document.iter_numbers(_CODE), "SECURITYTOKEN")


def find_passwords(document: LocalisedText) -> Iterator[Candidate]:
    """What stands behind `password:` and is no plain word; a mark that ends the sentence does not belong."""
    for match in _PASSWORD.finditer(document.text):
        start, value = match.start("value"), match.group("value").rstrip(".,;:)]}>")
        if len(value) >= 5 and not _PLAIN_WORD.match(value):
            yield Candidate(start, start + len(value), "PASSWORD", STATED)
