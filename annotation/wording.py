"""Words that messages share."""

from __future__ import annotations


def format_count(number: int, noun: str) -> str:
    """`1 sample`, `2,000 samples`, `0 entities`."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


def describe_error(error: BaseException) -> str:
    """What an error says, without the number and the path of an `OSError`; its type if it says nothing."""
    said = getattr(error, "strerror", None) or next(iter(str(error).splitlines()), "")
    return said.rstrip(".") or type(error).__name__
