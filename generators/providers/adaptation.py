"""Request features a server has rejected, remembered so that each is discovered once.

Structured outputs fall back json_schema → json_object → none. Sampling settings that are refused are left out, the
token limit is spelled the other way when a server asks for that, and lowered to the limit that a server states.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

FORMATS = ("json_schema", "json_object", "none")
_SPELLINGS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_OPTIONAL = ("seed", "temperature")
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "structured", "grammar", "guided")
_MAY_BE_FORMAT = frozenset({400, 415, 422, 500, 501})
_REFUSED_FIELD = frozenset({400, 422})
_LIMIT_WORDS = re.compile(r"max_(?:completion_|output_|new_)?tokens|(?:completion|output|new) tokens|context length")
_CONTEXT = re.compile(r"context length (?:is|of)\D{0,20}(\d+)")
_PROMPT = re.compile(r"(\d+) (?:tokens )?(?:in|for|from) the (?:messages|prompt|input)")
_LEAST_LIMIT = 64
_CONTEXT_MARGIN = 64


class Adaptation:
    """Request features that one model's server accepts."""

    def __init__(self) -> None:
        self._format = 0
        self._proven = False
        self._left_out: set[str] = set()
        self._renamed: dict[str, str] = {}
        self._limit = 0

    @property
    def format(self) -> str:
        """The form of structured output that is asked for."""
        return FORMATS[self._format]

    def to_dict(self) -> dict[str, Any]:
        """As JSON, for the journal."""
        return {
            "format": self.format,
            "left_out": sorted(self._left_out),
            "renamed": dict(self._renamed),
            "limit": self._limit,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Adaptation:
        """From JSON."""
        made = cls()
        made._format = FORMATS.index(stored.get("format", FORMATS[0]))
        made._left_out, made._renamed = set(stored.get("left_out", ())), dict(stored.get("renamed", {}))
        made._limit = int(stored.get("limit", 0))
        return made

    def adapt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body adapted to the server."""
        adapted = {self._renamed.get(name, name): value for name, value in body.items() if name not in self._left_out}
        if self._limit:
            adapted |= {name: min(adapted[name], self._limit) for name in _SPELLINGS if name in adapted}
        if self.format == "json_object" and "response_format" in adapted:
            adapted["response_format"] = {"type": "json_object"}
        elif self.format == "none":
            adapted.pop("response_format", None)
        return adapted

    def note_success(self) -> None:
        """The server accepted the body as it was."""
        self._proven = True

    def learn(self, status: int, message: str, sent: Mapping[str, Any]) -> bool:
        """Learn from a refusal of the body `sent`; True when asking again, adapted, may work."""
        said = message.lower()
        about_format = names_format(said)
        if status not in _MAY_BE_FORMAT and not (status == 404 and about_format):
            return False
        if status in _REFUSED_FIELD and self._learn_field(said, sent):
            return True
        if not about_format and self._proven:
            return False
        if _name_format(sent) != self.format:
            return True
        if self._format + 1 == len(FORMATS):
            return False
        self._format += 1
        return True

    def _learn_field(self, said: str, sent: Mapping[str, Any]) -> bool:
        for name in _OPTIONAL:
            if name in sent and name in said:
                self._left_out.add(name)
                return True
        if self._learn_limit(said, sent):
            return True
        for name, other in _SPELLINGS.items():
            if name in sent and name in said and name not in self._renamed:
                self._renamed[name] = other
                return True
        return False

    def _learn_limit(self, said: str, sent: Mapping[str, Any]) -> bool:
        """Take the limit of an answer's tokens from a message that states it."""
        asked = next((int(sent[name]) for name in _SPELLINGS if name in sent), 0)
        if not asked or not _LIMIT_WORDS.search(said):
            return False
        numbers = [int(number) for number in re.findall(r"\d+", said.replace(",", ""))]
        context, prompt = _CONTEXT.search(said), _PROMPT.search(said)
        if context:
            used = int(prompt[1]) if prompt else max((n for n in numbers if n < int(context[1])), default=0)
            limit = int(context[1]) - used - _CONTEXT_MARGIN
        else:
            limit = max((number for number in numbers if _LEAST_LIMIT <= number < asked), default=0)
        if not _LEAST_LIMIT <= limit < asked:
            return False
        self._limit = limit
        return True


def names_format(message: str) -> bool:
    """True if a message is about the form of structured output."""
    said = message.lower()
    return any(word in said for word in _FORMAT_WORDS)


def _name_format(body: Mapping[str, Any]) -> str:
    form = body.get("response_format")
    return str(form["type"]) if form else "none"
