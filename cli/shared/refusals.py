"""Records that a command refuses: named on stderr, counted for the exit code."""

from __future__ import annotations

from goldspan.annotation.errors import RecordError
from goldspan.cli.shared.console import fail
from goldspan.cli.shared.exits import Exit

_SHOWN = 20


class Refusals:
    """Takes refused records; the first twenty are shown in full."""

    def __init__(self) -> None:
        self.errors: list[RecordError] = []

    def __call__(self, error: RecordError) -> None:
        """Take one refused record."""
        self.errors.append(error)
        if len(self.errors) <= _SHOWN:
            fail(str(error))
        elif len(self.errors) == _SHOWN + 1:
            fail("… more records are refused; only their number is shown.")

    @property
    def has_hidden(self) -> bool:
        """True if there were more than the terminal shows."""
        return len(self.errors) > _SHOWN

    @property
    def exit_code(self) -> Exit:
        """REFUSED_SOME if there were any."""
        return Exit.REFUSED_SOME if self.errors else Exit.OK
