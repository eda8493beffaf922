"""Request features a server has rejected, remembered so that each is discovered once.

Structured outputs fall back json_schema → json_object → none. Sampling settings that are refused are left out, and
the token limit is spelled the other way when a server asks for that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

FORMATS = ("json_schema", "json_object", "none")
_SPELLINGS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_OPTIONAL = ("seed", "temperature")
_FORMAT_WORDS = ("response_format", "json_schema", "json_object", "structured", "grammar", "guided")
_MAY_BE_FORMAT = frozenset({400, 415, 422, 500, 501})
_REFUSED_FIELD = frozenset({400, 422})


class Adaptation:
    """Request features that one model's server accepts."""

    def __init__(self) -> None:
        self._format = 0
        self._proven = False
        self._left_out: set[str] = set()
        self._renamed: dict[str, str] = {}

    @property
    def format(self) -> str:
        """The form of structured output that is asked for."""
        return FORMATS[self._format]

    def adapt(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body adapted to the server."""
        adapted = {self._renamed.get(name, name): value for name, value in body.items() if name not in self._left_out}
        if self.format == "json_object":
            adapted["response_format"] = {"type": "json_object"}
        elif self.format == "none":
            adapted.pop("response_format", None)
        return adapted

    def note_success(self) -> None:
        """The server accepted the body as it was."""
        self._proven = True

    def learn(self, status: int, message: str, sent: Mapping[str, Any]) -> bool:
        """Learn from a refusal of the body `sent`; True when asking again, adapted, may work."""
        if status not in _MAY_BE_FORMAT:
            return False
        said = message.lower()
        if status in _REFUSED_FIELD:
            for name in _OPTIONAL:
                if name in sent and name in said:
                    self._left_out.add(name)
                    return True
            for name, other in _SPELLINGS.items():
                if name in sent and name in said and name not in self._renamed:
                    self._renamed[name] = other
                    return True
        about_format = any(word in said for word in _FORMAT_WORDS)
        if not about_format and self._proven:
            return False
        if _name_format(sent) != self.format:
            return True
        if self._format + 1 == len(FORMATS):
            return False
        self._format += 1
        return True


def _name_format(body: Mapping[str, Any]) -> str:
    form = body.get("response_format")
    return str(form["type"]) if form else "none"
