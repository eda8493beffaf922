"""Prefixes and endings that a language writes onto a name without a mark.

Two widths: what may be attached (`joins_affix`, for checks: a doubtful border becomes a warning) and what is attached
often enough to be found by (`is_known_affix`, for alignment). Endings are listed for the cases that grammars give;
they are kept short, because a long ending may belong to another name.
"""

from __future__ import annotations

from functools import cache

import regex

_GERMANIC = frozenset({"de", "nl", "da", "sv", "nb", "nn", "no", "is", "fo", "lb", "fy", "af"})
_SUFFIXING = frozenset(
    (
        *("tr", "az", "kk", "ky", "uz", "tk", "tt", "fi", "et", "hu", "eu", "ka", "hy", "ta", "te", "ml", "kn", "mn"),
        *("sw", "lt", "lv", "pl", "cs", "sk", "ru", "uk", "be", "bg", "sr", "hr", "bs", "sl", "mk", "el", "ro", "la"),
    )
)
"""Languages that decline or agglutinate names."""

_LONGEST = 8
_ENDINGS = {
    **dict.fromkeys(_GERMANIC, r"s|es|sche[nrsm]?|ens"),
    **dict.fromkeys(
        ("tr", "az"),
        r"(?:l[ae]r)?(?:(?:[ıiuü]m|[ıiuü]n|s?[ıiuü])(?:n[ıiuü]n)?)?(?:n?[ıiuü]n|[yn]?[ıiuü]|[yn]?[ae]|n?[dt][ae]|n?[dt][ae]n|y?l[ae]|c[ae])"
        r"(?:ki)?(?:d[ıiuü]r|yd[ıiuü])?|l[ae]r",
    ),
    "fi": r"(?:n|[aä]|t[aä]|ss[aä]|st[aä]|ll[aä]|lt[aä]|lle|n[aä]|ksi|tt[aä]|h?[aeiouyäö]n|seen)"
    r"(?:k[oö]|kin|k[aä][aä]n|h[aä]n)?",
    "et": r"(?:i|t|d|sse|s|st|le|l|lt|ks|ni|na|ta|ga)",
    "hu": r"(?:[oeaöőá]?t|n[ae]k|v[ae]l|b[ae]n|b[ae]|b[óő]l|r[ae]|r[óő]l|t[óő]l|h[oeö]z|[oeö]?n|n[áé]l"
    r"|ért|ig|ként|é|[oeöa]?k|[jé]?[ae])",
    "eu": r"(?:k|ri|ren|rekin|rentzat|an|ra|tik|ko)",
}
_ARABIC = regex.compile(r"\p{Arabic}")
_HEBREW = regex.compile(r"\p{Hebrew}")
_ARABIC_PREFIX = regex.compile(r"[وف]?(?:[بكلس]|ال|بال|كال|لل|لـ|بـ)?\Z")
_ARABIC_SUFFIX = regex.compile(r"(?:ه|ها|هم|هن|ي|ك|كم|نا|ين|ون|ات|ة|ت)\Z")
_HEBREW_PREFIX = regex.compile(r"[משהוכלב]{1,4}\Z")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}_\u00ad\u200c\u200d\u2060\u0640]")


@cache
def _compile_ending(language: str) -> regex.Pattern[str] | None:
    return regex.compile(rf"(?:{_ENDINGS[language]})\Z", regex.IGNORECASE) if language in _ENDINGS else None


def split_affixes(text: str, start: int, end: int) -> tuple[str, str]:
    """The letters that are written onto the span before and after it."""
    left = start
    while left > 0 and start - left <= _LONGEST and _WORD.match(text[left - 1]):
        left -= 1
    right = end
    while right < len(text) and right - end <= _LONGEST and _WORD.match(text[right]):
        right += 1
    return text[left:start], text[end:right]


def joins_affix(text: str, start: int, end: int, language: str = "") -> bool:
    """True if what is written onto the span may be a prefix or an ending of the language (empty: of any)."""
    before, after = split_affixes(text, start, end)
    if _ARABIC.match(text[start]):
        return (not before or len(before) <= 4) and (not after or _ARABIC_SUFFIX.match(after) is not None)
    if _HEBREW.match(text[start]):
        return (not before or _HEBREW_PREFIX.match(before) is not None) and len(after) <= 3
    if before or len(after) > _LONGEST or not after.isalpha():
        return False
    if language in _SUFFIXING:
        return True
    return (language in _GERMANIC or not language) and after in {"s", "es"}


def is_known_affix(text: str, start: int, end: int, language: str = "") -> bool:
    """True if what is written onto the span is a frequent prefix or ending of the language."""
    before, after = split_affixes(text, start, end)
    if end - start < 3:
        return False
    if _ARABIC.match(text[start]):
        return _ARABIC_PREFIX.match(before) is not None and not after
    if _HEBREW.match(text[start]):
        return (not before or (_HEBREW_PREFIX.match(before) is not None and len(before) <= 2)) and not after
    pattern = _compile_ending(language)
    return not before and pattern is not None and pattern.match(after) is not None
