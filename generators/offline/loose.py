"""Values of a spec that the templates cannot tell of a person.

A spec from the project's own samples (`goldspan.generators.specs.paraphrase`) may name more people than a template has
letters for, a value that belongs to nobody, or two telephone numbers of one person.
"""

from __future__ import annotations

from dataclasses import replace

from goldspan.annotation.labels.schema import LabelSchema
from goldspan.generators.offline.account import MAX_PERSONS
from goldspan.generators.specs.draw import NAMES, Spec, SpecValue


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
