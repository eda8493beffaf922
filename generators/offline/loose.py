"""Values of a spec that the templates cannot tell of a person.

A spec from the project's own samples (`goldspan.generators.specs.paraphrase`) may name more people than a template has
letters for, a value that belongs to nobody, or two telephone numbers of one person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.offline.account import MAX_PERSONS
from goldspan.generators.specs.spec import Spec, SpecValue
from goldspan.generators.specs.values import NAMES

if TYPE_CHECKING:
    from goldspan.generators.offline.author import Author

_LISTS = frozenset({"log", "record", "table", "form"})


def split_values(spec: Spec, labels: LabelSchema) -> tuple[Spec, tuple[SpecValue, ...]]:
    """The spec with what the templates can tell, and the rest of its values."""
    named = {entry.person for entry in spec.values if entry.label in NAMES}
    nameless = not labels.entity_codes.intersection(NAMES)
    told = sorted(person for person in range(1, spec.persons + 1) if nameless or person in named)[:MAX_PERSONS]
    numbers = {person: number for number, person in enumerate(told, start=1)}
    kept: dict[tuple[int, str], SpecValue] = {}
    loose: list[SpecValue] = []
    for entry in spec.values:
        person = numbers.get(entry.person, 0)
        if not person or (person, entry.label) in kept:
            loose.append(entry)
        else:
            kept[person, entry.label] = replace(entry, person=person)
    if not loose and len(told) == spec.persons:
        return spec, ()
    genders = tuple(spec.genders[person - 1] for person in told)
    values = tuple(kept.values())
    return replace(spec, persons=len(told), genders=genders, values=values, hard_negative=not values), tuple(loose)


def write_loose(author: Author) -> None:
    """Write the values that no template tells: each in a sentence, or in a line of a list."""
    page = author.page
    is_list = author.spec.document_type in _LISTS
    names = [entry for entry in author.loose if entry.label in NAMES]
    groups = [tuple(parts) for _, parts in groupby(names, key=attrgetter("person"))]
    groups += [(entry,) for entry in author.loose if entry.label not in NAMES]
    for number, parts in enumerate(groups):
        page.write("\n" if is_list or not number else " ")
        page.capitalises_next = True
        told = "" if is_list else author.noise.draw_about([(entry.label, entry.value) for entry in parts])
        if told:
            page.write(told)
            author.end_line()
        elif parts[0].label in NAMES:
            _write_name(author, parts)
        else:
            author.write_other_label(parts[0].label, parts[0].value, is_list)


def _write_name(author: Author, parts: Sequence[SpecValue]) -> None:
    """The name of somebody on a line of its own."""
    page = author.page
    page.write("" if page.at_line_start else "\n")
    start = page.length
    for number, entry in enumerate(parts):
        page.write(" " if number else "")
        page.write_entity(entry.label, entry.value)
    page.add_mention(start, "MENTION", "")
    page.write("\n")
