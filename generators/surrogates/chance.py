"""Chance that can be repeated: every stream of random numbers comes from a seed, an index and a purpose."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

DIGITS = "0123456789"
CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
SKEW = 5.0
LETTERS_AND_DIGITS = CAPITALS + DIGITS


def make_random(seed: int, index: int, *purpose: object) -> random.Random:
    """A stream that depends on nothing but its arguments: not on order, process or platform."""
    name = ":".join(str(part) for part in (seed, index, *purpose))
    return random.Random(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big"))  # noqa: S311


def draw_digits(rng: random.Random, count: int) -> str:
    """`count` digits."""
    return "".join(rng.choices(DIGITS, k=count))


def draw_from(rng: random.Random, alphabet: str, count: int) -> str:
    """`count` characters of an alphabet."""
    return "".join(rng.choices(alphabet, k=count))


def fill_pattern(rng: random.Random, pattern: str, letters: str = CAPITALS) -> str:
    """A pattern with each `#` replaced by a digit, `%` by a digit from 1 to 9 and `@` by a letter."""
    sources = {"#": DIGITS, "%": DIGITS[1:], "@": letters}
    return "".join(rng.choice(sources[c]) if c in sources else c for c in pattern)


def pick(rng: random.Random, options: Sequence[T]) -> T:
    """One of the options, all equally likely."""
    return options[int(rng.random() * len(options))]


def pick_skewed(rng: random.Random, options: Sequence[T]) -> T:
    """One of the options, the first ones likelier: half of the picks fall on the first 3 %."""
    return options[int(len(options) * rng.random() ** SKEW)]


def mix(options: Sequence[T]) -> tuple[T, ...]:
    """The options in an order that is arbitrary and always the same."""
    return tuple(sorted(options, key=lambda option: hashlib.sha256(repr(option).encode()).digest()))
