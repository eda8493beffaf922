"""Fault plans: what goes wrong, how often and where.

    seed = 7

    [[faults]]
    kind = "accept_and_drop"
    call = "create"
    count = 1

    [[faults]]
    kind = "truncated"
    rate = 0.05

Which call, batch or row is hit depends on the seed and on its own key, never on a clock, so a plan can be replayed.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from goldspan.annotation.configuration import read_toml
from goldspan.annotation.errors import InputError, RecordError
from goldspan.generators.simulator.plan_checks import check_plan

CALL_KINDS = frozenset(
    {"accept_and_drop", "gateway_timeout", "too_many_requests", "payment_required", "server_error", "file_gone"}
    | {"web_page", "empty_reply", "redirect", "echo_key", "error_reply"}
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One line of the plan. `name` is unique within it; `seconds`, `fraction` and the rest as in the schema."""

    name: str
    kind: str
    call: str = ""
    rate: float = 1.0
    count: int = 0
    skip: int = 0
    seconds: float = 0.0
    fraction: float = 0.5
    retry_after: float = 1.0
    min_rows: int = 0
    status: int = 500
    shape: str = "openai"
    message: str = "The server is overloaded, please try again later."


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All faults of one server."""

    faults: tuple[Fault, ...] = ()
    seed: int = 0


def build_plan(document: Mapping[str, Any]) -> FaultPlan:
    """The plan of a parsed TOML document. Raises RecordError with the pointer to what is wrong."""
    check_plan(document)
    faults = tuple(
        Fault(name=f"{number}:{entry['kind']}", **entry) for number, entry in enumerate(document.get("faults", ()))
    )
    return FaultPlan(faults, document.get("seed", 0))


def load_plan(path: Path) -> FaultPlan:
    """Read a plan from a TOML file. Raises InputError."""
    document = read_toml(path, InputError)
    try:
        return build_plan(document)
    except RecordError as error:
        raise RecordError(error.reason, file=str(path), pointer=error.pointer) from error


def draw_number(seed: int, *parts: object) -> float:
    """A number in [0, 1) that depends on the seed and the parts alone."""
    digest = hashlib.blake2b("\x1f".join(map(str, (seed, *parts))).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


class FaultInjector:
    """Decides which calls, batches and rows a fault hits; recorded in the database, so a restart changes nothing."""

    def __init__(self, plan: FaultPlan, database: sqlite3.Connection) -> None:
        self.plan = plan
        self._database = database
        self._seen: dict[str, int] = {}
        self._hits: dict[str, int] = {}
        for name, seen, hits in database.execute("SELECT name, seen, hits FROM fault"):
            self._seen[name], self._hits[name] = seen, hits

    def draw(self, key: str, kinds: Iterable[str], call: str = "", rows: int = 0) -> list[Fault]:
        """The faults of these kinds that hit `key` (a call number, a batch id, a custom id); counted as happened."""
        return [
            fault
            for fault in self.plan.faults
            if fault.kind in kinds and fault.call == call and rows >= fault.min_rows and self._is_hit(fault, key)
        ]

    def number_call(self, call: str) -> int:
        """How many calls of this sort came before; counts this one."""
        return self._count(f"call:{call}", hit=False) - 1

    def count_hits(self) -> dict[str, int]:
        """How often each fault of the plan struck."""
        return {fault.name: self._hits.get(fault.name, 0) for fault in self.plan.faults}

    def _is_hit(self, fault: Fault, key: str) -> bool:
        is_drawn = fault.rate >= 1 or draw_number(self.plan.seed, fault.name, key) < fault.rate
        if not is_drawn:
            return False
        spared = self._seen.get(fault.name, 0) < fault.skip
        spent = bool(fault.count) and self._hits.get(fault.name, 0) >= fault.count
        if spent:
            return False
        self._count(fault.name, hit=not spared)
        return not spared

    def _count(self, name: str, hit: bool) -> int:
        self._seen[name] = self._seen.get(name, 0) + 1
        self._hits[name] = self._hits.get(name, 0) + hit
        self._database.execute(
            "INSERT INTO fault(name, seen, hits) VALUES (?, ?, ?) "
            "ON CONFLICT(name) DO UPDATE SET seen = excluded.seen, hits = excluded.hits",
            (name, self._seen[name], self._hits[name]),
        )
        return self._seen[name]
