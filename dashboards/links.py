"""Links from figures to their samples: addresses of the page Explore that hold a filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from urllib.parse import urlencode

from goldspan.dashboards.views.explore import Query

_FIELDS = frozenset(field.name for field in fields(Query))


def link_samples(**conditions: str) -> str:
    """Build the address of Explore with a filter; conditions are fields of `Query`, empty ones are left out.

    Raises:
        TypeError: there is no such field.
    """
    if unknown := conditions.keys() - _FIELDS:
        raise TypeError(f"No such condition: {', '.join(sorted(unknown))}.")
    given = {name: value for name, value in conditions.items() if value}
    return f"/explore?{urlencode(given)}" if given else "/explore"


def link_rows(rows: Sequence[Mapping[str, object]], conditions: Mapping[str, str]) -> list[str]:
    """Build a link for each row; `conditions` maps fields of `Query` to columns."""
    return [link_samples(**{name: str(row[column] or "") for name, column in conditions.items()}) for row in rows]


def describe_query(query: Query) -> str:
    """Describe a filter in one line; empty if it matches everything."""
    given = [(name, getattr(query, name)) for name in sorted(_FIELDS)]
    named = [(name, value if isinstance(value, str) else " and ".join(value)) for name, value in given if value]
    return ", ".join(f"{name.replace('_', ' ')} = {value}" for name, value in named)
