"""Which characters of a text are taken, as one byte each: a question costs the length of its range, not all ranges."""

from __future__ import annotations


def take_range(taken: bytearray, start: int, end: int) -> None:
    """Take the characters from `start` to before `end`."""
    taken[start:end] = b"\x01" * (end - start)


def is_taken(taken: bytearray, start: int, end: int) -> bool:
    """True if any character from `start` to before `end` is taken."""
    return taken.find(1, start, end) >= 0
