"""Lists of names that are nobody's: statistics of names, calendars, varieties, ships, colours, without an entity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goldspan.generators.offline.lexicon import raise_first
from goldspan.generators.surrogates.chance import pick
from goldspan.generators.surrogates.outside import draw_name_parts

if TYPE_CHECKING:
    from goldspan.generators.offline.author import Author

_KINDS = {"First": "first_name_list", "Family": "family_name_list", "City": "city_name_list"}
"""The names of a list, and the lexicon's headings for it."""
_WEIGHTS = (5, 4, 3)
_COUNTS = {"short": (80, 120), "medium": (120, 180), "long": (160, 240)}
_FIGURES = ("count", "percent", "rate")
_ROWS = ("{name} ({figure})", "{name} {figure}", "{figure} {name}", "{name}: {figure}", "{name}\t{figure}")
_PLAIN_SHARE, _SORTED_SHARE, _INVENTED_SHARE = 0.65, 0.6, 0.1
"""Lists without figures, lists in order, and names that nobody has."""
_SEPARATORS = ("\n", "\n- ", "\n", "\t", " | ", " · ", " / ")
"""What stands between names; no comma, since sentences enumerate people with commas."""


def write_name_list(author: Author) -> None:
    """A heading and a list of names, with a figure each or alone, between sentences about other things."""
    rng, page, noise = author.rng, author.page, author.noise
    kind = rng.choices(list(_KINDS), _WEIGHTS)[0]
    spec = author.spec
    names = draw_name_parts(rng, kind, spec.language, spec.country, rng.randint(*_COUNTS[spec.length]))
    mixed = (raise_first(noise.draw("Term")) if rng.random() < _INVENTED_SHARE else name for name in names)
    names = list(dict.fromkeys(mixed))
    if rng.random() < _SORTED_SHARE:
        names.sort()
    row, figure = "{name}", ""
    if rng.random() > _PLAIN_SHARE:
        row, figure = pick(rng, _ROWS), pick(rng, _FIGURES)
        names = names[: len(names) // 2]
    separator = pick(rng, _SEPARATORS)
    if rng.random() < 0.5:
        author.write_report()
        page.write("\n\n")
    page.write(noise.draw(_KINDS[kind]) + pick(rng, (":\n", "\n\n", ": ")))
    page.write(separator.lstrip() if separator.startswith("\n") else "")
    page.write(separator.join(row.format(name=name, figure=noise.draw(figure) if figure else "") for name in names))
    page.write("\n\n")
    author.write_report()
