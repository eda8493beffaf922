"""Exit codes of every command; `docs/reference/cli.md` lists them."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Exit(IntEnum):
    """What a shell sees when a command ends."""

    OK = 0
    FAILED = 1
    USAGE = 2
    REFUSED_SOME = 3
    WAITING = 4
    DEAD_LETTERS = 5
    BUDGET_REACHED = 6
    GATE_CLOSED = 7
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "failed; the message says why and what to do",
    Exit.USAGE: "the command line is wrong",
    Exit.REFUSED_SOME: "done, but some records were refused; each is named on stderr",
    Exit.WAITING: "the provider is still at work; run the command again later",
    Exit.DEAD_LETTERS: "done, but some items are dead letters; their file is named",
    Exit.BUDGET_REACHED: "stopped at the budget; everything so far is kept",
    Exit.GATE_CLOSED: "the gate is closed; the reasons are listed",
    Exit.INTERRUPTED: "interrupted; everything so far is kept, resume goes on",
}

_OUTCOMES = {
    "done": Exit.OK,
    "failed": Exit.FAILED,
    "dead letters": Exit.DEAD_LETTERS,
    "waiting": Exit.WAITING,
    "budget": Exit.BUDGET_REACHED,
    "cancelled": Exit.OK,
    "stopped": Exit.INTERRUPTED,
}


def exit_for(outcome: StrEnum) -> Exit:
    """The exit code that tells how a run, a campaign or a fine-tuning job ended."""
    return _OUTCOMES[outcome.value]
