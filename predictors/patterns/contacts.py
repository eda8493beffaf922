"""E-mail addresses, URLs, telephone numbers, user names."""

from __future__ import annotations

from collections.abc import Iterator

import regex

from goldspan.annotation.labels.validators import check_value
from goldspan.predictors.patterns.candidates import (
    CHECKED,
    LOOSE,
    SHAPED,
    STATED,
    Candidate,
    LocalisedText,
    compile_stated,
    read_stated,
)
from goldspan.predictors.patterns.finance import find_cards

_EMAIL = regex.compile(
    r"(?<![\w.+@])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.)+[\p{L}]{2,24}(?!_*[\p{L}\p{N}@-])"
)
_TOP = (
    "com|org|net|edu|gov|info|biz|io|dev|app|ai|me|co|eu|uk|us|ca|au|ie|de|at|ch|fr|be|es|mx|nl|dk|it|pt|se|no|fi|pl|"
    "example|test|invalid|blog|shop|online|site|cloud|tech|name"
)
_URL = regex.compile(
    r"(?<![\p{L}\p{N}@./-])(?<![\p{L}\p{N}]_+)(?:(?:https?|ftp)://[^\s<>\"'„“”«»`]+|www\.[^\s<>\"'„“”«»`]+"
    rf"|(?:[\p{{L}}\p{{N}}-]+\.)+(?:{_TOP})(?![\w@-])(?:[:/?#][^\s<>\"'„“”«»`]*)?)",
    regex.IGNORECASE,
)
_PHONE_WORDS = regex.compile(
    r"(?<!\p{L})(?i:tele)?(?i:phone|mobile|cell|call|tel\b|tel[.:]|telefon|telefono|teléfono|téléphone|tél|portable|handy|mobil|móvil|"
    r"celular|telefoon|telefoonnummer|gsm|whatsapp|fax|text me|ring|anrufen|erreichbar|joindre|llam|bel\b|bereik|"
    r"ring til|tlf|mobiel|rückruf|durchwahl)[^.!?\n]{0,40}\Z"
)
_NO_TRUNK_PREFIX = {"US", "CA", "MX", "ES", "DK", "NO", "PT", "PL"}
_NO_PHONE = regex.compile(
    r"\d{1,2}[./-]\d{1,2}[./-](?:\d{2}|\d{4})\Z|(?:19|20)\d{2}(?:-\d{2}-\d{2}|[-/]\d{3,4})?\Z|\d{1,5}\Z"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_DATES = regex.compile(
    rf"(?=\d)(?<![\d.,/+-])(?:{_DAY}(?P<mark>[./-]){_DAY}(?P=mark)(?:(?:18|19|20)\d\d|\d\d)"
    rf"|(?:18|19|20)\d\d(?P<other>[./-]){_DAY}(?P=other){_DAY}"
    rf"|{_DAY}\.{_DAY}\.? ?[-\u2013] ?{_DAY}\.{_DAY}(?:\.(?:\d{{4}}|\d\d)?)?)(?![./-]?\d)"
)
_PHONE_RUN = regex.compile(r"(?<![\p{L}\p{N}])(?<![\p{N}][ ./-])[+(]?\d[\d ().+/-]{10,60}\d(?![\p{L}\d])")
_PHONE_GROUP = regex.compile(r"\+?\(?\d+\)?")
_LONGEST_PHONE, _SHORTEST_PHONE = 13, 8
_MOST_DIGITS = 15
"""Of an international number (ITU-T E.164)."""

_REFERENCE = regex.compile(r"(?:\p{L}-|#|§ ?)\Z")
_HANDLE = regex.compile(r"(?<![\w.@/+-])@[\p{L}\p{N}_][\w.-]{1,30}(?<![.-])(?!@)")
_USERNAME = compile_stated(
    r"user ?name|user[- ]?id|log[- ]?in(?: name)?|handle|screen name|benutzername|nutzername|benutzerkennung|"
    r"anmeldename|nom d['’]utilisateur|identifiant|pseudo|nombre de usuario|usuario|gebruikersnaam|brugernavn|"
    r"nome utente|nome de utilizador",
    r"@?[A-Za-z0-9][\w.-]{1,30}[\p{L}\p{N}](?![\w@])",
    gap=r"[^\S\n]?(?:is|was|ist|lautet|est|es|er|:|=|\||[^\S\n]){0,4}[\"'„“«‘`]?",
)
_TELLS_NAME = regex.compile(r"[\d_.@]|-\w")


def find_emails(document: LocalisedText) -> Iterator[Candidate]:
    """Addresses with a domain; quotes, commas and the full stop behind them do not belong."""
    for match in _EMAIL.finditer(document.text):
        emphasised = document.text[match.end() : match.end() + 1] == "_"
        value = match.group().lstrip("'`*{|_" if emphasised else "'`*{|")
        start = match.end() - len(value)
        if value[0] != "." and check_value("email", value):
            yield Candidate(start, match.end(), "EMAIL", CHECKED)


def find_urls(document: LocalisedText) -> Iterator[Candidate]:
    """URLs with a scheme or `www.`, and bare domains under a well-known top-level domain."""
    for match in _URL.finditer(document.text):
        value = match.group().rstrip(".,;:!?*_")
        while value.endswith((")", "]", "}")) and value.count(value[-1]) > value.count("([{"[")]}".index(value[-1])]):
            value = value[:-1].rstrip(".,;:!?")
        follows = document.text[match.start() + len(value) : match.start() + len(value) + 1]
        if follows != "@" and "." in value:
            yield Candidate(match.start(), match.start() + len(value), "URL", SHAPED)


def find_phones(document: LocalisedText) -> Iterator[Candidate]:
    """Numbers that libphonenumber finds: valid ones, and possible ones that the text announces.

    Dates and cards are ruled out first; a run of digits that holds several numbers is cut between its groups.
    """
    import phonenumbers

    text = _DATES.sub(lambda match: "\u00a4" * len(match[0]), document.text)
    for card in find_cards(document):
        if sum(map(str.isdigit, text[card.start : card.end])) > _MOST_DIGITS:
            text = text[: card.start] + "\u00a4" * (card.end - card.start) + text[card.end :]
    for region in document.countries or (None,):
        covered: list[tuple[int, int]] = []
        matcher = phonenumbers.PhoneNumberMatcher(text, region, leniency=phonenumbers.Leniency.POSSIBLE)
        for match in matcher:
            before = text[max(0, match.start - 60) : match.start]
            if _NO_PHONE.match(match.raw_string) or _REFERENCE.search(before):
                continue
            stated = _PHONE_WORDS.search(before) is not None
            if stated or (phonenumbers.is_valid_number(match.number) and _looks_dialled(match.raw_string, region)):
                score = STATED if stated else LOOSE + 0.1 * match.raw_string.startswith(("+", "00", "("))
                covered.append((match.start, match.end))
                yield Candidate(match.start, match.end, "PHONENUMBER", score)
        for run in _PHONE_RUN.finditer(text):
            if sum(map(str.isdigit, run[0])) > _LONGEST_PHONE and not any(
                start < run.end() and run.start() < end for start, end in covered
            ):
                yield from _cut_run(text, run.span(), region)


def _cut_run(text: str, place: tuple[int, int], region: str | None) -> Iterator[Candidate]:
    """Valid numbers side by side in a run of groups, the longest first from the left."""
    import phonenumbers

    groups = [match.span() for match in _PHONE_GROUP.finditer(text, *place)]
    first = 0
    while first < len(groups):
        for last in range(min(first + 6, len(groups) - 1), first - 1, -1):
            start, end = groups[first][0], groups[last][1]
            raw = text[start:end]
            if sum(map(str.isdigit, raw)) < _SHORTEST_PHONE or not _looks_dialled(raw, region):
                continue
            try:
                number = phonenumbers.parse(raw, region)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                yield Candidate(start, end, "PHONENUMBER", LOOSE)
                first = last
                break
        first += 1


def _looks_dialled(raw: str, region: str | None) -> bool:
    if raw.startswith(("+", "0", "(")):
        return True
    return region in _NO_TRUNK_PREFIX and not raw.isdigit()


def find_usernames(document: LocalisedText) -> Iterator[Candidate]:
    """Handles with @, and names behind `user name:`, where they look like a name made for a machine."""
    for match in _HANDLE.finditer(document.text):
        yield Candidate(*match.span(), "USERNAME", SHAPED)
    for candidate in read_stated(_USERNAME.finditer(document.text), "USERNAME", LOOSE + 0.2):
        lead = document.text[max(0, candidate.start - 3) : candidate.start]
        name = document.text[candidate.start : candidate.end]
        if _TELLS_NAME.search(name) or any(mark in lead for mark in ":=\"'„“«`"):
            yield candidate
