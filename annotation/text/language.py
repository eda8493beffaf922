"""Which language a text is in, by its script and its function words.

Enough to notice that a model answered in another language than it was asked for; not a general language identifier.
The method is that of function-word profiles (Ingle 1976; Grefenstette 1995): the most frequent closed-class words of
two languages hardly overlap, and every third or fourth word of running text is one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from functools import lru_cache

import regex

_WORDS = {
    "en": "the of and to in is that for it with as was on be at by this have from or had not are but we you your i my "
    "he she his her they an will been which has if would please thank our their were can do when me at all so about",
    "de": "der die das und ist in zu den mit von für auf nicht ein eine einen einem einer ich sie es wir ihr ihre "
    "ihnen sich auch dem des im am bei nach war hat haben wird wurde werden bitte dass als oder aber wie um uns mein "
    "meine sehr geehrte über unter noch kann sind durch zum zur vom bin",
    "fr": "le la les de des du et est en un une que qui dans pour pas sur au aux avec ce cette il elle je nous vous ne "
    "se son sa ses par plus mon ma mes votre vos notre nos été ont sont être avoir mais ou à leur bien merci monsieur "
    "madame comme tout",
    "es": "el la los las de del y en que es un una por con no se su sus para al lo como más pero fue ha han le mi me "
    "este esta está son usted nos nuestro nuestra yo muy o sin sobre también hay ya gracias señor señora porque cuando "
    "desde hasta",
    "nl": "de het een en van in is dat op te zijn voor met die niet aan er om ook als bij dit was wordt naar door uit "
    "ik je u we wij hij zij ze mijn uw hun heeft hebben maar of over nog kan worden graag bedankt geen zal zich tot "
    "heer mevrouw",
    "da": "og i at er det en et den til på for med af de ikke som der har jeg du vi han hun sig var om men så fra kan "
    "ved eller blev skal min din vores deres være efter over også hvis tak venlig hilsen har kunne mig dig ikke nu "
    "os blive",
    "it": "il lo la gli le di e che è un una per con non si su del della dei al alla sono ha ho nel nella come più ma "
    "anche mi ti ci questo questa suo sua grazie essere stato",
    "pt": "o a os as de do da dos das e que é um uma para com não se em no na por mais como mas foi ao ele ela seu sua "
    "eu você nos nossa obrigado está são também",
    "sv": "och i att är det en ett den till på för med av de inte som har jag du vi han hon sig var om men så från kan "
    "vid eller ska min din deras vara efter också tack",
    "pl": "i w na nie że się z do jest to o za od po jak co ale przez dla są by tak już być który która",
}
"""Closed-class words of each language, from its grammar and common letters."""

_LATIN = frozenset(_WORDS)
_SCRIPTS = {
    "han": regex.compile(r"\p{Han}"),
    "kana": regex.compile(r"[\p{Hiragana}\p{Katakana}]"),
    "hangul": regex.compile(r"\p{Hangul}"),
    "cyrillic": regex.compile(r"\p{Cyrillic}"),
    "arabic": regex.compile(r"\p{Arabic}"),
    "greek": regex.compile(r"\p{Greek}"),
    "hebrew": regex.compile(r"\p{Hebrew}"),
    "thai": regex.compile(r"\p{Thai}"),
    "devanagari": regex.compile(r"\p{Devanagari}"),
}
_LETTER = regex.compile(r"\p{L}")
_TOKEN = regex.compile(r"\p{L}{2,}")
"""Words of one letter are left out: initials, and words of too many languages."""
_ASCII_TOKEN = re.compile("[A-Za-z]{2,}")
_MIN_WORDS = 5
_MIN_LEAD = 2.0
_MIN_RATIO = 1.3


@lru_cache(maxsize=1)
def _index_words() -> dict[str, frozenset[str]]:
    """The languages of each function word."""
    languages: defaultdict[str, set[str]] = defaultdict(set)
    for language, words in _WORDS.items():
        for word in words.split():
            languages[word].add(language)
    return {word: frozenset(found) for word, found in languages.items()}


@lru_cache(maxsize=len(_WORDS))
def _list_foreign_words(language: str) -> frozenset[str]:
    """Function words of other languages that are none of this one."""
    return frozenset(word for word, languages in _index_words().items() if language not in languages)


def list_function_words(language: str) -> frozenset[str]:
    """Closed-class words of a language (ISO 639-1), case-folded; empty where there is no profile."""
    return frozenset(_WORDS.get(language, "").split())


def find_other_language(text: str, language: str) -> str:
    """The language or script that a text is in, when that is clearly not `language` (ISO 639-1); else empty.

    Only the languages with a profile can be told from each other, and only in texts long enough to be sure: another
    language must have at least five function words of its own and twice as many as the one expected.
    """
    if language not in _LATIN:
        return ""
    if not text.isascii():
        letters = len(_LETTER.findall(text))
        for script, pattern in _SCRIPTS.items():
            if letters >= 10 and len(pattern.findall(text)) * 2 > letters:
                return script
        text = unicodedata.normalize("NFC", text)
    words = _TOKEN.findall(text) if not text.isascii() else _ASCII_TOKEN.findall(text)
    foreign = _list_foreign_words(language)
    if sum(map(foreign.__contains__, map(str.casefold, words))) < _MIN_WORDS:
        return ""
    index = _index_words()
    found = [word for word in map(str.casefold, words) if word in index]
    known = [(count, index[word]) for word, count in Counter(found).items()]
    scores = dict.fromkeys(_WORDS, 0)
    for count, languages in known:
        for name in languages:
            scores[name] += count
    expected = scores[language]
    best = max(scores, key=lambda name: (scores[name], name))
    own = sum(count for count, languages in known if best in languages and language not in languages)
    lost = sum(count for count, languages in known if language in languages and best not in languages)
    leads = own > _MIN_LEAD * lost and scores[best] > _MIN_RATIO * expected
    if best != language and own >= _MIN_WORDS and leads:
        return best
    return ""
