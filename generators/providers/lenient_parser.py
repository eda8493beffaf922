"""A parser of almost-JSON that names each deviation and never completes what was cut off."""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"(?:\s|\u200b|\ufeff|//[^\n]*|#[^\n]*|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][\w-]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_LITERALS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_CLOSING = {'"': '"', "'": "'", "“": "”", "„": "“”", "”": "”", "‘": "’", "`": "`"}
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_MARKDOWN = frozenset("'_*$#`~[](){}<>!-.&“”‘’")
_AFTER_VALUE = re.compile(
    r"""\s*(?:[}\]:]|,\s*(?:["'“„‘}\]{\[]|[A-Za-z_]\w*\s*:|//|/\*|\#)|\Z|(?://|/\*|\#)[^\n]*\n\s*[}\]])"""
)
_CONTINUES = re.compile(r"""(?:[ \t]*\+\s*|[ \t]*\n\s*)(?=["'])""")
_MAX_DEPTH = 40


class TruncatedJsonError(ValueError):
    """The text ends inside a value."""


class LenientParser:
    """Reads one value of `text` from `position` on; `repairs` names what was not JSON."""

    def __init__(self, text: str, position: int = 0) -> None:
        self.text, self.position = text, position
        self.repairs: list[str] = []
        self._depth = 0
        self._open_lists = 0

    def read_value(self) -> Any:
        """The value.

        Raises:
            TruncatedJsonError: the text ends inside it.
            ValueError: there is none.
        """
        character = self._peek()
        if character == "{":
            return self._read_object()
        if character == "[":
            return self._read_list()
        if character in _CLOSING:
            return self._read_string(character)
        if match := _NUMBER.match(self.text, self.position):
            self.position = match.end()
            return json.loads(match[0])
        if (match := _WORD.match(self.text, self.position)) and match[0] in _LITERALS:
            self._note_word(match[0])
            self.position = match.end()
            return _LITERALS[match[0]]
        raise ValueError(f"no value at character {self.position}")

    def _note_word(self, word: str) -> None:
        if word[0].isupper():
            self.repairs.append("python_literal")

    def _read_object(self) -> dict[str, Any]:
        self._enter()
        found: dict[str, Any] = {}
        while True:
            character = self._peek(closes=bool(found))
            if character in {"}", ""}:
                break
            if character == ",":
                self.position += 1
                self.repairs.append("comma")
                continue
            key = self._read_key()
            if self._peek() != ":":
                raise ValueError(f"no colon at character {self.position}")
            self.position += 1
            found[key] = self.read_value()
            self._read_comma("}")
        self.position += 1
        self._depth -= 1
        return found

    def _read_key(self) -> str:
        character = self._peek()
        if character in _CLOSING:
            return self._read_string(character)
        match = _WORD.match(self.text, self.position)
        if not match:
            raise ValueError(f"no key at character {self.position}")
        self.position = match.end()
        self.repairs.append("unquoted_key")
        return match[0]

    def _read_list(self) -> list[Any]:
        self._enter()
        self._open_lists += 1
        found: list[Any] = []
        while self._peek() != "]":
            if self._peek() == ",":
                self.position += 1
                self.repairs.append("comma")
                continue
            found.append(self.read_value())
            self._read_comma("]")
        self.position += 1
        self._depth -= 1
        self._open_lists -= 1
        return found

    def _enter(self) -> None:
        self.position += 1
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ValueError("too deep")

    def _read_comma(self, end: str) -> None:
        character = self._peek(closes=True)
        if character == ",":
            self.position += 1
            if self._peek(closes=True) == end:
                self.repairs.append("trailing_comma")
        elif character not in {end, ""}:
            self.repairs.append("missing_comma")

    def _peek(self, *, closes: bool = False) -> str:
        """The next character that is not white space.

        The end of the text is an error, except `closes`: after a whole value of the outermost object, where only its
        closing brace is missing and nothing else can be.
        """
        match = _SPACE.match(self.text, self.position)
        self.position = match.end() if match else self.position
        if self.position < len(self.text):
            return self.text[self.position]
        if closes and self._depth == 1 and not self._open_lists:
            if "missing_brace" not in self.repairs:
                self.repairs.append("missing_brace")
            return ""
        raise TruncatedJsonError("the answer ends inside its JSON")

    def _read_string(self, opening: str) -> str:
        if self.text.startswith(opening * 3, self.position) and opening in {'"', "'"}:
            return self._read_triple(opening * 3)
        closing = _CLOSING[opening]
        if opening != '"':
            self.repairs.append("quotes")
        pieces: list[str] = []
        self.position += 1
        while self.position < len(self.text):
            character = self.text[self.position]
            if character == "\\":
                pieces.append(self._read_escape())
                continue
            self.position += 1
            if character in closing:
                if _AFTER_VALUE.match(self.text, self.position):
                    return "".join(pieces)
                if opening == '"' and (more := self._find_continuation()):
                    self.position = more
                    continue
                if opening == '"':
                    self.repairs.append("unescaped_quote")
            elif character in "\n\r\t" and opening == '"':
                self.repairs.append("raw_line_break")
            pieces.append(character)
        raise TruncatedJsonError("the answer ends inside a string")

    def _find_continuation(self) -> int:
        """Where the next piece of a string is that is written in pieces (`"one " + "two"`); 0 if it does not."""
        match = _CONTINUES.match(self.text, self.position)
        if not match or self.text[match.end()] != '"':
            return 0
        self.repairs.append("joined_strings")
        return match.end() + 1

    def _read_triple(self, quotes: str) -> str:
        end = self.text.find(quotes, self.position + 3)
        if end < 0:
            raise TruncatedJsonError("the answer ends inside a string")
        found = self.text[self.position + 3 : end]
        self.position = end + 3
        self.repairs.append("quotes")
        return found

    def _read_escape(self) -> str:
        following = self.text[self.position + 1 : self.position + 2]
        if following == "u":
            match = re.compile(r"(?:\\u[0-9a-fA-F]{4})+").match(self.text, self.position)
            if match:
                self.position = match.end()
                return str(json.loads(f'"{match[0]}"'))
        self.position += 2
        if following in _ESCAPES:
            return _ESCAPES[following]
        self.repairs.append("escape")
        if following == "\n":
            return "\n"
        return following if following in _MARKDOWN else f"\\{following}"
