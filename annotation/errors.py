"""Every error that Goldspan raises on purpose.

Each message says what was wrong, where, and what would be right.
Exceptions of other libraries stop at the boundary that met them and come out as one of these.

    GoldspanError                  what the command line shows as one plain message
    ├── InputError                 something the user gave is wrong: a file, a flag, a schema
    │   ├── SchemaError            the label schema, a taxonomy or a JSON Schema is broken
    │   ├── UnknownNameError       a name that is not among the known ones; lists the nearest
    │   ├── TaggedTextError        text with tags that cannot be read; carries the offset
    │   ├── RecordError            one record of a file; carries file, line and JSON pointer
    │   └── ConfigurationError     a setting or credential is missing or contradicts another
    ├── StateError                 what is on disk does not allow this: locked, changed, newer
    │   ├── DiskFullError          no space is left, or a quota is used up
    │   └── GateClosedError        the data may not go to training yet, or a model not into service; carries the reasons
    ├── MaskingError               a text cannot be masked safely; there is no output
    └── ServiceError               another program did not do what was asked
        ├── TransientServiceError  may work when asked again: 429, 5xx, dropped connection
        └── TerminalServiceError   will not work when asked again: 400, 401, 402, 404
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def show_name(name: str) -> str:
    """The name of a file as text that can be printed: bytes that are no UTF-8 become replacement characters."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


class GoldspanError(Exception):
    """Base of all errors; its text is shown to the user as it is."""


class InputError(GoldspanError):
    """Something that the user gave is wrong."""


class SchemaError(InputError):
    """The label schema, a taxonomy or a JSON Schema is broken."""


class UnknownNameError(InputError):
    """A name that is not among the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], hint: str = "") -> None:
        known = sorted(known)
        nearest = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        advice = f"Did you mean {' or '.join(nearest)}?" if nearest else f"Known: {', '.join(known) or 'none yet'}."
        super().__init__(" ".join(part for part in (f"Unknown {kind} {name!r}.", advice, hint) if part))
        self.name = name
        self.nearest = nearest


class TaggedTextError(InputError):
    """Tagged text that cannot be read.

    `offset` is a code point index into the tagged string.
    """

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(f"{message} (at character {offset} of the tagged text)")
        self.offset = offset


class RecordError(InputError):
    """One record of a file cannot be used."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, pointer: str = "") -> None:
        place = ":".join(str(part) for part in (show_name(file), line or "") if part != "")
        super().__init__(f"{place}{'#' + pointer if pointer else ''}{': ' if place or pointer else ''}{message}")
        self.reason, self.file, self.line, self.pointer = message, file, line, pointer


class ConfigurationError(InputError):
    """A setting or credential is missing or contradicts another."""


class StateError(GoldspanError):
    """What is on disk does not allow this: locked, changed underneath, or written by a newer version."""


class DiskFullError(StateError):
    """No space is left on a disk, or a quota is used up."""


class GateClosedError(StateError):
    """The data may not go to training yet, or a trained model not into service."""

    def __init__(self, reasons: Iterable[str], command: str, outcome: str = "Nothing was written.") -> None:
        self.reasons, self.command = tuple(reasons), command
        listed = "; ".join(self.reasons).rstrip(".")
        super().__init__(f"The gate is closed: {listed}. {outcome} `{command}` says what to do.")


class MaskingError(GoldspanError):
    """A text cannot be masked safely. There is no output; the message never quotes the text."""


class ServiceError(GoldspanError):
    """Another program (Label Studio, a model server, the Hub) did not do what was asked."""


class TransientServiceError(ServiceError):
    """May work when asked again."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TerminalServiceError(ServiceError):
    """Will not work when asked again."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status
