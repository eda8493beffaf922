"""Progress of a run, computed from its journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from goldspan.generators.journal.journal import Journal
from goldspan.generators.journal.rows import DECIDED_STATES, ERASED
from goldspan.generators.journal.submissions import OPEN_STATES, list_submissions

NEVER_BEGUN = "never begun"
_NOTICES = ("waiting", "asked again", "queue full", "probe", "adapted", "abandoned")
"""Kinds of events that somebody who watches the run should see."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Counts of a run. `answered` are decided rows, `refused` those not accepted; cost in US dollars.

    `notice` is the newest message about what the run waits for, or asks again and why.
    """

    run: str
    state: str
    samples: int
    done: int
    dead: int
    open: int
    pending: int
    submitted: int
    answered: int
    refused: int
    batches_open: int
    tokens_in: int
    tokens_out: int
    cost: float
    by_stage: dict[str, dict[str, int]]
    notice: str = ""

    @property
    def finished(self) -> bool:
        """True when every item has ended and is written to the output files."""
        return self.state == "finished"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_progress(journal: Journal) -> Progress:
    """Count.

    States: `finished`, `waiting` (a provider is at work on batches), `cancelled`, `unfinished`; `never begun` where
    the journal holds no settings.
    """
    settings = journal.read_settings()
    items = journal.count_items()
    by_stage: dict[str, dict[str, int]] = {}
    for (stage, state), count in journal.count_rows().items():
        by_stage.setdefault(stage, {})[state] = count
    total = {
        state: sum(stage.get(state, 0) for stage in by_stage.values())
        for state in ("pending", "submitted", *DECIDED_STATES)
    }
    answered = sum(total[state] for state in DECIDED_STATES)
    batches_open = sum(submission.state in OPEN_STATES for submission in list_submissions(journal, open_only=True))
    samples = int(settings.get("settings", {}).get("samples", 0))
    done, dead = items.get("done", 0), items.get("dead", 0)
    sums = journal.sum_totals()
    return Progress(
        run=journal.run_id,
        state=_name_state(settings, done + dead + items.get(ERASED, 0), batches_open),
        samples=samples,
        done=done,
        dead=dead,
        open=items.get("open", 0),
        pending=total["pending"],
        submitted=total["submitted"],
        answered=answered,
        refused=answered - total["ok"],
        batches_open=batches_open,
        tokens_in=sums.tokens_in,
        tokens_out=sums.tokens_out,
        cost=sums.cost,
        by_stage=by_stage,
        notice=_find_notice(journal),
    )


def _find_notice(journal: Journal) -> str:
    marks = ", ".join("?" * len(_NOTICES))
    statement = f"SELECT message FROM event WHERE kind IN ({marks}) ORDER BY number DESC LIMIT 1"  # noqa: S608
    found = journal.query(statement, _NOTICES)
    return str(found[0][0]) if found else ""


def _name_state(settings: Mapping[str, Any], ended: int, batches_open: int) -> str:
    if "settings" not in settings:
        return NEVER_BEGUN
    if ended >= settings["settings"]["samples"] and settings.get("written", ended) >= ended:
        return "finished"
    if batches_open:
        return "waiting"
    return "cancelled" if settings.get("cancelled") else "unfinished"


def list_reasons(journal: Journal) -> list[dict[str, Any]]:
    """Why answers were not accepted, the five most frequent reasons first; reasons that begin alike count as one."""
    found = journal.query(
        "SELECT stage, state, count(*) AS times, min(reason) FROM row "
        "WHERE state IN ('invalid', 'repeated', 'truncated', 'refused', 'failed', 'missing') "
        "GROUP BY stage, state, substr(reason, 1, 40) ORDER BY times DESC, stage, state LIMIT 5"
    )
    return [{"stage": stage, "state": state, "count": count, "reason": reason} for stage, state, count, reason in found]
