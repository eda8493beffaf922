"""What may be shown or stored of a message from elsewhere: no secrets, no control characters, not too long."""

from __future__ import annotations

import re
from collections.abc import Iterable

_REDACTED = "…"
_CREDENTIALS = re.compile(
    r"(?i)\b(bearer|basic|token)\s+[\w.~+/=-]{8,}"
    r"|\b(?:sk|pk|hf|key|ghp|gsk)[-_][\w-]{8,}"
    r"|\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"
)
_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and marks that change the direction of text."""


def redact(message: str, secrets: Iterable[str] = (), limit: int = 300) -> str:
    """The message without the given secrets and anything that looks like a key, token or password in an address.

    Control characters and bidirectional marks are dropped; what is longer than `limit` is cut in its middle.
    """
    for secret in secrets:
        if len(secret) >= 4:
            message = message.replace(secret, _REDACTED)
    message = _CREDENTIALS.sub(lambda match: f"{match[1]} {_REDACTED}" if match[1] else _REDACTED, message)
    message = strip_controls(_USERINFO.sub("", message))
    half = limit // 2
    return message if len(message) <= limit else f"{message[:half]} {_REDACTED} {message[-half:]}"


def strip_controls(text: str) -> str:
    """The text without control characters (tab and line feed stay) and without bidirectional marks."""
    return _UNSAFE.sub("", text)


_VISIBLE = {code: 0x2400 + code for code in range(32) if chr(code) not in "\n\t"}
_VISIBLE |= {0x7F: 0x2421} | dict.fromkeys((*range(0x80, 0xA0), 0x61C, 0x200E, 0x200F), 0xFFFD)
_VISIBLE |= dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), 0xFFFD)


def show_controls(text: str) -> str:
    """Replace control characters (escape sequences among them) and bidirectional marks with visible symbols.

    Tabs and line feeds stay; the length is the same.
    """
    return text.translate(_VISIBLE)
