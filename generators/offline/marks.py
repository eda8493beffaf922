"""Entities inside plain text: the names that a phrase mentions carry their label until the page writes them.

Private-use characters delimit them; nothing that a lexicon or a spec holds has these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OPEN, _BETWEEN, _CLOSE = "\ue000", "\ue001", "\ue002"
_MARKED = re.compile(f"{_OPEN}([A-Z]+){_BETWEEN}([^{_CLOSE}]*){_CLOSE}")


def mark_entity(label: str, value: str) -> str:
    """The value as an entity with the label."""
    return open_entity(label) + value + close_entity()


def open_entity(label: str) -> str:
    """What stands before the first character of an entity."""
    return f"{_OPEN}{label}{_BETWEEN}"


def close_entity() -> str:
    """What stands after the last character of an entity."""
    return _CLOSE


def split_marked(text: str) -> Iterator[tuple[str, str]]:
    """Pieces of the text in order, each with its label or an empty one."""
    cursor = 0
    for match in _MARKED.finditer(text):
        if match.start() > cursor:
            yield "", text[cursor : match.start()]
        yield match[1], match[2]
        cursor = match.end()
    if cursor < len(text):
        yield "", text[cursor:]


def drop_marks(text: str) -> str:
    """The text as a reader sees it."""
    return _MARKED.sub(r"\2", text) if _OPEN in text else text
