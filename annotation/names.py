"""Languages and countries: English names, as data sets write them, and ISO codes, as samples keep them."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from goldspan.annotation.errors import UnknownNameError


@cache
def _load() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))


@cache
def _codes(kind: str) -> dict[str, str]:
    known: dict[str, str] = {code.casefold(): code for code in _load()[kind]}
    known |= {name.casefold(): code for code, name in _load()[kind].items()}
    known.update(_load()["also"][kind])
    return known


def find_language(name: str) -> str:
    """The ISO 639-1 code of `English`, `en`, `en-US` or `en_US`.

    Raises:
        UnknownNameError: it is none of the known languages.
    """
    codes = _codes("languages")
    folded = name.strip().casefold()
    code = codes.get(folded) or codes.get(folded.replace("_", "-").split("-")[0])
    if code is None:
        raise UnknownNameError("language", name, _load()["languages"].values())
    return code


def find_country(name: str) -> str:
    """The ISO 3166-1 alpha-2 code of `Germany`, `DE`, `de_DE` or `de-DE`; empty when it is not known."""
    codes = _codes("countries")
    folded = name.strip().casefold()
    locale = folded.replace("_", "-").split("-")
    return codes.get(folded) or (codes.get(locale[-1], "") if len(locale) > 1 else "")


def name_language(code: str) -> str:
    """The English name of a language; a code that is not known stays as it is."""
    return str(_load()["languages"].get(code, code))


def name_country(code: str) -> str:
    """The English name of a country; a code that is not known stays as it is."""
    return str(_load()["countries"].get(code, code))
